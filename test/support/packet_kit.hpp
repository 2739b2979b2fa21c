// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/session/wire.hpp"
#include "test/support/session_pair.hpp"

namespace tickwire::test {

using Bytes = std::vector<std::byte>;

/// Puts packets together by hand, right or wrong, without the code that is under test.
class ByteKit {
 public:
  ByteKit& u8(std::uint32_t value) { return number(value, 1); }
  ByteKit& u16(std::uint32_t value) { return number(value, 2); }
  ByteKit& u32(std::uint64_t value) { return number(value, 4); }
  ByteKit& u64(std::uint64_t value) { return number(value, 8); }
  ByteKit& varint(std::uint64_t value);
  ByteKit& text(std::string_view text);
  ByteKit& block(const Bytes& content) { return varint(content.size()).ByteKit::bytes(content); }
  ByteKit& block(std::string_view text) { return varint(text.size()).ByteKit::text(text); }
  ByteKit& bytes(std::span<const std::byte> more);
  /// A kind, a length and a body.
  ByteKit& record(std::uint32_t kind, const Bytes& body);

  [[nodiscard]] Bytes take() { return std::move(bytes_); }
  operator Bytes() const { return bytes_; }

 private:
  ByteKit& number(std::uint64_t value, int size);
  Bytes bytes_;
};

/// A packet's header, and records behind it.
[[nodiscard]] ByteKit control_packet();
[[nodiscard]] ByteKit data_packet(detail::wire::PacketLane lane, std::uint8_t channel,
                                  std::uint16_t sequence);
[[nodiscard]] inline ByteKit reliable_packet(std::uint8_t channel, std::uint16_t sequence) {
  return data_packet(detail::wire::PacketLane::reliable, channel, sequence);
}

/// Greetings of a well-behaved end that is called "test/1", as `SessionPair::settings` has it.
[[nodiscard]] Bytes hello_body();
[[nodiscard]] Bytes welcome_body();

/// "01 00 ff" for three bytes.
[[nodiscard]] std::string hex(std::span<const std::byte> bytes);

/// Gives a session a packet, as its link would.
void inject(SessionEnd& end, const Bytes& packet);
/// What the session wants to send, packet by packet.
[[nodiscard]] std::vector<Bytes> flushed(SessionEnd& end);

/// A session with nobody at the other end but the test. `forge_open` brings it up with forged
/// greetings and takes its `connected`.
void forge_open(SessionEnd& end, Direction direction);

}  // namespace tickwire::test
