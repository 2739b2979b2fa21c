// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <vector>

#include <tickwire/testing.hpp>

#include "lib/transport/enet/enet_clock.hpp"

namespace tickwire::test {
namespace {

using namespace std::chrono_literals;
using detail::EnetClock;

constexpr std::uint32_t kHour = 60 * 60 * 1000;

// ENet's static, over a wall clock of the test's own.
std::uint32_t wall_ms = 4'000'000'000u;
std::uint32_t base_ms = 0;
int corrections = 0;

constexpr EnetClock::Hooks kHooks = {[] { return wall_ms - base_ms; },
                                     [](std::uint32_t ms) {
                                       base_ms = wall_ms - ms;
                                       ++corrections;
                                     }};

struct Rig {
  Rig() { corrections = 0; }
  // What a host sees in one call.
  std::uint32_t look() {
    std::uint32_t seen = 0;
    enet.in_present([&] { return seen = kHooks.read(); });
    return seen;
  }
  void pass(std::uint32_t ms, Duration by) {
    wall_ms += ms;
    clock.advance(by);
  }

  ManualClock clock;
  EnetClock enet{clock, kHooks};
};

TEST_CASE("enet clock: time starts at one hour and follows the clock") {
  Rig rig;
  CHECK(rig.look() == kHour);
  rig.pass(0, 100ms);
  CHECK(rig.look() == kHour + 100);
  rig.pass(5000, 1ms);
  CHECK(rig.look() == kHour + 101);
}

TEST_CASE("enet clock: a moment that is long past does not turn it back") {
  Rig rig;
  const TimePoint before = rig.clock.now();
  rig.pass(100, 100ms);
  std::uint32_t seen = 0;
  rig.enet.in_present(before, [&] { return seen = kHooks.read(); });
  CHECK(seen == kHour + 100);
  CHECK(corrections == 0);
  rig.pass(5000, 1ms);
  rig.enet.in_present(before, [&] { return seen = kHooks.read(); });
  CHECK(seen == kHour + 101);
}

TEST_CASE("enet clock: a call right behind another one is not looked after, the next one is") {
  Rig rig;
  CHECK(rig.look() == kHour);
  wall_ms += 5000;
  std::uint32_t seen = 0;
  rig.enet.still_in_present([&] { return seen = kHooks.read(); });
  CHECK(seen == kHour + 5000);
  rig.pass(0, 1ms);
  CHECK(rig.look() == kHour + 1);
}

TEST_CASE("enet clock: two milliseconds off are let be") {
  Rig rig;
  CHECK(rig.look() == kHour);
  rig.pass(2, 0ms);
  CHECK(rig.look() == kHour + 2);
  rig.pass(10, 14ms);
  CHECK(rig.look() == kHour + 12);
  CHECK(corrections == 0);
  rig.pass(10, 11ms);
  CHECK(rig.look() == kHour + 25);
  CHECK(corrections == 1);
}

TEST_CASE("enet clock: a time that a host has seen never comes again") {
  Rig rig;
  std::uint32_t last = rig.look();
  for (int i = 0; i < 1000; ++i) {
    wall_ms += static_cast<std::uint32_t>(i % 3);  // while the clock stands still
    const std::uint32_t seen = rig.look();
    CHECK(seen >= last);
    CHECK(seen <= kHour + 4);
    last = seen;
  }
}

TEST_CASE("enet clock: the wall clock may be set forth and back") {
  Rig rig;
  rig.pass(1000, 1000ms);
  CHECK(rig.look() == kHour + 1000);
  rig.pass(kHour * 24, 5ms);
  CHECK(rig.look() == kHour + 1005);
  rig.pass(0u - kHour * 48, 5ms);
  CHECK(rig.look() == kHour + 1010);
}

TEST_CASE("enet clock: a wall clock that is set during a call does not carry the time away") {
  Rig rig;
  rig.enet.in_present([] {
    wall_ms += kHour * 12;
    return kHooks.read();
  });
  rig.pass(0, 5ms);
  CHECK(rig.look() == kHour + 5);
}

TEST_CASE("enet clock: a leap of days is an hour to ENet, and time goes on from there") {
  Rig rig;
  CHECK(rig.look() == kHour);
  rig.pass(0, 24h * 40);
  CHECK(rig.look() == 2 * kHour);
  rig.pass(0, 10ms);
  CHECK(rig.look() == 2 * kHour + 10);
  rig.pass(0, 59min);
  CHECK(rig.look() == 2 * kHour + 10 + 59 * 60 * 1000);
}

TEST_CASE("enet clock: the wrap after 49 days is nothing special") {
  Rig rig;
  std::uint32_t last = rig.look();
  for (int i = 0; i < 60 * 24 * 2; ++i) {
    rig.pass(0, 30min);
    const std::uint32_t seen = rig.look();
    CHECK(seen - last == 30 * 60 * 1000);
    last = seen;
  }
}

TEST_CASE("enet clock: a call in the past sees the past, and the next one the present") {
  Rig rig;
  CHECK(rig.look() == kHour);
  rig.pass(5000, 5000ms);
  std::uint32_t seen = 0;
  rig.enet.in_past(kHour + 1, [&] { return seen = kHooks.read(); });
  CHECK(seen == kHour + 1);
  CHECK(rig.look() == kHour + 5000);
}

TEST_CASE("enet clock: one clock leads it at a time") {
  ManualClock first;
  ManualClock second;
  {
    const auto held = EnetClock::share(first, kHooks);
    REQUIRE(held);
    const auto again = EnetClock::share(first, kHooks);
    REQUIRE(again);
    CHECK(*again == *held);
    CHECK(EnetClock::share(second, kHooks).error().code == ErrorCode::clock_mismatch);
  }
  CHECK(EnetClock::share(second, kHooks));
}

}  // namespace
}  // namespace tickwire::test
