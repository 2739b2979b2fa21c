// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
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
    if (!watch_) watch_ = std::make_unique<Watch>(pool);
    const BufferBlock* const block = value.block();
    queue_.push_back(std::move(value));
    ++watch_->fresh;
    if (block != watch_->newest) note_block(*block);
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
  // Made when something first arrives: a connection on which nothing does has no need of it.
  struct Watch {
    explicit Watch(BufferPool& pool) noexcept : copies(pool) {}
    SmallCopies copies;
    const BufferBlock* newest = nullptr;  // of the last that came; it may be gone
    std::size_t fresh = 0;                // not looked at yet; some of them may be gone
    std::size_t fresh_bytes = 0;          // of their blocks
  };

  // What may wait without being looked at: two blocks of a stream and a part of a third. A program
  // that takes all that there is every pass hardly ever leaves as much.
  static constexpr std::size_t kFreshBytes = std::size_t{160} * 1024;

  void after_taking() noexcept {
    if (queue_.empty()) watch_->copies.close();
  }
  void note_block(const BufferBlock& block) noexcept {
    watch_->newest = &block;
    watch_->fresh_bytes += block.capacity;
    if (watch_->fresh_bytes > kFreshBytes) look_through();
  }

  // All but the newest, whose block may still be filling up. Each is looked at once.
  [[gnu::noinline]] void look_through() noexcept {
    const std::size_t end = queue_.size() - 1;
    std::size_t begin = queue_.size() - std::min(watch_->fresh, queue_.size());
    while (begin < end) {
      const BufferBlock& block = *queue_[begin].block();
      std::size_t bytes = 0;
      std::size_t next = begin;
      for (; next < end && queue_[next].block() == &block; ++next)
        bytes += queue_[next].bytes().size();
      if (is_mostly_waste(bytes, block)) copy(begin, next);
      begin = next;
    }
    watch_->fresh = 1;
    watch_->fresh_bytes = watch_->newest->capacity;
  }
  void copy(std::size_t begin, std::size_t end) noexcept {
    for (std::size_t i = begin; i < end; ++i) {
      Slice place = watch_->copies.copy(queue_[i].bytes());
      if (place.buffer) queue_[i].move_to(std::move(place));
    }
  }

  RingQueue<T> queue_;
  std::unique_ptr<Watch> watch_;
};

}  // namespace tickwire::detail
