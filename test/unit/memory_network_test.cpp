// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lib/transport/memory/memory_core.hpp"
#include "test/support/memory_pair.hpp"

using namespace std::chrono_literals;
using namespace tickwire;
using detail::Lane;
using test::MemoryPair;
using test::RecordingLink;
using Texts = std::vector<std::string>;

namespace {

constexpr std::uint64_t kSeeds[] = {1, 2, 3, 42, 0xfeedfacecafebeef};

// Sends numbered packets, one every `spacing`, and lets all of them arrive.
void stream(MemoryPair& pair, int count, Duration spacing, Lane lane, int channels = 1) {
  for (int i = 0; i < count; ++i) {
    pair.caller->send(std::to_string(i), lane, static_cast<std::uint8_t>(i % channels));
    pair.run(spacing);
  }
  pair.run(10s);
}

// Within four and a half standard deviations of a binomial distribution.
bool is_near(double found, double tries, double ratio) {
  return std::abs(found - tries * ratio) <= 4.5 * std::sqrt(tries * ratio * (1 - ratio));
}

}  // namespace

TEST_CASE("manual clock: stands still until it is told to move, and never goes back") {
  ManualClock clock;
  const TimePoint start = clock.now();
  CHECK(start > TimePoint());
  CHECK(clock.now() == start);
  clock.advance(5ms);
  CHECK(clock.now() == start + 5ms);
  clock.advance(-5ms);
  CHECK(clock.now() == start + 5ms);
  clock.advance_to(start + 8ms);
  CHECK(clock.now() == start + 8ms);
  clock.advance_to(start);
  CHECK(clock.now() == start + 8ms);
  CHECK(ManualClock(TimePoint(7s)).now() == TimePoint(7s));
}

TEST_CASE("memory network: its random numbers are the same everywhere") {
  // The published SplitMix64 begins so for the seed 0.
  detail::SplitMix64 random(0);
  CHECK(random.next() == 0xe220a8397b1dcdaf);
  CHECK(random.next() == 0x6e789e6aa1b965f4);
  CHECK(random.next() == 0x06c45d188009454f);
}

