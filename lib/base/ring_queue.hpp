// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstddef>
#include <memory>
#include <utility>

namespace tickwire::detail {

/// A first-in first-out queue in one circular array, which grows and is then reused: a steady flow
/// through it does not allocate, and an empty one that was never used holds no memory.
template <class T>
class RingQueue {
 public:
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  [[nodiscard]] T& operator[](std::size_t index) noexcept { return slots_[wrap(index)]; }
  [[nodiscard]] const T& operator[](std::size_t index) const noexcept {
    return slots_[wrap(index)];
  }
  [[nodiscard]] T& front() noexcept { return slots_[head_]; }
  [[nodiscard]] const T& front() const noexcept { return slots_[head_]; }
  [[nodiscard]] T& back() noexcept { return (*this)[size_ - 1]; }

  T& push_back(T value) {
    if (size_ == capacity()) grow();
    T& slot = slots_[wrap(size_)];
    slot = std::move(value);
    ++size_;
    return slot;
  }

  [[nodiscard]] T take_front() {
    T value = std::move(slots_[head_]);
    drop_front();
    return value;
  }
  void drop_front() {
    slots_[head_] = T();
    head_ = wrap(1);
    --size_;
  }

  /// Takes the one at `index`; those behind it move up.
  [[nodiscard]] T take(std::size_t index) {
    T value = std::move((*this)[index]);
    for (std::size_t i = index; i + 1 < size_; ++i)
      (*this)[i] = std::move((*this)[i + 1]);
    back() = T();
    --size_;
    return value;
  }

  void clear() {
    while (!empty())
      drop_front();
  }

  /// Room for `count` in all without another allocation.
  void reserve(std::size_t count) {
    if (count > capacity()) resize(std::bit_ceil(count));
  }

 private:
  [[nodiscard]] std::size_t capacity() const noexcept { return slots_ ? mask_ + 1 : 0; }
  [[nodiscard]] std::size_t wrap(std::size_t index) const noexcept {
    return (head_ + index) & mask_;
  }
  void grow() { resize(slots_ ? capacity() * 2 : 4); }
  void resize(std::size_t count) {
    auto wider = std::make_unique<T[]>(count);
    for (std::size_t i = 0; i < size_; ++i)
      wider[i] = std::move((*this)[i]);
    slots_ = std::move(wider);
    mask_ = count - 1;
    head_ = 0;
  }

  std::unique_ptr<T[]> slots_;
  std::size_t mask_ = 0;  // one less than the number of slots, a power of two
  std::size_t head_ = 0;
  std::size_t size_ = 0;
};

}  // namespace tickwire::detail
