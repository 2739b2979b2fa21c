// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include <tickwire/byte_sink.hpp>

#include "lib/base/buffer.hpp"

namespace tickwire::detail {

/// Where a host's objects are encoded, one after the other. A large one's block goes on its way
/// with the message, so that it is not copied; a small one's is used again.
class EncodeBuffer final : public ByteSink {
 public:
  explicit EncodeBuffer(BufferPool& pool) noexcept : pool_(pool) {}

  /// Makes it empty for the next object.
  void clear() noexcept {
    size_ = 0;
    if (capacity_ > kMostKeptBytes) use({});
  }
  /// Whether a block of its own is worth while for what was written.
  [[nodiscard]] bool is_large() const noexcept { return size_ >= kLargeBytes; }
  /// Gives away the block that begins with what was written, for somebody who would copy that; then
  /// it is empty. No block, and nothing changed, where a copy is cheaper or saves much memory.
  [[nodiscard]] BufferRef take_large() noexcept;

 private:
  // From here on a block is given away; below, messages share packets.
  static constexpr std::size_t kLargeBytes = 16 * 1024;
  static constexpr std::size_t kMostKeptBytes = 2 * kLargeBytes;

  bool grow(std::size_t least_capacity) override;
  /// Returns the block that was used before.
  BufferRef use(BufferRef block) noexcept;

  BufferPool& pool_;
  BufferRef block_;
  std::size_t last_large_bytes_ = 0;  // the next one is often as large
};

}  // namespace tickwire::detail
