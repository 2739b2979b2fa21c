// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "test/support/packet_kit.hpp"

/// docs/wire-format.md, byte for byte.
using namespace tickwire;
using namespace std::chrono_literals;
using detail::ByteCursor;
using test::ByteKit;
using test::Bytes;
using test::hex;
using test::SessionEnd;
using test::SessionPair;
namespace wire = detail::wire;

namespace {

/// A session end at a time that makes short stamps: 16 microseconds.
SessionEnd end_of(Direction direction) {
  return SessionEnd(SessionPair::settings(direction), TimePoint(16us));
}

std::string header_hex(const wire::PacketHeader& header) {
  detail::PoolOwner pool(std::pmr::get_default_resource());
  detail::Packet packet(*pool, 0);
  wire::prepend_header(packet, header);
  return hex(packet.bytes());
}

std::optional<wire::PacketHeader> parse(const Bytes& bytes) {
  detail::PoolOwner pool(std::pmr::get_default_resource());
  detail::Packet packet(*pool, bytes.size());
  packet.append(bytes);
  return wire::take_header(packet);
}

}  // namespace

TEST_CASE("a packet's header is four bytes, or eight with an acknowledgement") {
  using wire::PacketLane;
  CHECK(header_hex({}) == "00 00 00 00");
  CHECK(header_hex({PacketLane::reliable, 3, 0x1234, {}}) == "01 03 34 12");
  CHECK(header_hex({PacketLane::sequenced, 63, 0xffff, {}}) == "02 3f ff ff");
  CHECK(header_hex({PacketLane::unreliable, 0, 1, {}}) == "03 00 01 00");
  CHECK(header_hex({PacketLane::reliable, 3, 1, 0x01020304}) == "05 03 01 00 04 03 02 01");
}

TEST_CASE("a header is read as it was written") {
  using wire::PacketLane;
  const auto plain = parse(ByteKit().u8(1).u8(7).u16(0x8001));
  REQUIRE(plain);
  CHECK(plain->lane == PacketLane::reliable);
  CHECK(plain->channel == 7);
  CHECK(plain->sequence == 0x8001);
  CHECK_FALSE(plain->acknowledged);
  const auto acknowledging = parse(ByteKit().u8(7).u8(0).u16(0).u32(0xfffffffe));
  REQUIRE(acknowledging);
  CHECK(acknowledging->lane == PacketLane::unreliable);
  CHECK(*acknowledging->acknowledged == 0xfffffffe);
}

TEST_CASE("a header that is cut short, or that no peer sends, is none") {
  CHECK_FALSE(parse({}));
  CHECK_FALSE(parse(ByteKit().u8(1)));
  CHECK_FALSE(parse(ByteKit().u8(1).u8(0).u8(0)));
  CHECK_FALSE(parse(ByteKit().u8(5).u8(0).u16(0)));
  CHECK_FALSE(parse(ByteKit().u8(5).u8(0).u16(0).u16(1)));
  for (std::uint32_t bit = 8; bit < 256; bit <<= 1)
    CHECK_FALSE(parse(ByteKit().u8(1 | bit).u8(0).u16(0)));
  CHECK_FALSE(parse(ByteKit().u8(0).u8(1).u16(0)));
  CHECK_FALSE(parse(ByteKit().u8(0).u8(0).u16(1)));
  CHECK_FALSE(parse(ByteKit().u8(4).u8(0).u16(0).u32(0)));
}

TEST_CASE("varints have one form each, from one byte to five") {
  const std::pair<std::uint32_t, std::string> forms[] = {{0, "00"},
                                                         {1, "01"},
                                                         {127, "7f"},
                                                         {128, "80 01"},
                                                         {300, "ac 02"},
                                                         {16383, "ff 7f"},
                                                         {16384, "80 80 01"},
                                                         {2097151, "ff ff 7f"},
                                                         {2097152, "80 80 80 01"},
                                                         {268435455, "ff ff ff 7f"},
                                                         {268435456, "80 80 80 80 01"},
                                                         {0xffffffff, "ff ff ff ff 0f"}};
  for (const auto& form : forms) {
    const std::uint32_t value = form.first;
    CAPTURE(value);
    std::byte place[5];
    const auto count = static_cast<std::size_t>(detail::store_varint(place, value) - place);
    CHECK(hex({place, count}) == form.second);
    CHECK(detail::varint_bytes(value) == count);
    ByteCursor cursor({place, count});
    CHECK(cursor.varint() == value);
    CHECK(cursor.ok());
    CHECK(cursor.at_end());
  }
}

