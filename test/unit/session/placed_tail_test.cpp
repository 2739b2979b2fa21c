// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

#include "test/support/host_pair.hpp"
#include "test/support/packet_kit.hpp"
#include "test/support/placed_tail.hpp"
#include "test/support/session_pair.hpp"

/// Pieces of large messages that a stream reads to where they belong.
using namespace tickwire;
using namespace std::chrono_literals;
using test::Bytes;
using test::SessionEnd;
using test::SessionPair;

namespace {

std::vector<std::string> talk(std::size_t front_bytes, std::size_t& placed) {
  SessionPair pair;
  pair.front_bytes = front_bytes;
  pair.connect();
  for (std::uint32_t round = 0; round < 3; ++round) {
    CHECK(pair.dialler.send(test::pattern(30'000, round), Delivery::reliable, 1) ==
          ErrorCode::none);
    CHECK(pair.dialler.send("small", Delivery::reliable, 1) == ErrorCode::none);
    CHECK(pair.dialler.send(test::pattern(2'000, round), Delivery::reliable, 0) == ErrorCode::none);
    pair.advance(50ms);
  }
  CHECK(pair.acceptor.session.is_open());
  placed = pair.placed;
  return pair.acceptor.texts();
}

/// An accepted session that is up, with the first half of an object's 16 bytes.
struct HalfWay {
  HalfWay() : end(SessionPair::settings(Direction::accepted), TimePoint(1h)) {
    test::forge_open(end, Direction::accepted);
    give(test::reliable_packet(0, 0).record(
        0x05, test::ByteKit().u8(0x01).u32(20).u32(7).bytes(Bytes(6, std::byte{'a'}))));
  }
  void give(const Bytes& packet) { test::inject(end, packet); }
  [[nodiscard]] detail::TailPlace place(const Bytes& packet, std::size_t front_bytes) {
    return end.session.place_tail(std::span(packet).first(front_bytes), packet.size(), end.now);
  }
  [[nodiscard]] Bytes second_half() const {
    return test::reliable_packet(0, 0).record(0x06, Bytes(10, std::byte{'b'}));
  }
  SessionEnd end;
};

}  // namespace

TEST_CASE("messages are the same wherever their pieces are read to, and however much is known") {
  std::size_t none = 0;
  const auto expected = talk(0, none);
  CHECK(none == 0);
  for (std::size_t front = 1; front < 40; ++front) {
    INFO("the first " << front << " bytes");
    std::size_t placed = 0;
    REQUIRE(talk(front, placed) == expected);
    // Header, kind, size, and in front of a first piece another five.
    CHECK((placed > 50) == (front >= 7));
  }
}

TEST_CASE("the last piece completes the message when its tail is there, and not before") {
  HalfWay half;
  const Bytes packet = half.second_half();
  const auto place = half.place(packet, 8);
  REQUIRE(place.room.size == 10);
  REQUIRE(place.front_bytes == packet.size() - 10);
  half.end.take_events();
  CHECK(half.end.texts().empty());
  std::ranges::fill(place.room.bytes(), std::byte{'b'});
  half.end.session.receive_tail(half.end.now);
  half.end.take_events();
  CHECK(half.end.texts() == std::vector<std::string>{"aaaaaabbbbbbbbbb"});
  CHECK(half.end.session.stats().packets_received >= 3);
}

TEST_CASE("no tail has a place that is not just the next piece of a large message") {
  HalfWay half;
  const Bytes piece(10, std::byte{'b'});
  const auto has_place = [&](const Bytes& packet) {
    return half.place(packet, packet.size()).room.size > 0;
  };
  CHECK_FALSE(has_place(test::reliable_packet(0, 1).record(0x06, piece)));  // of another message
  CHECK_FALSE(has_place(test::reliable_packet(1, 0).record(0x06, piece)));  // on another channel
  CHECK_FALSE(has_place(test::reliable_packet(200, 0).record(0x06, piece)));
  CHECK_FALSE(has_place(test::reliable_packet(0, 0).record(0x02, piece)));
  CHECK_FALSE(has_place(test::reliable_packet(0, 0).record(0x06, {})));
  CHECK_FALSE(has_place(test::reliable_packet(0, 0).record(0x06, Bytes(11))));  // too long
  CHECK_FALSE(has_place(test::reliable_packet(0, 0).record(0x06, piece).record(0xff, {})));
  CHECK_FALSE(has_place(test::control_packet().record(0x06, piece)));
  CHECK_FALSE(
      has_place(test::data_packet(detail::wire::PacketLane::sequenced, 0, 0).record(0x06, piece)));
  CHECK_FALSE(has_place({}));
  for (std::size_t front = 0; front < 6; ++front)
    CHECK(half.place(half.second_half(), front).room.size == 0);
  CHECK(half.end.session.is_open());
  half.give(half.second_half());
  half.end.take_events();
  CHECK(half.end.texts().size() == 1);
}

TEST_CASE("a tail that the credit does not cover has no place") {
  constexpr std::size_t kWindow = 128 * 1024;
  auto settings = SessionPair::settings(Direction::accepted);
  settings.limits.receive_window_bytes = kWindow;
  SessionEnd end(settings, TimePoint(1h));
  test::forge_open(end, Direction::accepted);
  // Nearly all of the credit goes to messages that the program does not take.
  constexpr std::size_t kCost = 4000 + 32;
  std::uint16_t sequence = 0;
  for (std::size_t spent = 0; spent + kCost <= kWindow; spent += kCost)
    test::inject(end, test::reliable_packet(0, sequence++).record(0x02, Bytes(4000)));
  REQUIRE(end.session.is_open());
  const auto room_of = [&](std::size_t piece) {
    const Bytes packet = test::reliable_packet(0, sequence)
                             .record(0x05, test::ByteKit().u8(0x02).u32(5000).bytes(Bytes(piece)));
    return end.session.place_tail(std::span(packet).first(24), packet.size(), end.now).room.size;
  };
  CHECK(room_of(4500) == 0);
  CHECK(room_of(100) == 100);
}

TEST_CASE(
    "a session that ends while a tail is on its way lets go of the message, not of its room") {
  HalfWay half;
  const auto place = half.place(half.second_half(), 8);
  REQUIRE(place.room.size == 10);
  half.end.session.link_down({ErrorCode::connection_reset, 0, "cut"}, half.end.now);
  std::ranges::fill(place.room.bytes(), std::byte{'b'});
  half.end.session.receive_tail(half.end.now);
  half.end.take_events();
  CHECK(half.end.texts().empty());
  CHECK(half.end.count(EventType::disconnected) == 1);
}

TEST_CASE("a tail that nobody has placed ends the connection") {
  HalfWay half;
  half.end.session.receive_tail(half.end.now);
  CHECK_FALSE(half.end.session.is_open());
}

TEST_CASE("the front of a packet may say what ends the connection") {
  HalfWay half;
  const Bytes packet = test::ByteKit().u8(0x05).u8(0).u16(0).u32(77).record(0x06, Bytes(10));
  static_cast<void>(half.place(packet, 16));
  CHECK_FALSE(half.end.session.is_open());
  half.end.session.receive_tail(half.end.now);
  half.end.take_events();
  CHECK(half.end.count(EventType::disconnected) == 1);
}
