// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <vector>

#include "test/support/host_pair.hpp"

/// Raw streams between two hosts.
using namespace tickwire;
using namespace std::chrono_literals;
using test::HostPair;
using test::PairOptions;

namespace {

constexpr std::byte kBytes[] = {std::byte{1}, std::byte{2}, std::byte{3}};

Connection call_raw(HostPair& pair) {
  const auto bound = pair.server->listen("raw+tcp://127.0.0.1:0");
  REQUIRE(bound);
  const auto called = pair.client->connect(bound->to_string());
  REQUIRE(called);
  return *called;
}

}  // namespace

TEST_CASE("an empty send on a raw stream gets its receipt, and what follows arrives") {
  HostPair pair(test::memory_scheme());
  const Connection caller = call_raw(pair);
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::connected) == 1; }));
  REQUIRE(caller.send_bytes(std::span<const std::byte>()));
  pair.run(5ms);
  REQUIRE(caller.send_bytes(kBytes));
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::data_received) == 1; }));
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::data_sent) == 2; }));
}

TEST_CASE("a raw caller whose judgement throws is nobody's connection, and the next one comes in") {
  PairOptions options;
  bool throws = true;
  options.server.authenticate = [&](const ConnectionRequest&) -> Result<void> {
    if (throws) throw std::runtime_error("no judgement");
    return {};
  };
  HostPair pair(test::memory_scheme(), options);
  const Connection caller = call_raw(pair);
  CHECK_THROWS_AS(pair.run(1s), std::runtime_error);
  CHECK(pair.server->connections().empty());
  static_cast<void>(caller.send_bytes(kBytes));
  throws = false;
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::disconnected) == 1; }));
  CHECK(pair.server.log.count(EventType::connected) == 0);
  const Connection next = call_raw(pair);
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::connected) == 2; }));
  REQUIRE(next.send_bytes(kBytes));
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::data_received) == 1; }));
}

TEST_CASE("a raw call takes no ticket, and who is asked about it sees nobody's connection") {
  std::vector<ConnectionRequest> asked;
  PairOptions options;
  options.server.authenticate = [&](const ConnectionRequest& request) -> Result<void> {
    asked.push_back(request);
    return {};
  };
  HostPair pair(test::memory_scheme(), options);
  ConnectOptions shown;
  shown.ticket.resize(1);
  const auto refused = pair.client->connect("raw+tcp://127.0.0.1:1", shown);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::not_supported);
  static_cast<void>(call_raw(pair));
  REQUIRE(pair.until([&] { return asked.size() == 1; }));
  CHECK(asked.front().connection == Connection());
}

TEST_CASE("a raw connection that is closed while it comes up ends, and stays ended") {
  HostPair pair(test::memory_scheme());
  const Connection caller = call_raw(pair);
  pair.client.poll();
  CHECK(caller.close() == ErrorCode::none);
  pair.run(200ms);
  CHECK(pair.client->connections().empty());
  CHECK(pair.server->connections().empty());
  CHECK(pair.client.log.count(EventType::connected) + pair.client.log.count(EventType::error) <= 1);
  CHECK(pair.client.log.count(EventType::data_received) == 0);
}