TEST_CASE("memory network: conditions out of range are refused by name") {
  const auto with = [](auto change) {
    NetworkConditions conditions;
    change(conditions);
    return conditions;
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::pair<const char*, NetworkConditions> bad[] = {
      {"loss_ratio", with([](auto& c) { c.loss_ratio = -0.01; })},
      {"loss_ratio", with([](auto& c) { c.loss_ratio = 1.01; })},
      {"loss_ratio", with([&](auto& c) { c.loss_ratio = nan; })},
      {"duplicate_ratio", with([](auto& c) { c.duplicate_ratio = 5; })},
      {"duplicate_ratio", with([&](auto& c) { c.duplicate_ratio = nan; })},
      {"reorder_ratio", with([](auto& c) { c.reorder_ratio = -1; })},
      {"::delay", with([](auto& c) { c.delay = -1ns; })},
      {"::delay", with([](auto& c) { c.delay = 24h + 1ns; })},
      {"::delay", with([](auto& c) { c.delay = Duration::max(); })},
      {"::jitter", with([](auto& c) { c.jitter = -1ms; })},
      {"::jitter", with([](auto& c) { c.jitter = Duration::max(); })},
      {"reorder_delay", with([](auto& c) { c.reorder_delay = -1ms; })},
      {"bandwidth_bytes_per_second", with([](auto& c) { c.bandwidth_bytes_per_second = 0; })},
      {"max_queue_delay", with([](auto& c) { c.max_queue_delay = -1ms; })},
  };
  MemoryPair pair(1, {.delay = 3ms});
  for (const auto& each : bad) {
    const char* name = each.first;
    const NetworkConditions& conditions = each.second;
    CAPTURE(name);
    CHECK_THROWS_WITH_AS(MemoryNetwork(1, conditions), doctest::Contains(name),
                         std::invalid_argument);
    CHECK_THROWS_WITH_AS(pair.network->set_conditions(conditions), doctest::Contains(name),
                         std::invalid_argument);
    CHECK_THROWS_WITH_AS(pair.network->set_conditions(NetworkDirection::to_dialler, conditions),
                         doctest::Contains(name), std::invalid_argument);
  }
  CHECK_THROWS_WITH_AS(pair.network->drop_everything(-1ms), doctest::Contains("drop_everything"),
                       std::invalid_argument);
  pair.connect();
  pair.caller->send("as before");
  CHECK(pair.server.transport->next_deadline() == pair.clock.now() + 3ms);
}

TEST_CASE("memory network: the limits of the conditions themselves are allowed") {
  MemoryPair pair(1, {.delay = 24h,
                      .jitter = 24h,
                      .loss_ratio = 1,
                      .duplicate_ratio = 1,
                      .reorder_ratio = 1,
                      .reorder_delay = 24h,
                      .bandwidth_bytes_per_second = 1,
                      .max_queue_delay = 24h});
  pair.network->set_conditions({.bandwidth_bytes_per_second = ~std::uint64_t{0}});
  pair.connect();
  pair.network->set_conditions({.loss_ratio = 1});
  for (int i = 0; i < 100; ++i)
    pair.caller->send("x", Lane::datagram);
  CHECK(pair.network->stats().datagrams_lost == 100);
}

TEST_CASE("memory network: a call, its answer and a packet each take the delay of their way") {
  MemoryPair pair;
  pair.network->set_conditions(NetworkDirection::from_dialler, {.delay = 20ms});
  pair.network->set_conditions(NetworkDirection::to_dialler, {.delay = 50ms});
  const TimePoint start = pair.clock.now();
  RecordingLink& caller = pair.client.dial("memory://server");
  CHECK(pair.server.transport->next_deadline() == start + 20ms);
  pair.run(20ms);
  CHECK(pair.server.accepted.size() == 1);
  CHECK(pair.client.transport->next_deadline() == start + 70ms);
  pair.run(49ms);
  CHECK(caller.ups == 0);
  pair.run(1ms);
  CHECK(caller.ups == 1);

  caller.send("there");
  pair.server.accepted[0]->send("back", Lane::datagram);
  pair.run(1s);
  CHECK(pair.server.accepted[0]->arrived ==
        std::vector<RecordingLink::Arrived>{{"there", start + 90ms}});
  CHECK(caller.arrived == std::vector<RecordingLink::Arrived>{{"back", start + 120ms}});
  CHECK(pair.network->stats().packets_delayed == 2);
}

TEST_CASE("memory network: a refusal takes a round trip") {
  MemoryPair pair(1, {.delay = 20ms});
  RecordingLink& caller = pair.client.dial("memory://nobody");
  pair.run(39ms);
  CHECK(caller.downs == 0);
  pair.run(1ms);
  CHECK(caller.downs == 1);
}

TEST_CASE("memory network: spoilt datagrams are dropped at the ratio, reliable packets never") {
  for (const std::uint64_t seed : kSeeds) {
    INFO("seed " << seed);
    MemoryPair pair(seed, {.loss_ratio = 0.1, .flip_ratio = 0.05});
    pair.connect();
    stream(pair, 5000, 0s, Lane::datagram);
    const NetworkStats stats = pair.network->stats();
    CHECK(is_near(static_cast<double>(stats.datagrams_lost), 5000, 0.1));
    CHECK(is_near(static_cast<double>(stats.datagrams_spoilt), 4500, 0.05));
    CHECK(pair.callee->arrived.size() == 5000 - stats.datagrams_lost - stats.datagrams_spoilt);
    stream(pair, 500, 0s, Lane::reliable);
    CHECK(pair.network->stats().datagrams_spoilt == stats.datagrams_spoilt);
  }
}

TEST_CASE("memory network: datagrams are lost at the ratio, reliable packets never") {
  for (const std::uint64_t seed : kSeeds) {
    for (const double ratio : {0.01, 0.05, 0.5}) {
      INFO("seed " << seed << ", ratio " << ratio);
      MemoryPair pair(seed, {.loss_ratio = ratio});
      pair.connect();
      stream(pair, 5000, 0s, Lane::datagram);
      const auto arrived = static_cast<double>(pair.callee->arrived.size());
      CHECK(is_near(5000 - arrived, 5000, ratio));
      CHECK(pair.network->stats().datagrams_lost == 5000 - pair.callee->arrived.size());
    }
    MemoryPair pair(seed, {.loss_ratio = 1});
    pair.connect();
    stream(pair, 500, 0s, Lane::datagram);
    CHECK(pair.callee->arrived.empty());
    stream(pair, 500, 0s, Lane::reliable);
    stream(pair, 500, 0s, Lane::control);
    CHECK(pair.callee->arrived.size() == 1000);
  }
}

TEST_CASE("memory network: jitter is spread evenly from nothing to its most") {
  for (const std::uint64_t seed : kSeeds) {
    INFO("seed " << seed);
    MemoryPair pair(seed, {.delay = 40ms, .jitter = 20ms});
    pair.connect();
    const TimePoint start = pair.clock.now();
    stream(pair, 2000, 1ms, Lane::datagram);
    REQUIRE(pair.callee->arrived.size() == 2000);
    Duration least = 1h, most{}, sum{};
    for (const auto& each : pair.callee->arrived) {
      const Duration took = each.at - start - std::stoi(each.text) * 1ms;
      least = std::min(least, took);
      most = std::max(most, took);
      sum += took;
    }
    CHECK(least >= 40ms);
    CHECK(least < 41ms);
    CHECK(most <= 60ms);
    CHECK(most > 59ms);
    CHECK(sum / 2000 > 49ms);
    CHECK(sum / 2000 < 51ms);
    CHECK_FALSE(std::is_sorted(
        pair.callee->arrived.begin(), pair.callee->arrived.end(),
        [](const auto& a, const auto& b) { return std::stoi(a.text) < std::stoi(b.text); }));
  }
}

TEST_CASE("memory network: jitter never overtakes within a reliable channel, only between them") {
  for (const std::uint64_t seed : kSeeds) {
    INFO("seed " << seed);
    MemoryPair pair(seed, {.jitter = 30ms});
    pair.connect();
    for (int i = 0; i < 900; ++i) {
      pair.caller->send(std::to_string(i), i % 9 == 8 ? Lane::control : Lane::reliable,
                        static_cast<std::uint8_t>(i % 9 % 8));
      pair.run(1ms);
    }
    pair.run(1s);
    REQUIRE(pair.callee->arrived.size() == 900);
    std::vector<int> newest(9, -1);
    int overtaken = 0, highest = -1;
    for (const auto& each : pair.callee->arrived) {
      const int number = std::stoi(each.text);
      CHECK(number > newest[static_cast<std::size_t>(number % 9)]);
      newest[static_cast<std::size_t>(number % 9)] = number;
      overtaken += number < highest ? 1 : 0;
      highest = std::max(highest, number);
    }
    CHECK(overtaken > 100);
  }
}

TEST_CASE("memory network: order is kept when the delay falls") {
  MemoryPair pair(1, {.delay = 100ms});
  pair.connect();
  pair.caller->send("slow");
  pair.caller->send("slow datagram", Lane::datagram);
  pair.network->set_conditions({});
  pair.caller->send("fast");
  pair.caller->send("fast datagram", Lane::datagram);
  pair.run(1s);
  CHECK(pair.callee->texts() == Texts{"fast datagram", "slow", "slow datagram", "fast"});
}

TEST_CASE("memory network: datagrams are doubled at the ratio") {
  for (const std::uint64_t seed : kSeeds) {
    INFO("seed " << seed);
    MemoryPair pair(seed, {.jitter = 5ms, .duplicate_ratio = 0.1});
    pair.connect();
    stream(pair, 5000, 0s, Lane::datagram);
    const std::size_t arrived = pair.callee->arrived.size();
    CHECK(is_near(static_cast<double>(arrived - 5000), 5000, 0.1));
    CHECK(pair.network->stats().datagrams_duplicated == arrived - 5000);
    CHECK(pair.caller->link->capacity_bytes(Lane::reliable) == detail::kMemoryWindowBytes);
    const Texts texts = pair.callee->texts();
    CHECK(std::set<std::string>(texts.begin(), texts.end()).size() == 5000);
    stream(pair, 200, 0s, Lane::reliable);
    CHECK(pair.callee->arrived.size() == arrived + 200);
  }
}

TEST_CASE("memory network: held back datagrams are overtaken, at the ratio") {
  for (const std::uint64_t seed : kSeeds) {
    INFO("seed " << seed);
    MemoryPair pair(seed, {.delay = 10ms, .reorder_ratio = 0.05, .reorder_delay = 7500us});
    pair.connect();
    stream(pair, 3000, 1ms, Lane::datagram);
    REQUIRE(pair.callee->arrived.size() == 3000);
    int overtaken = 0, highest = -1;
    for (const auto& each : pair.callee->arrived) {
      const int number = std::stoi(each.text);
      if (number < highest) ++overtaken;
      highest = std::max(highest, number);
    }
    CHECK(is_near(overtaken, 3000, 0.05));
    const auto held_back = static_cast<int>(pair.network->stats().datagrams_reordered);
    CHECK(std::abs(held_back - overtaken) <= 8);  // the last few have nothing behind them
  }
}

TEST_CASE("memory network: a bandwidth sends packets one after the other") {
  MemoryPair pair(1, {.delay = 10ms, .bandwidth_bytes_per_second = 100'000});
  pair.connect();
  const TimePoint start = pair.clock.now();
  for (int i = 0; i < 5; ++i)
    pair.caller->send(std::string(1000, 'x'), i % 2 == 0 ? Lane::reliable : Lane::datagram);
  pair.callee->send(std::string(500, 'y'));  // the other way has a line of its own
  pair.run(1s);
  REQUIRE(pair.callee->arrived.size() == 5);
  for (int i = 0; i < 5; ++i)
    CHECK(pair.callee->arrived[static_cast<std::size_t>(i)].at == start + (i + 1) * 10ms + 10ms);
  REQUIRE(pair.caller->arrived.size() == 1);
  CHECK(pair.caller->arrived[0].at == start + 15ms);
}

TEST_CASE("memory network: datagrams that wait too long for their turn are dropped") {
  MemoryPair pair(1, {.bandwidth_bytes_per_second = 100'000, .max_queue_delay = 50ms});
  pair.connect();
  for (int i = 0; i < 20; ++i)
    pair.caller->send(std::string(1000, 'x'), Lane::datagram);
  for (int i = 0; i < 20; ++i)
    pair.caller->send(std::string(1000, 'x'));
  pair.run(10s);
  CHECK(pair.network->stats().datagrams_queue_full == 14);  // the queue is 50 ms long after 5
  CHECK(pair.callee->arrived.size() == 26);
  pair.caller->send("there is room again", Lane::datagram);
  pair.run(1s);
  CHECK(pair.callee->arrived.size() == 27);
}

TEST_CASE("memory network: a narrow link takes little at a time, so that datagrams find room") {
  MemoryPair pair(1, {.bandwidth_bytes_per_second = 100'000, .max_queue_delay = 200ms});
  pair.connect();
  const auto room = [&] { return pair.caller->link->capacity_bytes(Lane::reliable); };
  for (int i = 0; i < 1000; ++i) {
    pair.caller->send("a datagram", Lane::datagram);
    while (room() > 0)
      pair.caller->send(std::string(1000, 'x'));
    pair.run(10ms);
  }
  CHECK(pair.network->stats().datagrams_queue_full == 0);
  CHECK(pair.network->stats().bytes_delivered > 950'000);
  pair.run(1s);
  CHECK(room() == 5000);
  pair.network->set_conditions({});
  pair.caller->send("wide again");
  pair.settle();
  CHECK(room() == detail::kMemoryWindowBytes);
}

TEST_CASE("memory network: nothing overtakes the answer to a call") {
  MemoryPair pair(1, {.delay = 100ms});
  pair.server.when_incoming = [&](RecordingLink& end) {
    end.send("first");
    pair.network->set_conditions({});
    end.send("second");
    end.send("datagram", Lane::datagram);
  };
  RecordingLink& caller = pair.client.dial("memory://server");
  std::size_t before_it = 9;
  caller.when_up = [&] { before_it = caller.arrived.size(); };
  pair.run(1s);
  CHECK(before_it == 0);
  CHECK(caller.texts() == Texts{"first", "second", "datagram"});
}

namespace {

// What two links carry in a rough second, as text: who, what, when.
std::string trace(std::uint64_t seed, const NetworkConditions& conditions, int other_packets) {
  MemoryPair pair(seed, conditions);
  pair.connect();
  RecordingLink* caller = pair.caller;
  RecordingLink* callee = pair.callee;
  const TimePoint start = pair.clock.now();
  pair.connect();
  for (int i = 0; i < 300; ++i) {
    caller->send(std::to_string(i), i % 4 == 0 ? Lane::reliable : Lane::datagram,
                 static_cast<std::uint8_t>(i % 3));
    callee->send("back " + std::to_string(i), Lane::datagram);
    for (int k = 0; k < other_packets; ++k)
      pair.caller->send("noise", Lane::datagram);
    pair.run(3ms);
  }
  pair.run(10s);
  std::string text;
  for (const RecordingLink* end : {caller, callee}) {
    for (const auto& each : end->arrived)
      text += each.text + "@" + std::to_string((each.at - start).count()) + "\n";
  }
  return text;
}

constexpr NetworkConditions kRough{.delay = 30ms,
                                   .jitter = 15ms,
                                   .loss_ratio = 0.1,
                                   .duplicate_ratio = 0.05,
                                   .reorder_ratio = 0.05};

}  // namespace

TEST_CASE("memory network: one seed always makes the same decisions, another makes others") {
  const std::string first = trace(7, kRough, 0);
  CHECK(first == trace(7, kRough, 0));
  CHECK(first != trace(8, kRough, 0));
  CHECK(trace(7, {}, 0) == trace(8, {}, 0));
}

TEST_CASE("memory network: each link and each direction has decisions of its own") {
  MemoryPair pair(7, {.loss_ratio = 0.5});
  pair.connect();
  RecordingLink* first[] = {pair.caller, pair.callee};
  pair.connect();
  std::set<Texts> outcomes;
  for (RecordingLink* end : {first[0], first[1], pair.caller, pair.callee}) {
    for (int i = 0; i < 100; ++i)
      end->send(std::to_string(i), Lane::datagram);
  }
  pair.settle();
  for (RecordingLink* end : {first[0], first[1], pair.caller, pair.callee})
    outcomes.insert(end->texts());
  CHECK(outcomes.size() == 4);
}

TEST_CASE("memory network: the traffic of one link changes nothing on another") {
  CHECK(trace(7, kRough, 0) == trace(7, kRough, 5));
}

TEST_CASE("memory network: which datagrams are lost does not hang on the other conditions") {
  const auto survivors = [](const NetworkConditions& conditions) {
    MemoryPair pair(9, conditions);
    pair.connect();
    stream(pair, 500, 1ms, Lane::datagram);
    const Texts texts = pair.callee->texts();
    return std::set<std::string>(texts.begin(), texts.end());
  };
  NetworkConditions rough = kRough;
  rough.loss_ratio = 0.2;
  CHECK(survivors({.loss_ratio = 0.2}) == survivors(rough));
}
