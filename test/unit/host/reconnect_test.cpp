// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <limits>
#include <string>

#include "lib/host/redial.hpp"
#include "test/support/host_pair.hpp"

/// Diallers that try again.
using namespace tickwire;
using namespace std::chrono_literals;
using test::HostPair;

namespace {

ConnectOptions trying(std::size_t attempts) {
  ConnectOptions options;
  options.name = "tireless";
  options.user_data = 7;
  options.reconnect = ReconnectPolicy{.max_attempts = attempts, .first_delay = 100ms};
  return options;
}

}  // namespace

TEST_CASE("delays double up to their limit, and are shortened by at most the share allowed") {
  ReconnectPolicy policy{.first_delay = 100ms, .max_delay = 1s, .jitter_ratio = 0.5};
  CHECK(detail::redial_delay(policy, 0, 0) == 100ms);
  CHECK(detail::redial_delay(policy, 1, 0) == 200ms);
  CHECK(detail::redial_delay(policy, 3, 0) == 800ms);
  CHECK(detail::redial_delay(policy, 4, 0) == 1s);
  CHECK(detail::redial_delay(policy, 1'000'000, 0) == 1s);
  CHECK(detail::redial_delay(policy, 4, 1) == 500ms);
  policy.first_delay = 0s;
  CHECK(detail::redial_delay(policy, 9, 1) == 0s);
}

TEST_CASE("a call that finds nobody is made again under the same handle until somebody is there") {
  HostPair pair(test::memory_scheme());
  const auto dialled = pair.client->connect("memory://later", trying(10));
  REQUIRE(dialled);
  pair.run(300ms);
  CHECK(pair.client.log.all().empty());
  REQUIRE(pair.server->listen("memory://later"));
  REQUIRE(pair.until([&] { return dialled->is_open(); }));
  CHECK(pair.client.log.count(EventType::connected, *dialled) == 1);
  CHECK(pair.client.log.count(EventType::error) == 0);
  REQUIRE(pair.until([&] { return pair.server->is_connected(); }));
  CHECK(pair.server->connections().front().name() == "tireless");
}

TEST_CASE("after the last attempt there is exactly one error") {
  HostPair pair(test::memory_scheme());
  const auto dialled = pair.client->connect("memory://nowhere", trying(3));
  REQUIRE(dialled);
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::error) == 1; }));
  CHECK(pair.client.log.last(EventType::error).error.code == ErrorCode::connection_refused);
  pair.run(5s);
  CHECK(pair.client.log.all().size() == 1);
}

TEST_CASE("who has closed calls no more, whatever had not been handed out by then") {
  HostPair pair(test::memory_scheme());
  SUBCASE("a call that has failed") {
    const auto dialled = pair.client->connect("memory://nowhere", trying(1000));
    REQUIRE(dialled);
    pair.run(300ms);
    CHECK(pair.client.log.all().empty());
    static_cast<void>(dialled->close());
    pair.run(10s, 10ms);
    CHECK(pair.client.log.count(EventType::error) == 1);
  }
  SUBCASE("connections that are lost in one pass") {
    pair.connect(trying(3));
    REQUIRE(pair.client->connect(pair.address.to_string(), trying(3)));
    REQUIRE(pair.until([&] { return pair.client.log.count(EventType::connected) == 2; }));
    pair.client.awake = false;
    pair.network->sever_all();
    pair.run(20ms);
    while (true) {
      const auto event = pair.client->poll();
      if (!event) continue;
      if (event->type == EventType::disconnected) break;
    }
    pair.client->close();
    pair.client.awake = true;
    pair.run(10s, 10ms);
    CHECK(pair.client->connections().empty());
    CHECK(pair.server->connections().empty());
  }
}

TEST_CASE("a lost connection ends, and a new handle with the same name and data takes its place") {
  HostPair pair(test::memory_scheme());
  pair.connect(trying(3));
  pair.network->sever_all();
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::connected) == 2; }));
  CHECK(pair.client.log.count(EventType::disconnected, pair.caller) == 1);
  const Connection second = pair.client.log.last(EventType::connected).connection;
  CHECK(second != pair.caller);
  REQUIRE(second.user_data<int>() != nullptr);
  CHECK(*second.user_data<int>() == 7);
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::connected) == 2; }));
  // It may get lost as well.
  pair.network->sever_all();
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::connected) == 3; }));
}

TEST_CASE(
    "a goodbye of either end is none of its business, nor is a refusal that would come again") {
  HostPair pair(test::memory_scheme());
  pair.connect(trying(3));
  SUBCASE("closed here") {
    CHECK(pair.caller.close() == ErrorCode::none);
  }
  SUBCASE("closed there") {
    CHECK(pair.callee.close() == ErrorCode::none);
  }
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::disconnected) == 1; }));
  pair.run(5s);
  CHECK(pair.client.log.count(EventType::connected) == 1);

  HostConfig config;
  config.application = "another/1";
  auto& stranger = pair.add(config);
  REQUIRE(stranger->connect(pair.address.to_string(), trying(3)));
  REQUIRE(pair.until([&] { return stranger.log.count(EventType::error) == 1; }));
  CHECK(stranger.log.last(EventType::error).error.code == ErrorCode::application_mismatch);
  pair.run(5s);
  CHECK(stranger.log.all().size() == 1);
}

TEST_CASE("a close while another call is due ends in the one error") {
  HostPair pair(test::memory_scheme());
  const auto dialled = pair.client->connect("memory://nowhere", trying(10));
  REQUIRE(dialled);
  pair.run(50ms);
  CHECK(dialled->close() == ErrorCode::none);
  pair.run(5s);
  REQUIRE(pair.client.log.all().size() == 1);
  CHECK(pair.client.log.last(EventType::error).error.code == ErrorCode::closed_locally);
}

TEST_CASE("a policy that makes no sense is refused with the name of its field") {
  HostPair pair(test::memory_scheme());
  ConnectOptions options = trying(3);
  std::string field;
  SUBCASE("first_delay") {
    field = "first_delay";
    options.reconnect->first_delay = -1s;
  }
  SUBCASE("max_delay") {
    field = "max_delay";
    options.reconnect->max_delay = 1ms;
  }
  SUBCASE("jitter_ratio") {
    field = "jitter_ratio";
    options.reconnect->jitter_ratio = std::numeric_limits<double>::quiet_NaN();
  }
  const auto dialled = pair.client->connect(pair.address.to_string(), options);
  REQUIRE_FALSE(dialled);
  CHECK(dialled.error().code == ErrorCode::invalid_argument);
  CHECK(dialled.error().message().find(field) != std::string::npos);
}
