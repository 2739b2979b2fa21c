// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "test/support/host_pair.hpp"

/// How often one address may come in, over every transport that has addresses.
using namespace tickwire;
using namespace std::chrono_literals;
using test::HostPair;

namespace {

const test::Scheme& scheme_named(const std::string& name) {
  const auto all = test::schemes();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.name == name; });
  REQUIRE(found != all.end());
  return *found;
}

test::PairOptions once_a_second() {
  test::PairOptions options;
  options.server.limits.max_connects_per_address_per_second = 1;
  return options;
}

/// Waits for the end of a call that was turned away.
void check_cut_off(HostPair& pair, const std::string& url) {
  const std::size_t before = pair.client.log.count(EventType::error);
  const auto dialled = pair.client->connect(url);
  REQUIRE(dialled);
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::error) == before + 1; }));
  CHECK_FALSE(dialled->is_open());
}

}  // namespace

TEST_CASE("tcp: callers of one address beyond its rate are cut off and counted") {
  HostPair pair(scheme_named("tcp"), once_a_second());
  for (int i = 0; i < 4; ++i)
    pair.connect();
  check_cut_off(pair, pair.address.to_string());
  const HostStats stats = pair.server->stats();
  CHECK(stats.refused_rate == 1);
  CHECK(stats.accepted == 4);
  CHECK(stats.handshakes_failed == 0);
  CHECK(stats.open_connections == 4);
  pair.run(1s);
  pair.connect();
  CHECK(pair.server->stats().refused_rate == 1);
}

TEST_CASE("enet: callers of one address beyond its rate wait until they are let in") {
  HostPair pair(scheme_named("enet"), once_a_second());
  for (int i = 0; i < 4; ++i)
    pair.connect();
  const TimePoint full = pair.clock.now();
  pair.connect();  // ENet repeats its CONNECT
  CHECK(pair.clock.now() - full > 500ms);
  CHECK(pair.clock.now() - full < 2s);
  const HostStats stats = pair.server->stats();
  CHECK(stats.refused_rate >= 1);
  CHECK(stats.accepted == 5);
  CHECK(stats.bad_cookies == 0);
}

TEST_CASE("one address has one rate for all transports together") {
  HostPair pair(scheme_named("enet"), once_a_second());
  const auto tcp = pair.server->listen("tcp://127.0.0.1:0");
  REQUIRE(tcp);
  for (int i = 0; i < 4; ++i)
    pair.connect();
  check_cut_off(pair, tcp->to_string());
  CHECK(pair.server->stats().refused_rate == 1);
}

TEST_CASE("without a rate an address comes as often as it likes") {
  for (const char* name : {"enet", "tcp"}) {
    HostPair pair(scheme_named(name));
    for (int i = 0; i < 40; ++i)
      pair.connect();
    CHECK(pair.server->stats().refused_rate == 0);
  }
}
