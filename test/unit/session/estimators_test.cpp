// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <random>
#include <vector>

#include "lib/session/estimators.hpp"
#include "lib/session/receipts.hpp"
#include "test/support/session_traffic.hpp"

/// The small parts of a session that only count.
using namespace tickwire;
using namespace std::chrono_literals;
using detail::Arrival;
using detail::ClockOffset;
using detail::IdRuns;
using detail::LossEstimator;
using detail::ReceiptQueue;
using detail::RttEstimator;
using detail::SequenceWindow;

TEST_CASE("the first echo sets the round-trip time, later ones move it by an eighth") {
  RttEstimator rtt;
  CHECK(rtt.rtt() == 0ns);
  rtt.add(80ms);
  CHECK(rtt.rtt() == 80ms);
  CHECK(rtt.jitter() == 40ms);
  rtt.add(160ms);
  CHECK(rtt.rtt() == 90ms);
  CHECK(rtt.jitter() == 50ms);
  for (int i = 0; i < 200; ++i)
    rtt.add(100ms);
  CHECK(rtt.rtt() > 99ms);
  CHECK(rtt.rtt() <= 100ms);
  CHECK(rtt.jitter() < 1ms);
}

TEST_CASE("a flow of numbers from 0 on has nothing missing") {
  SequenceWindow window;
  bool all_new = true;
  for (std::uint32_t i = 0; i < 200'000; ++i)
    all_new = all_new && window.accept(static_cast<std::uint16_t>(i)) == Arrival::newest;
  CHECK(all_new);
  CHECK(window.received() == 200'000);
  CHECK(window.missed() == 0);
}

TEST_CASE("gaps are missed until they are filled, and a number counts once") {
  SequenceWindow window;
  CHECK(window.accept(0) == Arrival::newest);
  CHECK(window.accept(5) == Arrival::newest);
  CHECK(window.missed() == 4);
  CHECK(window.accept(3) == Arrival::late);
  CHECK(window.missed() == 3);
  CHECK(window.accept(3) == Arrival::duplicate);
  CHECK(window.accept(5) == Arrival::duplicate);
  CHECK(window.accept(0) == Arrival::duplicate);
  CHECK(window.received() == 3);
  CHECK(window.missed() == 3);
}

TEST_CASE("the very first number may be overtaken") {
  SequenceWindow window;
  CHECK(window.accept(1) == Arrival::newest);
  CHECK(window.missed() == 1);
  CHECK(window.accept(0) == Arrival::late);
  CHECK(window.missed() == 0);
  CHECK(window.accept(0xffff) == Arrival::duplicate);
}

TEST_CASE("numbers pass 65,535 and long gaps without a jump") {
  SequenceWindow window;
  for (std::uint32_t i = 0; i < 65'530; ++i)
    static_cast<void>(window.accept(static_cast<std::uint16_t>(i)));
  CHECK(window.accept(4) == Arrival::newest);
  CHECK(window.missed() == 10);
  CHECK(window.accept(65'535) == Arrival::late);
  CHECK(window.accept(1004) == Arrival::newest);
  CHECK(window.missed() == 9 + 999);
  // Behind what is remembered: it may be a second copy, it is counted as late.
  CHECK(window.accept(4) == Arrival::late);
}

TEST_CASE("shuffled flows with losses and copies are counted as they were") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    test::Dice dice(seed);
    std::vector<std::uint16_t> flow;
    std::uint32_t lost = 0;
    constexpr std::uint32_t count = 30'000;
    for (std::uint32_t i = 0; i < count; ++i) {
      // The last always arrives: nobody misses what nothing comes after.
      if (i + 1 < count && dice.one_in(10)) {
        ++lost;
        continue;
      }
      flow.push_back(static_cast<std::uint16_t>(i));
    }
    for (std::size_t i = 0; i + 20 < flow.size(); ++i)
      std::swap(flow[i], flow[i + dice.below(4)]);
    SequenceWindow window;
    std::size_t wrong = 0;
    for (const std::uint16_t number : flow) {
      wrong += window.accept(number) == Arrival::duplicate ? 1u : 0u;
      if (dice.one_in(10)) wrong += window.accept(number) != Arrival::duplicate ? 1u : 0u;
    }
    CHECK(wrong == 0);
    CHECK(window.received() == count - lost);
    CHECK(window.missed() == lost);
  }
}

TEST_CASE("the loss is that of the last reports, and stays from 0 to 1") {
  LossEstimator loss;
  CHECK_FALSE(loss.ratio());
  loss.add(90, 10);
  CHECK(*loss.ratio() == doctest::Approx(0.1));
  std::uint32_t received = 90, missed = 10;
  for (int i = 0; i < 60; ++i)
    loss.add(received += 100, missed);
  CHECK(*loss.ratio() < 0.01);
  for (int i = 0; i < 60; ++i)
    loss.add(received += 50, missed += 50);
  CHECK(*loss.ratio() == doctest::Approx(0.5).epsilon(0.02));
  // What was missed has come late after all.
  loss.add(received += 50, missed -= 50);
  CHECK(*loss.ratio() < 0.5);
  CHECK(*loss.ratio() >= 0);
  for (int i = 0; i < 10; ++i)
    loss.add(received, missed -= 30);
  CHECK(*loss.ratio() == 0);
}

TEST_CASE("ids of a steady flow are one run, and come back in order") {
  IdRuns ids;
  for (MessageId id = 10; id < 20; ++id)
    ids.push(id);
  ids.push(30);
  ids.push(31);
  std::vector<MessageId> taken;
  const auto take = [&](MessageId first, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i)
      taken.push_back(first + i);
  };
  ids.pop(4, take);
  CHECK(taken == std::vector<MessageId>{10, 11, 12, 13});
  CHECK(ids.replace(2, 99) == 16);
  CHECK(ids.replace(6, 98) == 30);
  taken.clear();
  ids.pop(100, take);
  CHECK(taken == std::vector<MessageId>{14, 15, 99, 17, 18, 19, 98, 31});
  taken.clear();
  ids.pop(1, take);
  CHECK(taken.empty());
}

TEST_CASE("a report of losses that comes late or twice changes nothing") {
  LossEstimator loss;
  loss.add(90, 10);
  loss.add(180, 20);
  const auto before = loss.ratio();
  loss.add(90, 10);
  loss.add(180, 20);
  REQUIRE(loss.ratio());
  CHECK(*loss.ratio() == doctest::Approx(*before));
  loss.add(270, 30);
  CHECK(*loss.ratio() == doctest::Approx(0.1));
}

TEST_CASE("the other clock is known to 5 ms after a minute of echoes of 100 ms +- 20 ms each way") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    INFO("seed ", seed);
    std::mt19937_64 random(seed);
    const auto way = [&] { return 80ms + std::chrono::microseconds(random() % 40'000); };
    constexpr Duration truth = -17min;
    ClockOffset offset;
    CHECK_FALSE(offset.ahead());
    TimePoint now{1h};
    for (int i = 0; i < 60; ++i) {
      const Duration there = way();
      const Duration back = way();
      now += 1s;
      const Duration their_time = (now - back).time_since_epoch() + truth;
      offset.add(there + back, their_time + (there + back) / 2 - now.time_since_epoch(), now);
    }
    REQUIRE(offset.ahead());
    CHECK(std::chrono::abs(*offset.ahead() - truth) < 5ms);
  }
}

TEST_CASE("a clock that drifts is followed") {
  ClockOffset offset;
  TimePoint now{1h};
  Duration truth{};
  for (int i = 0; i < 1000; ++i) {
    now += 1s;
    truth += 50us;
    offset.add(20ms, truth, now);
  }
  CHECK(std::chrono::abs(*offset.ahead() - truth) < 1ms);
}

TEST_CASE("receipts are joined while they wait, and come out one by one") {
  ReceiptQueue receipts;
  receipts.add(1, 3, 0, Receipt::acknowledged);
  receipts.add(4, 1, 0, Receipt::acknowledged);
  receipts.add(5, 1, 0, Receipt::dropped);
  receipts.add(6, 1, 1, Receipt::dropped);
  std::vector<MessageId> ids;
  std::size_t dropped = 0;
  while (!receipts.empty()) {
    Event one;
    receipts.take(one);
    ids.push_back(one.message_id);
    dropped += one.receipt == Receipt::dropped ? 1u : 0u;
    CHECK(one.channel == (one.message_id == 6 ? 1 : 0));
  }
  CHECK(ids == std::vector<MessageId>{1, 2, 3, 4, 5, 6});
  CHECK(dropped == 2);
}
