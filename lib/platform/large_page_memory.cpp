// SPDX-License-Identifier: MIT
#include "lib/platform/large_page_memory.hpp"

#include <algorithm>
#include <cstddef>

#if __has_include(<sys/mman.h>)
#include <sys/mman.h>
#endif

namespace tickwire::detail {
namespace {

constexpr std::size_t kPageBytes = 2 * 1024 * 1024;
constexpr std::size_t kSmallPagesBytes = 2 * kPageBytes;
constexpr std::size_t kLeastBytes = 2 * kSmallPagesBytes;

class LargePageMemory final : public std::pmr::memory_resource {
 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    if (bytes < kLeastBytes) return free_store_->allocate(bytes, alignment);
    void* const place = free_store_->allocate(bytes, std::max(alignment, kPageBytes));
#ifdef MADV_HUGEPAGE
    // A system that has none says no, and the block is as it was.
    static_cast<void>(::madvise(static_cast<std::byte*>(place) + kSmallPagesBytes,
                                bytes - kSmallPagesBytes, MADV_HUGEPAGE));
#endif
    return place;
  }
  void do_deallocate(void* place, std::size_t bytes, std::size_t alignment) override {
    if (bytes >= kLeastBytes) alignment = std::max(alignment, kPageBytes);
    free_store_->deallocate(place, bytes, alignment);
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }

  std::pmr::memory_resource* free_store_ = std::pmr::new_delete_resource();
};

}  // namespace

// Blocks may be given back while the program's other objects end, so it never ends itself.
std::pmr::memory_resource* default_memory() noexcept {
  static LargePageMemory& large_pages = *new LargePageMemory;
  std::pmr::memory_resource* const chosen = std::pmr::get_default_resource();
  return chosen == std::pmr::new_delete_resource() ? &large_pages : chosen;
}

}  // namespace tickwire::detail
