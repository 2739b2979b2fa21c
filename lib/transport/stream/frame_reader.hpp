// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "lib/base/packet.hpp"
#include "lib/transport/stream/read_block.hpp"

namespace tickwire::detail {

/// A frame is a packet behind its length, a little-endian u32.
inline constexpr std::size_t kFramePrefixBytes = 4;
inline constexpr std::size_t kMaxFrameBytes = 64 * 1024;
/// What the first frame may hold at most: a greeting, from somebody who has not been let in yet.
inline constexpr std::size_t kMaxFirstFrameBytes = 2048;

/// Cuts one stream into packets. Holds memory only while a packet is incomplete.
class FrameReader {
 public:
  /// Where the rest of an incomplete packet is wanted; empty when it does not matter.
  [[nodiscard]] std::span<std::byte> rest() const noexcept {
    return partial_ ? std::span<std::byte>(partial_.bytes() + have_, length_ - have_)
                    : std::span<std::byte>();
  }

  /// Goes through bytes that were read into `rest()` and, what did not fit there, into
  /// `block.room()`; gives whole packets to `emit`, which answers whether it wants more.
  template <class Emit>
  void take(std::size_t bytes, BufferPool& pool, ReadBlock& block, Emit&& emit) {
    const std::size_t to_rest = std::min(bytes, rest().size());
    have_ += static_cast<std::uint32_t>(to_rest);
    const std::size_t fresh = bytes - to_rest;
    bool wanted = true;
    if (partial_ && have_ == length_) wanted = emit(Packet(std::move(partial_), 0, length_));
    for (std::size_t offset = 0; wanted && !violated_ && offset < fresh;) {
      offset += take_prefix(block.fresh(offset, fresh));
      if (prefix_bytes_ < kFramePrefixBytes || !open_frame()) break;
      const std::size_t here = fresh - offset;
      if (here < length_) {
        keep(block.fresh(offset, fresh), pool);
        break;
      }
      wanted = emit(block.packet(offset, length_));
      offset += length_;
    }
    block.advance(fresh);
  }

  /// The stream claims a packet that nobody sends; it can be followed no further.
  [[nodiscard]] bool violated() const noexcept { return violated_; }
  /// The bytes that it took for a length, once `violated`.
  [[nodiscard]] std::array<std::byte, kFramePrefixBytes> claim() const noexcept { return prefix_; }
  /// Whether no frame has begun yet.
  [[nodiscard]] bool is_first() const noexcept { return is_first_; }
  /// Whether a frame has begun and not ended.
  [[nodiscard]] bool is_inside() const noexcept {
    return static_cast<bool>(partial_) || prefix_bytes_ > 0;
  }

 private:
  // How many of the bytes belong to the length of the next frame.
  [[nodiscard]] std::size_t take_prefix(std::span<const std::byte> bytes) noexcept;
  [[nodiscard]] bool open_frame() noexcept;
  void keep(std::span<const std::byte> bytes, BufferPool& pool);

  BufferRef partial_;  // an incomplete packet
  std::uint32_t have_ = 0;
  std::uint32_t length_ = 0;
  std::array<std::byte, kFramePrefixBytes> prefix_{};
  std::uint8_t prefix_bytes_ = 0;
  bool violated_ = false;
  bool is_first_ = true;
};

}  // namespace tickwire::detail
