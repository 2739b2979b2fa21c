// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include "lib/base/ring_queue.hpp"
#include "lib/session/small_copies.hpp"

namespace tickwire::detail {

/// What has arrived and waits for the program, left in the blocks that it arrived in. Those are
/// large, and what waits may be small: what has waited for long, and is mostly waste, is copied.
///
/// Shape:  of a `T` it is known in which `block()` it lies and what `bytes()` it has, and it can
///         `move_to` a copy of them.
/// Memory: blocks of up to four times the bytes that wait, and a quarter of a MiB.
template <class T>
class WaitingQueue {
 public:
  [[nodiscard]] bool empty() const noexcept { return queue_.empty(); }
  [[nodiscard]] T& front() noexcept { return queue_.front(); }
  [[nodiscard]] const T& front() const noexcept { return queue_.front(); }
  [[nodiscard]] const T& back() const noexcept { return queue_.back(); }

  /// Copies are made in memory of the pool.
  void push_back(T value, BufferPool& pool) {
    const BufferBlock* const block = value.block();
    queue_.push_back(std::move(value));
    ++fresh_;
    if (block != newest_) note_block(*block, pool);
  }
  [[nodiscard]] T take_front() {
    T value = queue_.take_front();
    after_taking();
    return value;
  }
  void drop_front() {
    queue_.drop_front();
    after_taking();
  }

 private:
  // What may wait without being looked at: two blocks of a stream and a part of a third. A program
  // that takes all that there is every pass hardly ever leaves as much.
  static constexpr std::size_t kFreshBytes = std::size_t{160} * 1024;

  // No more than has to be known.
  [[nodiscard]] static std::uint32_t counted(std::size_t bytes) noexcept {
    return static_cast<std::uint32_t>(std::min(bytes, kFreshBytes + 1));
  }
  void after_taking() noexcept {
    if (copies_ && queue_.empty()) copies_->close();
  }
  void note_block(const BufferBlock& block, BufferPool& pool) noexcept {
    newest_ = &block;
    fresh_bytes_ = counted(std::size_t{fresh_bytes_} + block.capacity);
    if (fresh_bytes_ > kFreshBytes) look_through(pool);
  }

  // All but the newest, whose block may still be filling up. Each is looked at once.
  [[gnu::noinline]] void look_through(BufferPool& pool) noexcept {
    const std::size_t end = queue_.size() - 1;
    std::size_t begin = queue_.size() - std::min<std::size_t>(fresh_, queue_.size());
    while (begin < end) {
      const BufferBlock& block = *queue_[begin].block();
      std::size_t bytes = 0;
      std::size_t next = begin;
      for (; next < end && queue_[next].block() == &block; ++next)
        bytes += queue_[next].bytes().size();
      if (is_mostly_waste(bytes, block)) copy(begin, next, pool);
      begin = next;
    }
    fresh_ = 1;
    fresh_bytes_ = counted(newest_->capacity);
  }
  void copy(std::size_t begin, std::size_t end, BufferPool& pool) noexcept {
    if (!copies_) copies_.reset(new (std::nothrow) SmallCopies(pool));
    if (!copies_) return;
    for (std::size_t i = begin; i < end; ++i) {
      Slice place = copies_->copy(queue_[i].bytes());
      if (place.buffer) queue_[i].move_to(std::move(place));
    }
  }

  RingQueue<T> queue_;
  // Each connection has some of these, and most need no more than this.
  std::unique_ptr<SmallCopies> copies_;
  const BufferBlock* newest_ = nullptr;  // of the last that came; it may be gone
  std::uint32_t fresh_ = 0;              // not looked at yet; some of them may be gone
  std::uint32_t fresh_bytes_ = 0;        // of their blocks
};

}  // namespace tickwire::detail