TEST_CASE("a varint that is padded, too large, too long or cut short is none") {
  const auto is_bad = [](const Bytes& bytes) {
    ByteCursor cursor(bytes);
    return cursor.varint() == 0 && !cursor.ok();
  };
  CHECK(is_bad({}));
  CHECK(is_bad(ByteKit().u8(0x80)));
  CHECK(is_bad(ByteKit().u8(0x80).u8(0x00)));
  CHECK(is_bad(ByteKit().u8(0xff).u8(0x80).u8(0x00)));
  CHECK(is_bad(ByteKit().u32(0xffffffff).u8(0x10)));
  CHECK(is_bad(ByteKit().u32(0x80808080).u8(0x80).u8(0x01)));
  CHECK(is_bad(ByteKit().u32(0xffffffff).u8(0xff).u8(0xff).u8(0x7f)));
}

TEST_CASE("the greeting of a dialler") {
  auto settings = SessionPair::settings(Direction::dialled);
  settings.start.name = "ann";
  settings.self.schema = "v2";
  SessionEnd end(settings, TimePoint(16us));
  end.session.link_up(SessionPair::traits);
  const auto packets = test::flushed(end);
  REQUIRE(packets.size() == 1);
  CHECK(hex(packets[0]) ==
        "00 00 00 00 10 1f 54 4b 49 57 02 02 06 74 65 73 74 2f 31 02 76 32 00 00 10 00 00 00 00 01 "
        "08 01 00 03 61 6e 6e");
  test::inject(end, test::control_packet().record(0x11, test::welcome_body()));
  CHECK(end.session.is_open());
  const auto after = test::flushed(end);
  REQUIRE(after.size() == 2);
  CHECK(hex(after[0]) == "00 00 00 00 13 00");
  CHECK(hex(after[1]) == "00 00 00 00 32 04 10 00 00 00");
}

TEST_CASE("the answer of the other end") {
  SessionEnd end = end_of(Direction::accepted);
  end.session.link_up(SessionPair::traits);
  test::inject(end, test::control_packet().record(0x10, test::hello_body()));
  const auto packets = test::flushed(end);
  REQUIRE(packets.size() == 1);
  CHECK(hex(packets[0]) == "00 00 00 00 11 0a 02 00 00 10 00 00 00 00 01 08");
}

TEST_CASE("a refusal names what the refusing end is") {
  auto settings = SessionPair::settings(Direction::accepted);
  settings.self.application = "z";
  SessionEnd end(settings, TimePoint(16us));
  test::inject(end, test::control_packet().record(0x10, test::hello_body()));
  const auto packets = test::flushed(end);
  REQUIRE(packets.size() == 1);
  CHECK(hex(packets[0]) == "00 00 00 00 12 08 a3 0f 02 02 01 7a 00 00");
  CHECK(end.session.wants_link_closed());
}

TEST_CASE("small messages: six bytes each, and four for the packet that they share") {
  SessionEnd end = end_of(Direction::dialled);
  test::forge_open(end, Direction::dialled);
  CHECK(end.send("ab", Delivery::reliable, 2) == ErrorCode::none);
  CHECK(end.send("c", Delivery::reliable, 2) == ErrorCode::none);
  CHECK(end.send("", Delivery::reliable, 2) == ErrorCode::none);
  CHECK(end.send("s", Delivery::sequenced, 1) == ErrorCode::none);
  CHECK(end.send("u", Delivery::unreliable, 1) == ErrorCode::none);
  auto packets = test::flushed(end);
  REQUIRE(packets.size() == 3);
  CHECK(hex(packets[0]) == "02 01 00 00 01 05 4d 00 00 00 73");
  CHECK(hex(packets[1]) == "03 01 00 00 01 05 4d 00 00 00 75");
  CHECK(hex(packets[2]) ==
        "01 02 00 00 01 06 4d 00 00 00 61 62 01 05 4d 00 00 00 63 01 04 4d 00 00 00");
  CHECK(end.send("d", Delivery::reliable, 2) == ErrorCode::none);
  CHECK(end.send("t", Delivery::sequenced, 1) == ErrorCode::none);
  packets = test::flushed(end);
  REQUIRE(packets.size() == 2);
  // Reliable numbers count messages, the others packets.
  CHECK(hex(packets[0]).starts_with("02 01 01 00 "));
  CHECK(hex(packets[1]).starts_with("01 02 03 00 "));
}

