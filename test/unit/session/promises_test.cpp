// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "test/support/session_pair.hpp"
#include "test/support/session_traffic.hpp"

/// The promises of architecture.md, under thousands of short random histories.
using namespace tickwire;
using namespace std::chrono_literals;
using test::Dice;
using test::SessionPair;
using test::SessionTraffic;
using test::TrafficEnd;

namespace {

test::SessionPlan random_settings(Direction direction, Dice& dice) {
  test::SessionPlan settings = SessionPair::settings(direction);
  settings.limits.max_message_bytes = 200'000;
  settings.limits.max_send_queue_bytes = dice.one_in(4) ? 250'000 : 4'000'000;
  settings.limits.receive_window_bytes = dice.one_in(2) ? 128 * 1024 : 1024 * 1024;
  settings.limits.max_reassembly_bytes = dice.one_in(2) ? 200'064 : 2'000'000;
  settings.limits.max_host_reassembly_bytes = settings.limits.max_reassembly_bytes;
  settings.self.receive_window_bytes =
      static_cast<std::uint32_t>(settings.limits.receive_window_bytes);
  settings.self.max_message_bytes = static_cast<std::uint32_t>(settings.limits.max_message_bytes);
  for (ChannelConfig& channel : settings.channels) {
    channel.priority = static_cast<std::uint8_t>(dice.below(3));
    channel.weight = static_cast<std::uint16_t>(dice.between(1, 4));
  }
  return settings;
}

enum class Diet : std::uint8_t { light, heavy };

std::size_t random_size(Dice& dice, Delivery delivery, Diet diet = Diet::light) {
  if (delivery != Delivery::reliable) return dice.between(10, 1100);
  if (diet == Diet::heavy && dice.one_in(2)) return dice.between(20'000, 199'000);
  switch (dice.below(12)) {
    case 0:
      return dice.between(1000, 30'000);
    case 1:
      return dice.one_in(4) ? dice.between(30'000, 199'000) : 1200;
    default:
      return dice.between(10, 300);
  }
}

void random_habits(SessionTraffic& traffic) {
  Dice& dice = traffic.dice;
  traffic.habits.loss_percent = dice.one_in(2) ? 0 : dice.between(1, 40);
  traffic.habits.duplicate_percent = dice.one_in(2) ? 0 : dice.between(1, 40);
  traffic.habits.max_delay = dice.one_in(3) ? 0ms : Duration(1ms) * dice.between(1, 80);
}

/// One random thing on one end. Returns whether a close was among it.
bool random_act(SessionTraffic& traffic) {
  Dice& dice = traffic.dice;
  TrafficEnd& actor = traffic.end(dice.below(2));
  switch (dice.below(40)) {
    case 0:
      actor.session->close({static_cast<std::uint16_t>(0x1000 + dice.below(9)), "over"},
                           traffic.now);
      return true;
    case 1:
      actor.capacity = dice.one_in(2) ? 0 : 1 << 20;
      return false;
    case 2:
      random_habits(traffic);
      return false;
    case 3:
      traffic.now += Duration(1ms) * dice.between(1, 3000);
      return false;
    default: {
      const auto delivery = static_cast<Delivery>(dice.below(3));
      const auto channel = static_cast<std::uint8_t>(dice.below(8));
      for (std::size_t n = dice.one_in(8) ? dice.between(2, 120) : 1; n > 0; --n)
        actor.say(delivery, channel, random_size(dice, delivery), traffic.now);
      return false;
    }
  }
}

bool both_ended(const SessionTraffic& traffic) {
  return traffic.dialler.ended == 1 && traffic.acceptor.ended == 1;
}

/// Runs until both have told their end; packets of one that is gone arrive nowhere.
void run_out(SessionTraffic& traffic) {
  for (int i = 0; i < 800 && !both_ended(traffic); ++i) {
    traffic.step(50ms, 1000);
    for (const std::size_t index : {0u, 1u}) {
      // As a host does: the link goes once nothing is left to say, and the other end hears of it.
      if (!traffic.end(index).session->wants_link_closed() || traffic.end(index).ended == 0)
        continue;
      if (i % 20 != 19) continue;
      traffic.end(1 - index).session->link_down({ErrorCode::connection_reset, 0, "gone"},
                                                traffic.now);
    }
  }
}

std::string history(std::uint64_t seed) {
  Dice setup(seed * 77 + 1);
  SessionTraffic traffic(random_settings(Direction::dialled, setup),
                         random_settings(Direction::accepted, setup), seed);
  random_habits(traffic);
  traffic.connect();
  bool closed = false;
  const std::size_t acts = traffic.dice.between(1, 60);
  for (std::size_t i = 0; i < acts && !closed; ++i) {
    closed = random_act(traffic);
    traffic.step(Duration(1ms) * traffic.dice.between(0, 30), traffic.dice.below(40));
  }
  for (TrafficEnd* each : {&traffic.dialler, &traffic.acceptor})
    each->capacity = 1 << 20;
  switch (traffic.dice.below(4)) {
    case 0:
      traffic.habits.is_cut = true;
      break;
    case 1:
      traffic.end(traffic.dice.below(2))
          .session->link_down({ErrorCode::connection_reset, 0, ""}, traffic.now);
      break;
    default:
      traffic.end(traffic.dice.below(2)).session->close({}, traffic.now);
  }
  run_out(traffic);
  traffic.dialler.expect(traffic.dialler.ended == 1, "it ends once");
  traffic.acceptor.expect(traffic.acceptor.ended == traffic.acceptor.connected,
                          "what came up ends once");
  traffic.compare();
  traffic.finish();
  return traffic.breach();
}

/// Everybody talks, nobody leaves: all that is reliable must arrive and be acknowledged.
std::string peaceful_history(std::uint64_t seed, Diet diet) {
  Dice setup(seed * 77 + 1);
  SessionTraffic traffic(random_settings(Direction::dialled, setup),
                         random_settings(Direction::accepted, setup), seed);
  random_habits(traffic);
  traffic.connect();
  for (std::size_t i = traffic.dice.between(1, 60); i > 0; --i) {
    const auto delivery = static_cast<Delivery>(traffic.dice.below(3));
    const auto channel = static_cast<std::uint8_t>(traffic.dice.below(8));
    traffic.end(traffic.dice.below(2))
        .say(delivery, channel, random_size(traffic.dice, delivery, diet), traffic.now);
    if (traffic.dice.one_in(3)) traffic.step(3ms, traffic.dice.below(20));
  }
  const auto is_quiet = [](TrafficEnd& each) {
    std::size_t messages = 0;
    for (const auto& [stream, said] : each.said)
      messages += said.size();
    return each.receipts.size() == messages && !each.session->has_parked();
  };
  for (int i = 0; i < 4000; ++i) {
    if (is_quiet(traffic.dialler) && is_quiet(traffic.acceptor)) break;
    traffic.step(5ms, 1000);
  }
  for (int i = 0; i < 40; ++i)
    traffic.step(5ms, 1000);
  for (const std::size_t index : {0u, 1u}) {
    TrafficEnd& from = traffic.end(index);
    TrafficEnd& to = traffic.end(1 - index);
    for (const auto& [stream, said] : from.said) {
      for (const TrafficEnd::Said& each : said)
        from.expect(from.receipts.contains(each.id), "every message gets its receipt");
      if (stream.first != Delivery::reliable) continue;
      from.expect(to.heard_reliable[stream.second].size() == said.size(),
                  "every reliable message arrives");
      for (const TrafficEnd::Said& each : said)
        from.expect(from.receipts[each.id] == Receipt::acknowledged, "and is acknowledged");
    }
    from.expect(from.session->is_open(), "and the connection stays up: " + from.end.message());
  }
  traffic.compare();
  traffic.dialler.session->close({}, traffic.now);
  run_out(traffic);
  traffic.finish();
  return traffic.breach();
}

}  // namespace

TEST_CASE("whatever happens to a connection, its promises hold") {
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    const std::string breach = history(seed);
    INFO("seed ", seed, ": ", breach);
    REQUIRE(breach.empty());
  }
}

TEST_CASE("as long as nobody leaves, everything reliable arrives and is acknowledged") {
  for (std::uint64_t seed = 1; seed <= 1500; ++seed) {
    const std::string breach = peaceful_history(seed, Diet::light);
    INFO("seed ", seed, ": ", breach);
    REQUIRE(breach.empty());
  }
}

TEST_CASE("large messages on many channels wait for memory, and all arrive") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    const std::string breach = peaceful_history(seed, Diet::heavy);
    INFO("seed ", seed, ": ", breach);
    REQUIRE(breach.empty());
  }
}
