// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
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
  [[nodiscard]] const T& back() const noexcept { return (*this)[size_ - 1]; }

  T& push_back(T value) { return push_back() = std::move(value); }
  /// A fresh one. When there is no memory, nothing has changed.
  T& push_back() {
    if (size_ == capacity()) grow();
    return slots_[wrap(size_++)];
  }

  /// When there is no memory, nothing has changed, and the value is still there.
  T& push_front(T&& value) {
    if (size_ == capacity()) grow();
    head_ = static_cast<std::uint32_t>(wrap(capacity() - 1));
    ++size_;
    return front() = std::move(value);
  }

  [[nodiscard]] T take_front() {
    T value = std::move(slots_[head_]);
    drop_front();
    return value;
  }
  void drop_front() {
    std::destroy_at(&slots_[head_]);
    std::construct_at(&slots_[head_]);
    head_ = static_cast<std::uint32_t>(wrap(1));
    --size_;
  }

  void drop_back() noexcept {
    std::destroy_at(&back());
    std::construct_at(&slots_[wrap(size_ - 1)]);
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
  [[nodiscard]] std::size_t capacity() const noexcept {
    return slots_ ? std::size_t{mask_} + 1 : 0;
  }
  [[nodiscard]] std::size_t wrap(std::size_t index) const noexcept {
    return (head_ + index) & mask_;
  }
  void grow() { resize(slots_ ? capacity() * 2 : 4); }
  void resize(std::size_t count) {
    auto wider = std::make_unique<T[]>(count);
    for (std::size_t i = 0; i < size_; ++i)
      wider[i] = std::move((*this)[i]);
    slots_ = std::move(wider);
    mask_ = static_cast<std::uint32_t>(count - 1);
    head_ = 0;
  }

  std::unique_ptr<T[]> slots_;
  // Each connection has some of these: 4 Gi slots are enough.
  std::uint32_t mask_ = 0;  // one less than the number of slots, a power of two
  std::uint32_t head_ = 0;
  std::uint32_t size_ = 0;
};

}  // namespace tickwire::detail
