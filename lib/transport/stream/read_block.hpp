// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <span>

#include "lib/base/packet.hpp"

namespace tickwire::detail {

/// The block that all connections of a transport read into, one after the other. What they read is
/// handed out as parts of it; once its end is near, the next one is borrowed from the pool. So a
/// connection at rest holds no memory, and a small message keeps little more than its own bytes
/// from being used again.
class ReadBlock {
 public:
  explicit ReadBlock(BufferPool& pool) noexcept : pool_(pool) {}

  /// Where to read next: at least 16 KiB.
  [[nodiscard]] std::span<std::byte> room() {
    if (!block_ || block_.capacity() - used_ < kLeastRoom) {
      block_ = pool_.allocate(kBlockBytes);
      used_ = 0;
    }
    return {block_.bytes() + used_, block_.capacity() - used_};
  }
  /// From an offset to an end in what was read.
  [[nodiscard]] std::span<const std::byte> fresh(std::size_t offset,
                                                 std::size_t end) const noexcept {
    return {block_.bytes() + used_ + offset, end - offset};
  }
  /// A part of what was read, as a packet that shares the block.
  [[nodiscard]] Packet packet(std::size_t offset, std::size_t bytes) const {
    return Packet(block_, used_ + offset, bytes);
  }
  /// They are taken.
  void advance(std::size_t bytes) noexcept { used_ += bytes; }

 private:
  static constexpr std::size_t kBlockBytes = 72 * 1024;
  static constexpr std::size_t kLeastRoom = 16 * 1024;

  BufferPool& pool_;
  BufferRef block_;
  std::size_t used_ = 0;
};

}  // namespace tickwire::detail