TEST_CASE("bytes, and metadata before either kind") {
  SessionEnd end = end_of(Direction::dialled);
  test::forge_open(end, Direction::dialled);
  const Bytes meta = ByteKit().text("mm");
  const Bytes payload = ByteKit().text("pay");
  const auto send = [&](bool is_object, std::span<const std::byte> metadata) {
    detail::OutMessage message;
    message.body.is_object = is_object;
    message.body.type = is_object ? 0x01020304 : 0;
    message.body.metadata = metadata;
    message.body.payload = payload;
    message.id = ++end.last_id;
    CHECK(end.session.send(message, Delivery::reliable, 0, end.now) == ErrorCode::none);
    return hex(test::flushed(end).at(0)).substr(12);
  };
  CHECK(send(false, {}) == "02 03 70 61 79");
  CHECK(send(false, meta) == "04 06 02 6d 6d 70 61 79");
  CHECK(send(true, {}) == "01 07 04 03 02 01 70 61 79");
  CHECK(send(true, meta) == "03 0a 04 03 02 01 02 6d 6d 70 61 79");
}

TEST_CASE("a large message is cut: kind and size lead its first slice") {
  SessionEnd end = end_of(Direction::dialled);
  test::forge_open(end, Direction::dialled);
  CHECK(end.send(std::string(3000, 'x'), Delivery::reliable, 4) == ErrorCode::none);
  CHECK(end.send("next", Delivery::reliable, 4) == ErrorCode::none);
  const auto packets = test::flushed(end);
  REQUIRE(packets.size() == 4);
  // 1,200 less 8 for the header, 40 for a protector, 6 for the record's own header.
  CHECK(hex(packets[0]).starts_with("01 04 00 00 05 fa 08 01 bc 0b 00 00 4d 00 00 00 78 "));
  CHECK(hex(packets[1]).starts_with("01 04 00 00 06 fa 08 78 78 "));
  CHECK(hex(packets[2]).starts_with("01 04 00 00 06 "));
  CHECK(hex(packets[3]) == "01 04 01 00 01 08 4d 00 00 00 6e 65 78 74");
}

TEST_CASE("acknowledgements travel in headers of their channel, or alone after a while") {
  SessionEnd end = end_of(Direction::dialled);
  test::forge_open(end, Direction::dialled);
  test::inject(end, test::reliable_packet(2, 0).record(0x02, {}).record(0x02, {}));
  test::inject(end, test::reliable_packet(5, 0).record(0x02, {}));
  CHECK(test::flushed(end).empty());
  CHECK(end.send("x", Delivery::reliable, 2) == ErrorCode::none);
  auto packets = test::flushed(end);
  REQUIRE(packets.size() == 1);
  CHECK(hex(packets[0]).starts_with("05 02 00 00 02 00 00 00 01 "));
  // A datagram shows what is owed, but who knows whether it arrives.
  CHECK(end.send("y", Delivery::unreliable, 5) == ErrorCode::none);
  packets = test::flushed(end);
  REQUIRE(packets.size() == 1);
  CHECK(hex(packets[0]).starts_with("07 05 00 00 01 00 00 00 01 "));
  end.now += 10ms;
  packets = test::flushed(end);
  REQUIRE(packets.size() == 1);
  CHECK(hex(packets[0]) == "00 00 00 00 30 05 05 01 00 00 00");
  CHECK(test::flushed(end).empty());
}

