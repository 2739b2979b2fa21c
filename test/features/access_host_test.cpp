// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <string>

#include <tickwire/access_list.hpp>

#include "test/support/host_pair.hpp"

/// Whom a host keeps out, over every transport.
using namespace tickwire;
using namespace std::chrono_literals;
using test::HostPair;

namespace {

/// A pair whose server keeps a list, which lives by the pair's clock.
struct Guarded {
  explicit Guarded(const test::Scheme& scheme) : pair(scheme, options()) {}

  test::PairOptions options() {
    auto opened = AccessList::open({.now = [this] { return now; }});
    REQUIRE(opened);
    list = *opened;
    test::PairOptions result;
    result.server.access = list;
    return result;
  }
  /// A call that is turned away before it costs anything.
  void check_kept_out() {
    const HostStats before = pair.server->stats();
    const std::size_t errors = pair.client.log.count(EventType::error);
    const auto dialled = pair.client->connect(pair.address.to_string());
    REQUIRE(dialled);
    REQUIRE(pair.until([&] { return pair.client.log.count(EventType::error) > errors; }));
    const HostStats after = pair.server->stats();
    CHECK(after.refused_access > before.refused_access);
    CHECK(after.handshakes_failed == before.handshakes_failed);
    CHECK(after.handshakes_refused == before.handshakes_refused);
    CHECK(after.accepted == before.accepted);
  }

  AccessList::Time now = std::chrono::sys_days{std::chrono::year{2026} / 5 / 4};
  std::shared_ptr<AccessList> list;
  HostPair pair;
};

}  // namespace

CONTRACT_CASE("who is blacklisted is closed, kept out for the time, and let in after it") {
  Guarded guarded(scheme);
  HostPair& pair = guarded.pair;
  pair.connect();
  REQUIRE(pair.callee.blacklist(10min) == ErrorCode::none);
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::disconnected) == 1; }));
  CHECK(pair.client.log.last(EventType::disconnected).error.code == ErrorCode::closed_by_peer);
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::disconnected) == 1; }));
  CHECK(pair.callee.blacklist() == ErrorCode::not_connected);
  guarded.check_kept_out();
  guarded.now += 10min;
  pair.connect();
  CHECK(pair.caller.is_open());
}

CONTRACT_CASE("an address that is taken off the list may call again") {
  Guarded guarded(scheme);
  const std::string who = scheme.has_ports ? "127.0.0.0/8" : "memory://host-2";
  if (!scheme.has_ports) {  // the name is the network's choice
    guarded.pair.connect();
    const std::string name = "memory://" + guarded.pair.callee.address().host;
    REQUIRE(guarded.list->refuse(name));
    guarded.check_kept_out();
    CHECK(*guarded.list->remove(name));
  } else {
    REQUIRE(guarded.list->refuse(who));
    guarded.check_kept_out();
    CHECK(*guarded.list->remove(who));
  }
  guarded.pair.connect();
}

CONTRACT_CASE("without a list nothing is blacklisted, and the connection stays") {
  HostPair pair(scheme);
  pair.connect();
  CHECK(pair.callee.blacklist() == ErrorCode::not_supported);
  CHECK(Connection().blacklist() == ErrorCode::not_connected);
  pair.run(20ms);
  CHECK(pair.callee.is_open());
}

TEST_CASE("a full list blacklists nobody, and the connection stays") {
  test::PairOptions options;
  auto opened = AccessList::open({.max_entries = 1});
  REQUIRE(opened);
  options.server.access = *opened;
  REQUIRE((*opened)->refuse("192.0.2.1"));
  HostPair pair(test::memory_scheme(), std::move(options));
  pair.connect();
  CHECK(pair.callee.blacklist() == ErrorCode::out_of_resources);
  CHECK(pair.callee.is_open());
}

TEST_CASE("of an IPv6 caller the first 64 bits are refused") {
  test::PairOptions options;
  auto opened = AccessList::open();
  REQUIRE(opened);
  options.server.access = *opened;
  HostPair pair(test::schemes()[2], std::move(options));
  const auto bound = pair.server->listen("tcp://[::1]:0");
  if (!bound) return;  // a machine without IPv6
  const auto dialled = pair.client->connect(bound->to_string());
  REQUIRE(dialled);
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::connected) == 1; }));
  REQUIRE(pair.server.log.last(EventType::connected).connection.blacklist() == ErrorCode::none);
  REQUIRE((*opened)->entries().size() == 1);
  CHECK((*opened)->entries()[0].network == "::/64");
  CHECK((*opened)->refuses("::1234"));
  CHECK_FALSE((*opened)->refuses("0:0:0:1::"));
}

TEST_CASE("one list serves several hosts") {
  auto opened = AccessList::open();
  REQUIRE(opened);
  test::PairOptions options;
  options.server.access = *opened;
  HostPair one(test::schemes()[2], options);
  HostPair two(test::schemes()[1], options);
  one.connect();
  two.connect();
  REQUIRE(one.callee.blacklist() == ErrorCode::none);
  const auto dialled = two.client->connect(two.address.to_string());
  REQUIRE(dialled);
  REQUIRE(two.until([&] { return two.client.log.count(EventType::error) == 1; }));
  CHECK(two.server->stats().refused_access > 0);
  CHECK(two.callee.is_open());  // those who are in stay
}
