// SPDX-License-Identifier: MIT
#include "test/support/packet_kit.hpp"

#include <doctest/doctest.h>

namespace tickwire::test {

ByteKit& ByteKit::number(std::uint64_t value, int size) {
  for (int i = 0; i < size; ++i)
    bytes_.push_back(static_cast<std::byte>(value >> (8 * i)));
  return *this;
}

ByteKit& ByteKit::varint(std::uint64_t value) {
  for (; value >= 0x80; value >>= 7)
    bytes_.push_back(static_cast<std::byte>(value | 0x80));
  bytes_.push_back(static_cast<std::byte>(value));
  return *this;
}

ByteKit& ByteKit::text(std::string_view text) {
  return bytes(std::as_bytes(std::span(text)));
}

ByteKit& ByteKit::bytes(std::span<const std::byte> more) {
  bytes_.insert(bytes_.end(), more.begin(), more.end());
  return *this;
}

ByteKit& ByteKit::record(std::uint32_t kind, const Bytes& body) {
  return u8(kind).varint(body.size()).bytes(body);
}

ByteKit control_packet() {
  return ByteKit().u32(0);
}

ByteKit data_packet(detail::wire::PacketLane lane, std::uint8_t channel, std::uint16_t sequence) {
  return ByteKit().u8(static_cast<std::uint8_t>(lane)).u8(channel).u16(sequence);
}

Bytes hello_body() {
  return ByteKit()
      .text("TKIW")
      .u8(2)
      .u8(2)
      .block("test/1")
      .block("")
      .u32(1 << 20)
      .u32(16 << 20)
      .u8(8)
      .take();
}

Bytes welcome_body() {
  return ByteKit().u8(2).u32(1 << 20).u32(16 << 20).u8(8).take();
}

std::string hex(std::span<const std::byte> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const std::byte each : bytes) {
    if (!text.empty()) text += ' ';
    text += kDigits[std::to_integer<unsigned>(each) >> 4];
    text += kDigits[std::to_integer<unsigned>(each) & 15];
  }
  return text;
}

void inject(SessionEnd& end, const Bytes& packet) {
  detail::Packet received(*end.pool, packet.size());
  received.append(packet);
  end.session.receive(std::move(received), end.now);
}

std::vector<Bytes> flushed(SessionEnd& end) {
  end.session.flush(end.sink, end.now);
  std::vector<Bytes> packets;
  while (!end.sink.packets.empty()) {
    const InFlight next = end.sink.packets.take_front();
    const auto bytes = next.packet.bytes();
    packets.emplace_back(bytes.begin(), bytes.end());
  }
  return packets;
}

void forge_open(SessionEnd& end, Direction direction) {
  end.session.link_up(SessionPair::traits);
  if (direction == Direction::dialled) {
    static_cast<void>(flushed(end));
    inject(end, control_packet().record(0x11, welcome_body()));
  } else {
    inject(end, control_packet().record(0x10, hello_body()));
    static_cast<void>(flushed(end));
    inject(end, control_packet().record(0x13, {}));
  }
  end.take_events();
  REQUIRE(end.session.is_open());
  REQUIRE(end.count(EventType::connected) == 1);
  end.events.clear();
  static_cast<void>(flushed(end));
}

}  // namespace tickwire::test