TEST_CASE("credit is told once a quarter of the window has come free") {
  SessionEnd end = end_of(Direction::dialled);
  test::forge_open(end, Direction::dialled);
  const Bytes body(1000);
  std::uint16_t sequence = 0;
  for (; sequence < 254; ++sequence)
    test::inject(end, test::reliable_packet(0, sequence).record(0x02, body));
  end.take_events();
  for (const Bytes& packet : test::flushed(end))
    CHECK(hex(packet).substr(12, 2) != "31");
  test::inject(end, test::reliable_packet(0, sequence++).record(0x02, body));
  end.take_events();
  const auto packets = test::flushed(end);
  REQUIRE(packets.size() == 1);
  // 255 messages of 1,032 and the window of 1 MiB: 0x140 3f8.
  CHECK(hex(packets[0]).ends_with("31 08 f8 03 14 00 00 00 00 00"));
}

TEST_CASE("echoes name the stamp, how long it was held, what arrived of the datagrams, the time") {
  SessionEnd end = end_of(Direction::accepted);
  test::forge_open(end, Direction::accepted);
  using wire::PacketLane;
  test::inject(end, test::data_packet(PacketLane::unreliable, 0, 0).record(0x02, {}));
  test::inject(end, test::data_packet(PacketLane::unreliable, 0, 4).record(0x02, {}));
  test::inject(end, test::control_packet().record(0x32, ByteKit().u32(0xaabbccdd)));
  end.now += 5us;
  const auto packets = test::flushed(end);
  REQUIRE(packets.size() == 1);
  CHECK(hex(packets[0]) ==
        "00 00 00 00 33 18 dd cc bb aa 05 00 00 00 02 00 00 00 03 00 00 00 "
        "15 00 00 00 00 00 00 00");
}

TEST_CASE("a goodbye carries code, words and totals, and is answered") {
  SessionEnd end = end_of(Direction::dialled);
  test::forge_open(end, Direction::dialled);
  CHECK(end.send("x", Delivery::reliable, 1) == ErrorCode::none);
  CHECK(end.send("x", Delivery::reliable, 1) == ErrorCode::none);
  CHECK(end.send("x", Delivery::sequenced, 6) == ErrorCode::none);
  end.session.close({0x1234, "bye"}, end.now);
  const auto packets = test::flushed(end);
  REQUIRE(packets.size() == 3);
  CHECK(hex(packets[2]).starts_with("00 00 00 00 20 0b 34 12 03 62 79 65 01 02 00 00 00"));

  SessionEnd other = end_of(Direction::accepted);
  test::forge_open(other, Direction::accepted);
  test::inject(other, test::control_packet().record(0x20, ByteKit().u16(7).block("go")));
  const auto answer = test::flushed(other);
  REQUIRE(answer.size() == 1);
  CHECK(hex(answer[0]) == "00 00 00 00 21 00");
}

TEST_CASE("a channel whose message has to wait for memory is held, and told to go on later") {
  auto settings = SessionPair::settings(Direction::accepted);
  settings.limits.max_reassembly_bytes = 17 << 20;
  SessionEnd end(settings, TimePoint(16us));
  test::forge_open(end, Direction::accepted);
  const Bytes all = ByteKit().u8(2).u32(16 << 20).u8(0);
  test::inject(end, test::reliable_packet(1, 0).record(0x05, all));
  test::inject(end, test::reliable_packet(6, 0).record(0x05, all));
  CHECK(end.session.has_parked());
  auto packets = test::flushed(end);
  REQUIRE(packets.size() == 1);
  CHECK(hex(packets[0]) == "00 00 00 00 34 01 06");
  CHECK(test::flushed(end).empty());
  std::size_t left = (16 << 20) - 1;
  for (; left > 0; left -= std::min<std::size_t>(left, 500'000)) {
    const Bytes piece(std::min<std::size_t>(left, 500'000));
    test::inject(end, test::reliable_packet(1, 0).record(0x06, piece));
    static_cast<void>(test::flushed(end));
  }
  end.take_events();
  CHECK(end.count(EventType::data_received) == 1);
  packets = test::flushed(end);
  REQUIRE_FALSE(packets.empty());
  CHECK(hex(packets[0]).find("35 01 06") != std::string::npos);
}
