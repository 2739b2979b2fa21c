// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "test/support/packet_kit.hpp"
#include "test/support/session_pair.hpp"

/// What a session says besides data while its transport is full: a peer that asks and never reads
/// must not make it pile up answers.
using namespace tickwire;
using namespace std::chrono_literals;
using test::ByteKit;
using test::Bytes;
using test::SessionEnd;
using test::SessionPair;

namespace {

constexpr std::uint32_t kAcknowledge = 0x30;
constexpr std::uint32_t kCredit = 0x31;
constexpr std::uint32_t kPing = 0x32;
constexpr std::uint32_t kPong = 0x33;

/// An open end whose transport is full.
struct Full {
  Full() : end(SessionPair::settings(Direction::accepted), TimePoint(1h)) {
    test::forge_open(end, Direction::accepted);
    end.sink.capacity = 0;
  }
  void ask(std::uint32_t stamp) {
    test::inject(end, test::control_packet().record(kPing, ByteKit().u32(stamp)));
  }
  void tell(const Bytes& body) {
    test::inject(end, test::reliable_packet(0, told++).record(0x02, body));
  }
  void wait(Duration by) {
    end.now += by;
    end.session.advance(end.now);
    end.take_events();
  }
  void room() { end.sink.capacity = 1 << 20; }

  SessionEnd end;
  std::uint16_t told = 0;
};

/// Kind and body of all control records among packets.
std::vector<std::pair<std::uint32_t, Bytes>> words(const std::vector<Bytes>& packets) {
  std::vector<std::pair<std::uint32_t, Bytes>> found;
  for (const Bytes& packet : packets) {
    if (packet.at(0) != std::byte{}) continue;
    detail::ByteCursor cursor(std::span<const std::byte>(packet).subspan(4));
    while (const auto record = detail::wire::next_record(cursor))
      found.emplace_back(record->kind, Bytes(record->body.begin(), record->body.end()));
  }
  return found;
}

std::size_t count(const std::vector<Bytes>& packets, std::uint32_t kind) {
  std::size_t found = 0;
  for (const auto& [each, body] : words(packets))
    found += each == kind ? 1 : 0;
  return found;
}

}  // namespace

TEST_CASE("a peer that pings and never reads is owed one answer, however often it asks") {
  Full full;
  std::size_t packets = 0;
  for (std::uint32_t i = 1; i <= 1000; ++i) {
    full.ask(i);
    packets += test::flushed(full.end).size();
    full.wait(1ms);
  }
  CHECK(packets == 0);
  CHECK(full.end.session.wants_capacity());
  full.room();
  full.end.now += 7ms;
  const auto sent = test::flushed(full.end);
  REQUIRE(sent.size() == 1);
  CHECK(count(sent, kPing) == 1);
  REQUIRE(words(sent).front().first == kPong);
  // The newest, with how long it was held: since before the last wait.
  CHECK(detail::load<std::uint32_t>(words(sent).front().second.data()) == 1000);
  CHECK(detail::load<std::uint32_t>(words(sent).front().second.data() + 4) == 8000);
  CHECK_FALSE(full.end.session.wants_capacity());
}

TEST_CASE("acknowledgements and credit wait for room as well, and ask for no clock meanwhile") {
  Full full;
  const Bytes body(4000);
  std::size_t packets = 0;
  for (int i = 0; i < 200; ++i) {
    full.tell(body);
    packets += test::flushed(full.end).size();
    full.wait(1ms);
    packets += test::flushed(full.end).size();
    // One in the past would keep a host awake.
    REQUIRE(full.end.session.next_deadline() > full.end.now);
  }
  CHECK(packets == 0);
  CHECK(full.end.session.wants_capacity());
  full.room();
  const auto sent = test::flushed(full.end);
  CHECK(count(sent, kAcknowledge) == 1);
  CHECK(count(sent, kCredit) == 1);
  CHECK_FALSE(full.end.session.wants_capacity());
}

TEST_CASE("what is owed asks for the room of the lane that it travels on") {
  Full full;
  full.room();
  full.ask(1);
  full.tell(Bytes(4000));
  full.wait(1s);
  SUBCASE("an echo goes where the control lane is full") {
    full.end.sink.full_lane = detail::Lane::control;
    const auto sent = test::flushed(full.end);
    CHECK(count(sent, kPong) == 1);
    CHECK(count(sent, kAcknowledge) == 0);
  }
  SUBCASE("an acknowledgement goes where the datagram lane is full") {
    full.end.sink.full_lane = detail::Lane::datagram;
    const auto sent = test::flushed(full.end);
    CHECK(count(sent, kPong) == 0);
    CHECK(count(sent, kAcknowledge) == 1);
  }
  CHECK(full.end.session.wants_capacity());
  full.end.sink.full_lane.reset();
  CHECK_FALSE(test::flushed(full.end).empty());
  CHECK_FALSE(full.end.session.wants_capacity());
}

TEST_CASE("data that fills a transport again and again starves nothing else") {
  Full full;
  full.end.sink.fills_up = true;
  const std::string piece(1000, 'x');
  for (int i = 0; i < 50; ++i) {
    REQUIRE(full.end.send(piece, Delivery::reliable, 1) == ErrorCode::none);
    REQUIRE(full.end.send(piece, Delivery::unreliable, 2) == ErrorCode::none);
  }
  full.ask(1);
  full.tell(Bytes(10));
  full.wait(20ms);
  CHECK(test::flushed(full.end).empty());
  full.end.sink.capacity = 1;  // room for a packet
  const auto sent = test::flushed(full.end);
  CHECK(sent.size() == 3);
  CHECK(count(sent, kPong) == 1);
  CHECK(count(sent, kAcknowledge) == 1);
}

TEST_CASE("a goodbye waits for no room, and takes along what is owed") {
  Full full;
  full.tell(Bytes(10));
  full.ask(1);
  CHECK(test::flushed(full.end).empty());
  full.end.session.close({}, full.end.now);
  const auto sent = test::flushed(full.end);
  CHECK(count(sent, 0x20) == 1);
  CHECK(count(sent, kAcknowledge) == 1);
}
