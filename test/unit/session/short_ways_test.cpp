// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <string>

#include "test/support/session_pair.hpp"

/// Most messages go straight into the packet that is being filled, and straight out of the one that
/// is being taken. Nobody can tell that from the long way.
using namespace tickwire;
using test::SessionEnd;
using test::SessionPair;

namespace {

/// The same things happen to a pair that takes short ways and to one that does not.
class Twins {
 public:
  Twins(std::uint32_t seed, EventMask events)
      : random_(seed),
        quick_(plan(Direction::dialled, events), plan(Direction::accepted, events)),
        slow_(plan(Direction::dialled, events), plan(Direction::accepted, events)) {
    slow_.dialler.takes_short_ways = slow_.acceptor.takes_short_ways = false;
    quick_.connect();
    slow_.connect();
  }

  void live(int steps) {
    for (int i = 0; i < steps; ++i) {
      step();
      compare_stats(quick_.dialler, slow_.dialler);
    }
  }
  void end() {
    for (SessionPair* pair : {&quick_, &slow_}) {
      pair->dialler.sink.capacity = 1 << 20;
      pair->dialler.session.close({}, pair->now);
      for (int i = 0; i < 20; ++i)
        pair->pump();
    }
    compare_stats(quick_.dialler, slow_.dialler);
    compare_events(quick_.dialler, slow_.dialler);
    compare_events(quick_.acceptor, slow_.acceptor);
    CHECK(quick_.acceptor.count(EventType::disconnected) == 1);
  }
  [[nodiscard]] std::size_t sent_short() const { return quick_.dialler.sent_short; }
  [[nodiscard]] std::size_t taken_short() const { return quick_.acceptor.taken_short; }
  [[nodiscard]] std::size_t refused() const { return refused_; }

 private:
  static test::SessionPlan plan(Direction direction, EventMask events) {
    test::SessionPlan plan = SessionPair::settings(direction);
    // Credit is short, too.
    plan.limits.max_send_queue_bytes = 160'000;
    plan.limits.receive_window_bytes = 128 * 1024;
    plan.self.receive_window_bytes = 128 * 1024;
    plan.channels[2].delivery = Delivery::sequenced;
    plan.events = events;
    return plan;
  }

  [[nodiscard]] std::uint32_t below(std::uint32_t limit) {
    return static_cast<std::uint32_t>(random_()) % limit;
  }
  [[nodiscard]] std::uint32_t random_size() {
    if (below(100) == 0) return 20'000;
    return below(20) == 0 ? below(1500) : below(150);
  }

  void step() {
    const std::uint32_t what = below(500);
    if (what == 0) return pump();
    if (what == 1) return set_capacity(below(2) == 0 ? 0 : 1 << 20);
    const std::string text(random_size(), static_cast<char>('a' + below(26)));
    const Delivery delivery = below(8) == 0 ? Delivery::unreliable : Delivery::reliable;
    const auto channel = static_cast<std::uint8_t>(below(30) == 0 ? below(9) : 1);
    const ErrorCode code = quick_.dialler.send(text, delivery, channel);
    REQUIRE(code == slow_.dialler.send(text, delivery, channel));
    if (code != ErrorCode::none) ++refused_;
  }
  void pump() {
    quick_.pump();
    slow_.pump();
  }
  void set_capacity(std::size_t bytes) {
    quick_.dialler.sink.capacity = bytes;
    slow_.dialler.sink.capacity = bytes;
  }

  static void compare_stats(const SessionEnd& quick, const SessionEnd& slow) {
    const ConnectionStats one = quick.session.stats();
    const ConnectionStats other = slow.session.stats();
    REQUIRE(one.queued_bytes == other.queued_bytes);
    REQUIRE(one.messages_sent == other.messages_sent);
    REQUIRE(one.messages_received == other.messages_received);
    REQUIRE(one.packets_sent == other.packets_sent);
    REQUIRE(one.bytes_sent == other.bytes_sent);
  }
  static void compare_events(const SessionEnd& quick, const SessionEnd& slow) {
    REQUIRE(quick.events.size() == slow.events.size());
    for (std::size_t i = 0; i < quick.events.size(); ++i) {
      REQUIRE(quick.events[i].type == slow.events[i].type);
      REQUIRE(quick.events[i].text == slow.events[i].text);
      REQUIRE(quick.events[i].type_id == slow.events[i].type_id);
      REQUIRE(quick.events[i].channel == slow.events[i].channel);
      REQUIRE(quick.events[i].id == slow.events[i].id);
      REQUIRE(quick.events[i].receipt == slow.events[i].receipt);
    }
  }

  std::mt19937 random_;
  SessionPair quick_;
  SessionPair slow_;
  std::size_t refused_ = 0;
};

}  // namespace

TEST_CASE("a message goes the short way into a packet and out of it as it goes the long one") {
  std::size_t sent = 0;
  std::size_t taken = 0;
  std::size_t refused = 0;
  for (std::uint32_t seed = 0; seed < 30; ++seed) {
    CAPTURE(seed);
    const EventMask all = EventMask::all();
    Twins twins(seed, seed % 2 == 0 ? all : all.without(EventType::data_sent));
    twins.live(3000);
    twins.end();
    sent += twins.sent_short();
    taken += twins.taken_short();
    refused += twins.refused();
  }
  CHECK(sent > 5000);
  CHECK(taken > 5000);
  CHECK(refused > 100);
}

TEST_CASE("nothing takes the short way where none is open") {
  SessionPair pair;
  const auto is_taken = [&](std::uint8_t channel, MessageId id) {
    auto& session = pair.dialler.session;
    return session.send_behind_last(detail::wire::Kind::bytes, 0, 0, channel, id) != nullptr;
  };
  CHECK_FALSE(is_taken(0, 1));
  pair.connect();
  CHECK_FALSE(is_taken(0, 1));

  // It opens with the first message, for its channel and the next id, until the packet leaves.
  REQUIRE(pair.dialler.send("first") == ErrorCode::none);
  CHECK_FALSE(is_taken(1, 2));
  CHECK_FALSE(is_taken(0, 3));
  CHECK(is_taken(0, 2));
  pair.pump();
  CHECK_FALSE(is_taken(0, 3));

  REQUIRE(pair.dialler.send("second") == ErrorCode::none);
  pair.dialler.session.close({}, pair.now);
  CHECK_FALSE(is_taken(0, 4));
}
