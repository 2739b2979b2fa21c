// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>

#include <tickwire/copy_bytes.hpp>

#include "lib/base/buffer.hpp"

namespace tickwire::detail {

/// Whether so many bytes are worth keeping their whole block from being used again.
[[nodiscard]] inline bool is_mostly_waste(std::size_t bytes, const BufferBlock& block) noexcept {
  return bytes < block.capacity / 4;
}

/// Copies of what is small, one behind the other in blocks of their own, so that the large ones
/// that it arrived in can be used again.
class SmallCopies {
 public:
  explicit SmallCopies(BufferPool& pool) noexcept : pool_(pool) {}

  /// A copy; empty when there is no memory for one. Pre: there are bytes.
  [[nodiscard]] Slice copy(std::span<const std::byte> bytes) noexcept {
    if (!block_ || block_.capacity() - used_ < bytes.size()) {
      try {
        block_ = pool_.allocate(std::max(kBlockBytes, bytes.size()));
      } catch (const std::bad_alloc&) {
        return {};
      }
      used_ = 0;
    }
    const Slice place{block_, used_, static_cast<std::uint32_t>(bytes.size())};
    copy_bytes(place.bytes().data(), bytes.data(), bytes.size());
    used_ += place.size;
    return place;
  }
  /// Lets go of the block that is being filled.
  void close() noexcept { block_ = BufferRef(); }

 private:
  // More than a quarter of what a stream is read into, which is the largest that is copied.
  static constexpr std::size_t kBlockBytes = 20 * 1024;

  BufferPool& pool_;
  BufferRef block_;
  std::uint32_t used_ = 0;
};

}  // namespace tickwire::detail
