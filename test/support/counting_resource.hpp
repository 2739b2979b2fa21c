// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <limits>
#include <memory_resource>
#include <new>

namespace tickwire::test {

/// A memory resource that knows how much of it is out, and may have a limit.
///
/// Thread: any.
class CountingResource final : public std::pmr::memory_resource {
 public:
  [[nodiscard]] std::size_t bytes_out() const noexcept { return bytes_out_; }
  [[nodiscard]] std::size_t blocks_out() const noexcept { return blocks_out_; }
  /// Since the beginning; stands still while nothing is allocated.
  [[nodiscard]] std::size_t allocations() const noexcept { return allocations_; }
  /// From now on it gives no more than so much beyond what is out.
  void leave(std::size_t bytes) noexcept { limit_ = bytes_out_ + bytes; }
  void lift_limit() noexcept { limit_ = std::numeric_limits<std::size_t>::max(); }

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    if (bytes > limit_ || bytes_out_ > limit_ - bytes) throw std::bad_alloc();
    void* place = std::pmr::new_delete_resource()->allocate(bytes, alignment);
    bytes_out_ += bytes;
    ++blocks_out_;
    ++allocations_;
    return place;
  }
  void do_deallocate(void* place, std::size_t bytes, std::size_t alignment) override {
    bytes_out_ -= bytes;
    --blocks_out_;
    std::pmr::new_delete_resource()->deallocate(place, bytes, alignment);
  }
  [[nodiscard]] bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
    return this == &other;
  }

  std::atomic<std::size_t> bytes_out_{0};
  std::atomic<std::size_t> blocks_out_{0};
  std::atomic<std::size_t> allocations_{0};
  std::atomic<std::size_t> limit_{std::numeric_limits<std::size_t>::max()};
};

}  // namespace tickwire::test
