// SPDX-License-Identifier: MIT
#include "lib/session/wire.hpp"

namespace tickwire::detail::wire {
namespace {

constexpr std::uint8_t kLaneBits = 0x03;
constexpr std::uint8_t kAcknowledgedBit = 0x04;
constexpr std::size_t kShortHeaderBytes = 4;

}  // namespace

void prepend_header(Packet& packet, const PacketHeader& header) noexcept {
  auto flags = static_cast<std::uint8_t>(header.lane);
  if (header.acknowledged) {
    flags |= kAcknowledgedBit;
    store(packet.prepend(sizeof(std::uint32_t)), *header.acknowledged);
  }
  std::byte* at = packet.prepend(kShortHeaderBytes);
  at[0] = std::byte{flags};
  at[1] = std::byte{header.channel};
  store(at + 2, header.sequence);
}

std::optional<PacketHeader> read_header(ByteCursor& cursor) noexcept {
  const auto flags = cursor.number<std::uint8_t>();
  PacketHeader header;
  header.lane = static_cast<PacketLane>(flags & kLaneBits);
  header.channel = cursor.number<std::uint8_t>();
  header.sequence = cursor.number<std::uint16_t>();
  if ((flags & kAcknowledgedBit) != 0) header.acknowledged = cursor.number<std::uint32_t>();
  if (!cursor.ok() || (flags & ~(kLaneBits | kAcknowledgedBit)) != 0) return std::nullopt;
  if (header.lane == PacketLane::control &&
      (header.channel != 0 || header.sequence != 0 || header.acknowledged)) {
    return std::nullopt;
  }
  return header;
}

std::optional<PacketHeader> take_header(Packet& packet) noexcept {
  ByteCursor cursor(packet.bytes());
  const auto header = read_header(cursor);
  if (header) packet.drop_front(packet.size() - cursor.remaining());
  return header;
}

}  // namespace tickwire::detail::wire
