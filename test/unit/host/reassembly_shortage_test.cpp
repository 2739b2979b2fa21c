// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "test/support/host_pair.hpp"

/// Memory for large messages, when there is not enough for all.
using namespace tickwire;
using namespace std::chrono_literals;
using test::HostPair;
using test::PairOptions;

namespace {

PairOptions scarce() {
  PairOptions options;
  options.server.limits.max_message_bytes = 2 * 1024 * 1024;
  options.server.limits.max_reassembly_bytes = 3 * 1024 * 1024;
  options.server.limits.max_host_reassembly_bytes = 3 * 1024 * 1024;
  return options;
}

}  // namespace

TEST_CASE("who begins a large message and stops keeps the memory only until others want it") {
  PairOptions options = scarce();
  options.client.channels[1].priority = 1;
  options.network.bandwidth_bytes_per_second = 200'000;
  HostPair pair(test::memory_scheme(), std::move(options));
  pair.connect();
  const std::string large = test::pattern(2'000'000);
  REQUIRE(test::send_text(pair.caller, large));
  pair.run(1s);
  // It goes on talking, and says everything else first.
  const auto chatter = [&] {
    while (pair.caller.stats().queued_bytes < 2'500'000) {
      if (!test::send_text(pair.caller, std::string(1000, 'x'), test::on_channel(1))) break;
    }
  };
  auto& honest = pair.add();
  const Connection second = pair.connect(honest);
  REQUIRE(test::send_text(second, large));
  const TimePoint begin = pair.clock.now();
  REQUIRE(pair.until(
      [&] {
        chatter();
        return pair.server.log.count(EventType::disconnected) == 1;
      },
      5ms));
  CHECK(pair.clock.now() - begin >= 30s);
  CHECK(pair.clock.now() - begin <= 61s);
  CHECK(pair.server.log.last(EventType::disconnected).connection == pair.callee);
  CHECK(pair.server.log.last(EventType::disconnected).error.code == ErrorCode::protocol_violation);
  REQUIRE(pair.until([&] { return pair.server.log.texts_on(0).size() == 1; }, 5ms));
  CHECK(pair.server.log.texts_on(0).front() == large);
  CHECK(second.is_open());
}

TEST_CASE("large messages that go on, however many want the memory, all arrive") {
  PairOptions options = scarce();
  options.network.bandwidth_bytes_per_second = 100'000;  // 20 s for each
  HostPair pair(test::memory_scheme(), std::move(options));
  pair.connect();
  auto& other = pair.add();
  const Connection second = pair.connect(other);
  const std::string large = test::pattern(2'000'000);
  REQUIRE(test::send_text(pair.caller, large));
  REQUIRE(test::send_text(second, large));
  REQUIRE(pair.until([&] { return pair.server.log.messages() == 2; }, 5ms));
  CHECK(pair.server.log.count(EventType::disconnected) == 0);
}
