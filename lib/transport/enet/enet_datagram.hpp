// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tickwire::detail {

/// ENet's 12 bits of peer number that mean: none yet. A CONNECT carries them.
inline constexpr std::uint16_t kUnassignedPeer = 0xfff;
/// Channels that a CONNECT may ask for: 64 and the control lane.
inline constexpr std::uint32_t kMaxConnectChannels = 65;
inline constexpr std::uint32_t kMinEnetWindowBytes = 4096;
inline constexpr std::uint32_t kMaxEnetWindowBytes = 65536;

/// What ENet packs into one datagram at most.
inline constexpr std::size_t kMaxCommands = 32;

enum class DatagramKind : std::uint8_t {
  malformed,  ///< nothing that one of our peers sends
  connect,    ///< asks for a slot
  traffic,    ///< of a connection that may or may not exist
};

struct DatagramVerdict {
  DatagramKind kind = DatagramKind::malformed;
  // Of a `connect`:
  std::uint32_t connect_id = 0;
  std::uint32_t connect_data = 0;
};

/// Says what a datagram is, before ENet sees it. Only commands that one of our peers sends pass:
/// no fragments and no sequenced-unreliable packets, which can pin memory and stall a channel; no
/// empty reliable packets, which no limit of ENet's counts; no compression, no bandwidth or
/// throttle settings; at most 32 commands, each whole; none that asks for an acknowledgement in a
/// datagram without its time, which ENet would not give, and having heard a DISCONNECT would wait
/// to give. A CONNECT stands alone and asks for what one of our peers would ask for.
///
/// Pre:    none; any bytes will do.
/// Source: ENet 1.3.17, protocol.h; the host uses a checksum and no compressor.
[[nodiscard]] DatagramVerdict inspect_datagram(std::span<const std::byte> datagram) noexcept;
/// A reliable packet, or an acknowledgement of one, in a datagram.
struct NumberedCommand {
  enum class Kind : std::uint8_t { reliable, acknowledgement };

  Kind kind = Kind::reliable;
  std::uint8_t channel = 0;
  std::uint16_t number = 0;  ///< of the packet, within its channel
};

/// Returns how many of them it has found. Pre: `datagram` is `traffic`.
[[nodiscard]] std::size_t read_numbers(std::span<const std::byte> datagram,
                                       std::span<NumberedCommand, kMaxCommands> into) noexcept;
/// The number of the peer that a datagram says it is for. Pre: it is `traffic` or `connect`.
[[nodiscard]] std::size_t addressee(std::span<const std::byte> datagram) noexcept;

}  // namespace tickwire::detail
