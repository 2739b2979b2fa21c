// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <tickwire/copy_bytes.hpp>

#include "lib/base/buffer.hpp"

namespace tickwire::detail {

/// Room kept before and behind a packet's bytes, so that what is added on the way down never moves
/// them: a stream's frame prefix, the protector's nonce and tag, the packet header.
inline constexpr std::size_t kFrameHeadroomBytes = 8;
inline constexpr std::size_t kProtectorHeadroomBytes = 16;
inline constexpr std::size_t kProtectorTailroomBytes = 24;
inline constexpr std::size_t kPacketHeaderBytes = 8;
inline constexpr std::size_t kHeadroomBytes =
    kFrameHeadroomBytes + kProtectorHeadroomBytes + kPacketHeaderBytes;

/// How a packet must travel. A stream sends all three alike, in order.
enum class Lane : std::uint8_t {
  control,   ///< reliable, in order with other control packets
  reliable,  ///< reliable, in order with its channel's packets; a loss there holds up no other
  datagram,  ///< once or never, at any time
};

/// What every link takes that loses datagrams, whatever the path to the other end: what ENet makes
/// of the least MTU that it accepts. A packet of this size can leave again over another one.
inline constexpr std::size_t kLeastLossyPacketBytes = 1248;

/// What a link can do; fixed once it is up.
struct LinkTraits {
  std::size_t max_packet_bytes = 0;    ///< on the reliable lanes
  std::size_t max_datagram_bytes = 0;  ///< on the datagram lane
  bool loses_datagrams = false;        ///< loss can be measured
  bool gathers = false;                ///< takes a packet in two pieces
  bool is_private = false;             ///< nobody else can read what it carries
};

/// A packet on its way, in one block, with room at both ends.
class Packet {
 public:
  Packet() noexcept = default;
  /// An empty packet that can take `capacity` bytes between the two rooms.
  Packet(BufferPool& pool, std::size_t capacity)
      : buffer_(pool.allocate(kHeadroomBytes + capacity + kProtectorTailroomBytes)),
        begin_(kHeadroomBytes),
        end_(kHeadroomBytes),
        limit_(static_cast<std::uint32_t>(kHeadroomBytes + capacity)) {}

  /// What has arrived, as a part of a block. It can only get smaller.
  Packet(BufferRef buffer, std::size_t begin, std::size_t size) noexcept
      : buffer_(std::move(buffer)),
        begin_(static_cast<std::uint32_t>(begin)),
        end_(static_cast<std::uint32_t>(begin + size)),
        limit_(end_) {}

  explicit operator bool() const noexcept { return static_cast<bool>(buffer_); }
  [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
  [[nodiscard]] std::size_t room() const noexcept { return limit_ - end_; }
  [[nodiscard]] std::span<std::byte> bytes() const noexcept {
    return {buffer_.bytes() + begin_, size()};
  }

  /// Claims bytes at the end. Pre: `count <= room()`, or for a protector `room()` + its tailroom.
  [[nodiscard]] std::byte* append(std::size_t count) noexcept {
    std::byte* at = buffer_.bytes() + end_;
    end_ += static_cast<std::uint32_t>(count);
    return at;
  }
  void append(std::span<const std::byte> bytes) noexcept {
    copy_bytes(append(bytes.size()), bytes.data(), bytes.size());
  }
  /// Claims bytes before the first. Pre: no more than the headroom in all.
  [[nodiscard]] std::byte* prepend(std::size_t count) noexcept {
    begin_ -= static_cast<std::uint32_t>(count);
    return buffer_.bytes() + begin_;
  }
  void drop_front(std::size_t count) noexcept { begin_ += static_cast<std::uint32_t>(count); }
  void drop_back(std::size_t count) noexcept { end_ -= static_cast<std::uint32_t>(count); }

  [[nodiscard]] Slice slice(std::size_t offset, std::size_t length) const {
    return {buffer_, begin_ + static_cast<std::uint32_t>(offset),
            static_cast<std::uint32_t>(length)};
  }
  /// The block, shared: for those who keep parts of the packet beyond it.
  [[nodiscard]] BufferRef share() const { return buffer_; }
  /// Gives the block away, for a transport whose own queue must hold it.
  [[nodiscard]] BufferRef take_buffer() noexcept { return std::move(buffer_); }

 private:
  BufferRef buffer_;
  std::uint32_t begin_ = 0;
  std::uint32_t end_ = 0;
  std::uint32_t limit_ = 0;
};

/// Where the end of a packet belongs that is still arriving, so that it need not be copied there.
struct TailPlace {
  std::size_t front_bytes = 0;  ///< of the packet, which do not belong there
  Slice room;                   ///< for all the others; empty: the packet is wanted whole
};

}  // namespace tickwire::detail
