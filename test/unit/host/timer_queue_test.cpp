// SPDX-License-Identifier: MIT
#include "lib/host/timer_queue.hpp"

#include <map>
#include <random>
#include <vector>

#include <doctest/doctest.h>

using namespace tickwire;
using namespace tickwire::detail;

namespace {

TimePoint at(int milliseconds) {
  return TimePoint(std::chrono::milliseconds(milliseconds));
}

}  // namespace

TEST_CASE("a timer queue hands out what is due, the earliest first") {
  TimerQueue queue;
  CHECK_FALSE(queue.next());
  queue.set(at(30), 3);
  queue.set(at(10), 1);
  queue.set(at(20), 2);
  CHECK_FALSE(queue.pop(at(9)));
  for (const std::uint32_t slot : {1u, 2u}) {
    const auto due = queue.pop(at(29));
    REQUIRE(due);
    CHECK(due->slot == slot);
  }
  CHECK_FALSE(queue.pop(at(29)));
  REQUIRE(queue.next());
  CHECK(*queue.next() == at(30));
}

TEST_CASE("a timer queue keeps one time for each slot, and none for one that is gone") {
  TimerQueue queue;
  for (int i = 1000; i > 0; --i)
    queue.set(at(i), 7);
  queue.set(at(5), 8);
  REQUIRE(queue.pop(at(2000)));
  CHECK(queue.next() == at(5));
  queue.remove(8);
  queue.remove(8);
  queue.remove(1000);
  CHECK_FALSE(queue.next());
  queue.set(at(1), 7);
  queue.set(at(9), 7);
  CHECK(queue.next() == at(9));
}

TEST_CASE("a timer queue does as a sorted list would") {
  std::mt19937 random(1);
  TimerQueue queue;
  std::map<std::uint32_t, TimePoint> list;
  for (int step = 0; step < 20'000; ++step) {
    const auto slot = static_cast<std::uint32_t>(random() % 40);
    const TimePoint when = at(static_cast<int>(random() % 1000));
    switch (random() % 4) {
      case 0:
        queue.remove(slot);
        list.erase(slot);
        break;
      case 1: {
        const auto due = queue.pop(when);
        if (!due) {
          for (const auto& each : list)
            REQUIRE(each.second > when);
          break;
        }
        REQUIRE(due->when <= when);
        REQUIRE(list.at(due->slot) == due->when);
        for (const auto& each : list)
          REQUIRE(each.second >= due->when);
        list.erase(due->slot);
        break;
      }
      default:
        queue.set(when, slot);
        list[slot] = when;
    }
    REQUIRE(queue.next().has_value() == !list.empty());
  }
}
