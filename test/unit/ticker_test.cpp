// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <random>
#include <tickwire/ticker.hpp>
#include <vector>

using namespace std::chrono_literals;
using tickwire::Duration;
using tickwire::Tick;
using tickwire::Ticker;
using tickwire::TimePoint;

namespace {

constexpr TimePoint kStart{1h};
constexpr double kRates[] = {60, 120, 144, 59.94};

// Exact to far below a nanosecond over the times in question.
Duration exactly(std::uint64_t ticks, double rate_hz) {
  return Duration(
      std::llround(static_cast<long double>(ticks) * 1e9L / static_cast<long double>(rate_hz)));
}

std::vector<Tick> all_due(Ticker& ticker, TimePoint now) {
  std::vector<Tick> ticks;
  while (auto tick = ticker.next(now))
    ticks.push_back(*tick);
  return ticks;
}

}  // namespace

TEST_CASE("ticker: over ten hours no tick is off by more than a nanosecond") {
  for (const double rate : kRates) {
    CAPTURE(rate);
    Ticker ticker(rate, kStart);
    const auto last = static_cast<std::uint64_t>(36'000 * rate);
    std::uint64_t wrong = 0;
    for (std::uint64_t n = 1; n <= last; ++n) {
      const TimePoint due = ticker.due();
      const Duration off = due - kStart - exactly(n, rate);
      if (off > 1ns || off < -1ns) ++wrong;
      const auto tick = ticker.next(due);
      if (!tick || tick->index != n || tick->late_by != 0ns || tick->delta != ticker.step())
        ++wrong;
    }
    CHECK(wrong == 0);
    CHECK(ticker.skipped() == 0);
    CHECK(ticker.due() > kStart + 10h);
  }
}

TEST_CASE("ticker: frames of any length run as many ticks as time has passed") {
  for (const double rate : kRates) {
    for (const Duration frame : {Duration(6'944'444), Duration(16'666'667), Duration(33'000'001)}) {
      CAPTURE(rate);
      Ticker ticker(rate, kStart);
      std::uint64_t ticks = 0, wrong = 0;
      Duration longest_wait{};
      TimePoint now = kStart;
      while (now < kStart + 1h) {
        now += frame;
        while (const auto tick = ticker.next(now)) {
          if (tick->index != ++ticks || tick->late_by < 0ns) ++wrong;
          longest_wait = std::max(longest_wait, tick->late_by);
        }
      }
      CHECK(wrong == 0);
      CHECK(ticker.skipped() == 0);
      CHECK(longest_wait <= frame);
      CHECK(exactly(ticks, rate) <= now - kStart + 1ns);
      CHECK(exactly(ticks + 1, rate) >= now - kStart);
    }
  }
}

TEST_CASE("ticker: the first tick is due one step after the start") {
  Ticker ticker(50, kStart);
  CHECK(ticker.step() == 20ms);
  CHECK(ticker.due() == kStart + 20ms);
  CHECK_FALSE(ticker.next(kStart - 1h));
  CHECK_FALSE(ticker.next(kStart));
  CHECK_FALSE(ticker.next(kStart + 19'999'999ns));
  const auto tick = ticker.next(kStart + 20ms);
  REQUIRE(tick);
  CHECK(tick->index == 1);
  CHECK(tick->delta == 20ms);
  CHECK(tick->late_by == 0ns);
  CHECK(ticker.due() == kStart + 40ms);
}

TEST_CASE("ticker: a late tick says by how much") {
  Ticker ticker(50, kStart);
  const auto ticks = all_due(ticker, kStart + 65ms);
  REQUIRE(ticks.size() == 3);
  CHECK(ticks[0].late_by == 45ms);
  CHECK(ticks[1].late_by == 25ms);
  CHECK(ticks[2].late_by == 5ms);
  CHECK(ticks[2].delta == 20ms);
}

TEST_CASE("ticker: after a stall the newest few run, the rest is counted and shows as a gap") {
  Ticker ticker(100, kStart, 5);
  CHECK(all_due(ticker, kStart + 20ms).size() == 2);
  const auto ticks = all_due(ticker, kStart + 1s);
  REQUIRE(ticks.size() == 5);
  CHECK(ticks.front().index == 96);
  CHECK(ticks.front().late_by == 40ms);
  CHECK(ticks.back().index == 100);
  CHECK(ticks.back().late_by == 0ms);
  CHECK(ticker.skipped() == 93);
  CHECK(ticker.due() == kStart + 1010ms);
  CHECK(all_due(ticker, kStart + 1050ms).size() == 5);  // just as many as allowed: none skipped
  CHECK(ticker.skipped() == 93);
}

TEST_CASE("ticker: a stall may end on the very moment of a tick, or just before") {
  for (const double rate : {60.0, 59.94, 144.0, 0.1, 7.77, 1e6}) {
    CAPTURE(rate);
    Ticker reference(rate, kStart);
    std::uint64_t wrong = 0;
    for (std::uint64_t n = 1; n <= 20'000; ++n) {
      const TimePoint due = reference.due();
      static_cast<void>(reference.next(due));
      if (n <= 10) continue;
      Ticker on_time(rate, kStart);
      Ticker early(rate, kStart);
      const auto at_it = all_due(on_time, due);
      const auto before_it = all_due(early, due - 1ns);
      if (at_it.size() != 5 || at_it.back().index != n || on_time.skipped() != n - 5) ++wrong;
      if (before_it.size() != 5 || before_it.back().index != n - 1) ++wrong;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("ticker: catches up with one tick at least") {
  for (const std::uint32_t most : {0u, 1u}) {
    Ticker ticker(100, kStart, most);
    const auto ticks = all_due(ticker, kStart + 1s);
    REQUIRE(ticks.size() == 1);
    CHECK(ticks[0].index == 100);
    CHECK(ticks[0].late_by == 0ms);
    CHECK(ticker.skipped() == 99);
  }
}

TEST_CASE("ticker: every tick was run or skipped, whatever the stalls") {
  for (const unsigned seed : {1u, 2u, 3u}) {
    for (const double rate : {60.0, 59.94, 0.1, 7.77, 1000.0, 1e6}) {
      INFO("seed " << seed << ", rate " << rate);
      std::mt19937_64 random(seed);
      Ticker ticker(rate, kStart, 3);
      std::uint64_t run = 0, last_index = 0, wrong = 0;
      TimePoint now = kStart;
      for (int i = 0; i < 20'000; ++i) {
        const bool stalls = random() % 50 == 0;
        now += Duration(random() % static_cast<std::uint64_t>(stalls ? 10e9 / rate : 2.5e9 / rate));
        std::uint64_t in_row = 0;
        while (const auto tick = ticker.next(now)) {
          ++run;
          ++in_row;
          if (tick->index <= last_index || tick->late_by < 0ns) ++wrong;
          last_index = tick->index;
        }
        if (in_row > 3 || last_index != run + ticker.skipped()) ++wrong;
        if (ticker.due() <= now) ++wrong;
      }
      CHECK(wrong == 0);
      CHECK(ticker.skipped() > 0);
      CHECK(exactly(last_index, rate) <= now - kStart + 1ns);
      CHECK(exactly(last_index + 1, rate) >= now - kStart);
    }
  }
}

TEST_CASE("ticker: a million ticks a second are on time") {
  Ticker ticker(1e6, kStart, 10);
  CHECK(ticker.step() == 1us);
  std::uint64_t wrong = 0;
  for (std::uint64_t n = 1; n <= 3'000'000; ++n) {
    const auto tick = ticker.next(kStart + n * 1us);
    if (!tick || tick->index != n || tick->late_by != 0ns) ++wrong;
  }
  CHECK(wrong == 0);
  CHECK(all_due(ticker, kStart + 10h).size() == 10);
  CHECK(ticker.skipped() == 36'000'000'000 - 3'000'000 - 10);
}

TEST_CASE("ticker: a tick every ten seconds is on time") {
  Ticker ticker(0.1, kStart);
  CHECK(ticker.step() == 10s);
  for (int n = 1; n <= 3600; ++n) {
    REQUIRE_FALSE(ticker.next(kStart + n * 10s - 1ns));
    const auto tick = ticker.next(kStart + n * 10s);
    REQUIRE(tick);
    REQUIRE(tick->index == static_cast<std::uint64_t>(n));
  }
}

TEST_CASE("ticker: wakes up from a year of sleep at once") {
  for (const double rate : {60.0, 59.94, 1e6}) {
    CAPTURE(rate);
    Ticker ticker(rate, kStart);
    const auto year = 24h * 365;
    const auto ticks = all_due(ticker, kStart + year);
    REQUIRE(ticks.size() == 5);
    CHECK(ticks.back().late_by >= 0ns);
    CHECK(ticks.back().late_by <= ticker.step());
    CHECK(ticks.back().index == ticker.skipped() + 5);
    CHECK(ticker.due() > kStart + year);

    std::uint64_t wrong = 0;
    for (std::uint64_t n = ticks.back().index + 1; n < ticks.back().index + 2000; ++n) {
      const TimePoint due = ticker.due();
      Ticker early(rate, kStart);
      Ticker on_time(rate, kStart);
      const auto before_it = all_due(early, due - 1ns);
      const auto at_it = all_due(on_time, due);
      if (before_it.size() != 5 || before_it.back().index != n - 1) ++wrong;
      if (at_it.size() != 5 || at_it.back().index != n) ++wrong;
      static_cast<void>(ticker.next(due));
    }
    CHECK(wrong == 0);
  }
}
