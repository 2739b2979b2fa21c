// SPDX-License-Identifier: MIT
#include "lib/transport/stream/frame_reader.hpp"

#include <cstring>

#include "lib/base/bytes.hpp"

namespace tickwire::detail {

std::size_t FrameReader::take_prefix(std::span<const std::byte> bytes) noexcept {
  const std::size_t count = std::min(bytes.size(), kFramePrefixBytes - prefix_bytes_);
  std::memcpy(prefix_.data() + prefix_bytes_, bytes.data(), count);
  prefix_bytes_ += static_cast<std::uint8_t>(count);
  return count;
}

bool FrameReader::open_frame() noexcept {
  length_ = load<std::uint32_t>(prefix_.data());
  violated_ = length_ == 0 || length_ > (is_first_ ? kMaxFirstFrameBytes : kMaxFrameBytes);
  if (violated_) return false;
  prefix_bytes_ = 0;
  is_first_ = false;
  return true;
}

// The rest comes with a later read, straight to where it belongs.
void FrameReader::keep(std::span<const std::byte> bytes, BufferPool& pool) {
  partial_ = pool.allocate(length_);
  have_ = static_cast<std::uint32_t>(bytes.size());
  if (!bytes.empty()) std::memcpy(partial_.bytes(), bytes.data(), bytes.size());
}

}  // namespace tickwire::detail
