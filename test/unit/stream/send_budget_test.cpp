// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "lib/transport/stream/send_budget.hpp"

namespace tickwire::test {
namespace {

using namespace std::chrono_literals;
using detail::SendBudget;

/// A sender that fills its budget, or says a little, and a way that takes so many bytes a second
/// and acknowledges in steps.
struct Way {
  void run(Duration time) {
    for (const TimePoint end = now + time; now < end; now += 5ms) {
      if (says_bytes == 0) {
        waiting = std::max(waiting, budget.bytes());
        budget.note_full();
      } else {
        waiting += says_bytes;
      }
      arrived += bytes_per_second * 5 / 1000;
      const std::size_t steps = std::min(arrived, waiting) / step_bytes;
      arrived -= steps * step_bytes;
      waiting -= steps * step_bytes;
      drained += steps * step_bytes;
      arrived = std::min(arrived, std::max(waiting, step_bytes));
      budget.update({drained, rtt}, now);
      most = std::max(most, budget.bytes());
    }
  }

  SendBudget budget;
  std::size_t bytes_per_second = 0;
  std::size_t step_bytes = 100;
  Duration rtt{};
  std::size_t says_bytes = 0;  // each 5 ms; 0: all that there is room for
  TimePoint now{1h};
  std::uint64_t drained = 0;
  std::size_t arrived = 0;
  std::size_t waiting = 0;
  std::size_t most = 0;
};

TEST_CASE("send budget: on a slow way it holds a tenth of a second, and never grows meanwhile") {
  for (const std::size_t rate :
       {std::size_t{128'000}, std::size_t{256'000}, std::size_t{400'000}}) {
    CAPTURE(rate);
    Way way;
    way.bytes_per_second = rate;
    way.run(5s);
    CHECK(way.most == SendBudget::kFirstBytes);
    CHECK(way.budget.bytes() >= rate / 10 * 9 / 10);
    CHECK(way.budget.bytes() <= rate / 10 * 5 / 4);
  }
}

TEST_CASE("send budget: however slow the way, some kilobytes may wait") {
  Way way;
  way.bytes_per_second = 1000;
  way.run(30s);
  CHECK(way.budget.bytes() == SendBudget::kLeastBytes);
  way.bytes_per_second = 0;
  way.run(30s);
  CHECK(way.budget.bytes() == SendBudget::kLeastBytes);
}

TEST_CASE("send budget: acknowledgements in large steps do not pass for a fast way") {
  Way way;
  way.bytes_per_second = 64'000;
  way.step_bytes = 16 * 1024;
  way.run(5s);
  way.most = 0;
  way.run(20s);
  CHECK(way.most <= 32 * 1024);
}

TEST_CASE("send budget: a fast way has no limit before long") {
  Way way;
  way.bytes_per_second = 1'000'000'000;
  way.run(100ms);
  CHECK_FALSE(way.budget.has_limit());
  way.run(1s);
  CHECK_FALSE(way.budget.has_limit());
}

TEST_CASE("send budget: a long way is kept full") {
  Way way;
  way.rtt = 200ms;
  way.bytes_per_second = 2'000'000;
  way.run(5s);
  CHECK(way.budget.bytes() >= way.bytes_per_second / 5);
  CHECK(way.budget.bytes() <= way.bytes_per_second * 5 / 8);
}

TEST_CASE("send budget: who says little does not show how little the way takes") {
  Way way;
  way.bytes_per_second = 2'000'000;
  way.says_bytes = 100;
  way.run(20s);
  CHECK(way.budget.bytes() == SendBudget::kFirstBytes);
}

TEST_CASE("send budget: after a stall it is open again within half a second") {
  Way way;
  way.bytes_per_second = 2'000'000;
  way.run(5s);
  const std::size_t before = way.budget.bytes();
  way.bytes_per_second = 0;
  way.run(20s);
  CHECK(way.budget.bytes() == SendBudget::kLeastBytes);
  way.bytes_per_second = 2'000'000;
  way.run(500ms);
  CHECK(way.budget.bytes() >= before / 2);
}

TEST_CASE("send budget: a way that becomes slow is noticed, from no limit at all too") {
  Way way;
  way.bytes_per_second = 1'000'000'000;
  way.run(1s);
  REQUIRE_FALSE(way.budget.has_limit());
  way.bytes_per_second = 200'000;
  way.run(10s);
  CHECK(way.budget.bytes() <= 25'000);
}

}  // namespace
}  // namespace tickwire::test
