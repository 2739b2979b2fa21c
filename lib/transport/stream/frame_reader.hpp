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

/// What is smaller is not worth the question where its tail belongs.
inline constexpr std::size_t kLeastPlacedBytes = 8 * 1024;

/// Who gets the packets of a stream; each answer but a place says whether it wants more.
class PacketTaker {
 public:
  virtual ~PacketTaker() = default;
  [[nodiscard]] virtual bool take_packet(Packet packet) = 0;
  /// See `LinkHandler::place_tail`.
  [[nodiscard]] virtual TailPlace place_tail(std::span<const std::byte> front,
                                             std::size_t packet_bytes) = 0;
  [[nodiscard]] virtual bool take_tail() = 0;
};

/// Cuts one stream into packets. Holds memory only while a packet is incomplete.
class FrameReader {
 public:
  /// Where the rest of an incomplete packet is wanted; empty when it does not matter.
  [[nodiscard]] std::span<std::byte> rest() const noexcept {
    return partial_ ? std::span<std::byte>(partial_.bytes() + have_, length_ - have_)
                    : std::span<std::byte>();
  }

  /// Whether what is wanted there is of no use to anybody else: what follows it is better read on
  /// its own.
  [[nodiscard]] bool is_placed() const noexcept { return is_placed_; }

  /// Goes through bytes that were read into `rest()` and, what did not fit there, into
  /// `block.room()`.
  void take(std::size_t bytes, BufferPool& pool, ReadBlock& block, PacketTaker& taker);

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
  [[nodiscard]] bool end_partial(PacketTaker& taker);
  [[nodiscard]] bool place(std::span<const std::byte> bytes, PacketTaker& taker);
  void keep(std::span<const std::byte> bytes, BufferPool& pool);

  BufferRef partial_;         // an incomplete packet, or where the tail of one belongs
  std::uint32_t have_ = 0;    // where in it the next byte goes
  std::uint32_t length_ = 0;  // where it ends
  std::array<std::byte, kFramePrefixBytes> prefix_{};
  std::uint8_t prefix_bytes_ = 0;
  bool violated_ = false;
  bool is_first_ = true;
  bool is_placed_ = false;
};

}  // namespace tickwire::detail
