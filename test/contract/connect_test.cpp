// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "test/support/host_pair.hpp"

/// How connections come to be, and how they fail to.
using namespace tickwire;
using namespace std::chrono_literals;
using test::HostPair;

CONTRACT_CASE("both ends come up and say so once") {
  HostPair pair(scheme);
  pair.connect();
  pair.run(50ms);
  CHECK(pair.client.log.count(EventType::connected) == 1);
  CHECK(pair.server.log.count(EventType::connected) == 1);
  CHECK(pair.caller.is_open());
  CHECK(pair.callee.is_open());
  CHECK(pair.caller.direction() == Direction::dialled);
  CHECK(pair.callee.direction() == Direction::accepted);
  CHECK(pair.client->is_connected());
  CHECK(pair.client->connections() == std::vector<Connection>{pair.caller});
  CHECK(pair.server->connections() == std::vector<Connection>{pair.callee});
  CHECK(pair.client->stats().dialled == 1);
  CHECK(pair.server->stats().accepted == 1);
  CHECK(pair.server->stats().open_connections == 1);
}

CONTRACT_CASE("before it is up a connection is not open and takes no messages") {
  HostPair pair(scheme);
  const auto dialled = pair.client->connect(pair.address.to_string());
  REQUIRE(dialled);
  CHECK_FALSE(dialled->is_open());
  CHECK(pair.client->connections().empty());
  const auto sent = dialled->send_bytes({});
  REQUIRE_FALSE(sent);
  CHECK(sent.error().code == ErrorCode::not_connected);
}

CONTRACT_CASE("both ends know the name that the dialling one gave, and where the other is") {
  HostPair pair(scheme);
  ConnectOptions options;
  options.name = "Ann \xc3\xa9";
  pair.connect(options);
  CHECK(pair.caller.name() == options.name);
  CHECK(pair.callee.name() == options.name);
  CHECK(pair.caller.address() == pair.address);
  CHECK(pair.callee.address().scheme == scheme.name);
  CHECK_FALSE(pair.callee.address().host.empty());
  CHECK((pair.callee.address().port != 0) == scheme.has_ports);
}

CONTRACT_CASE("user data comes with the call and can be changed on either end") {
  HostPair pair(scheme);
  ConnectOptions options;
  options.user_data = std::string("player one");
  pair.connect(options);
  REQUIRE(pair.caller.user_data<std::string>() != nullptr);
  CHECK(*pair.caller.user_data<std::string>() == "player one");
  CHECK(pair.caller.user_data<int>() == nullptr);
  CHECK(pair.callee.user_data<int>() == nullptr);
  CHECK(pair.callee.set_user_data(7) == ErrorCode::none);
  CHECK(*pair.callee.user_data<int>() == 7);
}

CONTRACT_CASE("a call that nobody answers ends in one error that names the address") {
  HostPair pair(scheme);
  pair.server->close();
  const std::string url = pair.address.to_string();
  pair.server.host.reset();
  const auto dialled = pair.client->connect(url);
  REQUIRE(dialled);
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::error) > 0; }));
  pair.run(50ms);
  REQUIRE(pair.client.log.all().size() == 1);
  const test::Told& told = pair.client.log.all().front();
  CHECK(told.connection == *dialled);
  CHECK(told.error.code == scheme.nobody_there);
  CHECK(told.error.message().find(url) != std::string::npos);
}

CONTRACT_CASE("a call has the time that it is given, and no more") {
  HostPair pair(scheme);
  pair.server.awake = false;
  ConnectOptions options;
  options.timeout = 700ms;
  const TimePoint began = pair.clock.now();
  REQUIRE(pair.client->connect(pair.address.to_string(), options));
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::error) > 0; }));
  CHECK(pair.clock.now() - began >= 700ms);
  CHECK(pair.clock.now() - began < 750ms);
  const ErrorCode code = pair.client.log.last(EventType::error).error.code;
  CHECK((code == ErrorCode::connect_timed_out || code == ErrorCode::handshake_timed_out));
}

CONTRACT_CASE("a connection that is closed before it is up ends in one error") {
  HostPair pair(scheme);
  const auto dialled = pair.client->connect(pair.address.to_string());
  REQUIRE(dialled);
  CHECK(dialled->close() == ErrorCode::none);
  pair.run(100ms);
  REQUIRE(pair.client.log.all().size() == 1);
  CHECK(pair.client.log.last(EventType::error).error.code == ErrorCode::closed_locally);
  CHECK(pair.server.log.all().empty());
  CHECK(dialled->close() == ErrorCode::not_connected);
}

CONTRACT_CASE("a host may call itself") {
  HostPair pair(scheme);
  const auto dialled = pair.server->connect(pair.address.to_string());
  REQUIRE(dialled);
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::connected) == 2; }));
  REQUIRE(test::send_text(*dialled, "hello, me"));
  REQUIRE(pair.until([&] { return pair.server.log.messages() == 1; }));
  CHECK(pair.server.log.last(EventType::object_received).text == "hello, me");
  CHECK(pair.server.log.last(EventType::object_received).connection != *dialled);
}

CONTRACT_CASE("an address that is taken is refused by name, and the host goes on") {
  HostPair pair(scheme);
  const auto second = pair.client->listen(pair.address.to_string());
  REQUIRE_FALSE(second);
  CHECK(second.error().code == ErrorCode::address_in_use);
  CHECK(second.error().message().find(pair.address.to_string()) != std::string::npos);
  CHECK(pair.client->listening_addresses().empty());
  pair.connect();
}

CONTRACT_CASE("a host listens at as many addresses as it likes and says where") {
  HostPair pair(scheme);
  const auto second = pair.server->listen(scheme.listen_url(2));
  REQUIRE(second);
  CHECK(*second != pair.address);
  if (scheme.has_ports) CHECK(second->port != 0);
  CHECK(pair.server->listening_addresses() == std::vector<Address>{pair.address, *second});
  pair.connect();
  const auto dialled = pair.client->connect(second->to_string());
  REQUIRE(dialled);
  CHECK(pair.until([&] { return dialled->is_open(); }));
  pair.server->close();
  CHECK(pair.server->listening_addresses().empty());
}

CONTRACT_CASE("after close() a host can listen again at the same place") {
  HostPair pair(scheme);
  pair.connect();
  pair.server->close();
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::disconnected) == 1; }));
  pair.run(100ms);
  const auto again = pair.server->listen(pair.address.to_string());
  if (!again) {
    // A socket may rest a while; a new place must do at once.
    CHECK(again.error().code == ErrorCode::address_in_use);
    const auto other = pair.server->listen(scheme.listen_url(3));
    REQUIRE(other);
    pair.address = *other;
  }
  pair.connect();
  CHECK(pair.server->is_connected());
}

CONTRACT_CASE("what can be known to be wrong is said at once") {
  HostPair pair(scheme);
  const auto code = [&](const std::string& url, const ConnectOptions& options = {}) {
    const auto refused = pair.client->connect(url, options);
    return refused ? ErrorCode::none : refused.error().code;
  };
  CHECK(code("") == ErrorCode::invalid_address);
  CHECK(code(scheme.name) == ErrorCode::invalid_address);
  CHECK(code("gopher://127.0.0.1:1") == ErrorCode::unknown_scheme);
  if (scheme.has_ports) {
    CHECK(code(scheme.name + "://127.0.0.1:0") == ErrorCode::invalid_address);
    CHECK(code(scheme.name + "://127.0.0.1:70000") == ErrorCode::invalid_address);
    CHECK(pair.client->listen(scheme.name + "://no-numbers:0").error().code ==
          ErrorCode::invalid_address);
    CHECK(pair.client->listen(scheme.name + "://192.0.2.1:0").error().code ==
          ErrorCode::address_unavailable);
  }
  ConnectOptions options;
  options.name = std::string(65, 'n');
  CHECK(code(pair.address.to_string(), options) == ErrorCode::invalid_argument);
  options.name.clear();
  for (const Duration timeout : {Duration(0s), Duration(24h + 1ns), Duration::max()}) {
    options.timeout = timeout;
    CHECK(code(pair.address.to_string(), options) == ErrorCode::invalid_argument);
  }
  pair.run(20ms);
  CHECK(pair.client.log.all().empty());
}

CONTRACT_CASE("a host has no more connections than its limit, dialled ones included") {
  test::PairOptions options;
  options.client.limits.max_connections = 2;
  HostPair pair(scheme, std::move(options));
  pair.connect();
  pair.connect();
  const auto third = pair.client->connect(pair.address.to_string());
  REQUIRE_FALSE(third);
  CHECK(third.error().code == ErrorCode::too_many_connections);
  CHECK(pair.caller.close() == ErrorCode::none);
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::disconnected) == 1; }));
  pair.run(10ms);
  pair.connect();
  CHECK(pair.client->connections().size() == 2);
}

CONTRACT_CASE("many connections live side by side, each with messages of its own") {
  constexpr std::size_t count = 64;
  HostPair pair(scheme);
  std::vector<Connection> callers;
  for (std::size_t i = 0; i < count; ++i) {
    ConnectOptions options;
    options.name = "caller " + std::to_string(i);
    auto dialled = pair.client->connect(pair.address.to_string(), options);
    REQUIRE(dialled);
    callers.push_back(*dialled);
  }
  const auto all_up = [&] {
    return pair.client.log.count(EventType::connected) == count &&
           pair.server.log.count(EventType::connected) == count;
  };
  REQUIRE(pair.until(all_up));
  for (const Connection& callee : pair.server->connections())
    REQUIRE(test::send_text(callee, "for " + callee.name()));
  for (const Connection& caller : callers)
    REQUIRE(test::send_text(caller, "from " + caller.name()));
  REQUIRE(pair.until(
      [&] { return pair.client.log.messages() == count && pair.server.log.messages() == count; }));
  for (const Connection& caller : callers)
    CHECK(pair.client.log.texts(caller) == std::vector<std::string>{"for " + caller.name()});
  for (const Connection& callee : pair.server->connections())
    CHECK(pair.server.log.texts(callee) == std::vector<std::string>{"from " + callee.name()});
}

TEST_CASE("the other end's clock is known to 5 ms on a path of 100 ms that varies by 20 ms") {
  const auto network =
      std::make_shared<MemoryNetwork>(7, NetworkConditions{.delay = 80ms, .jitter = 40ms});
  ManualClock here;
  ManualClock there(here.now() + 3h + 123ms);
  HostConfig config;
  config.memory_network = network;
  config.clock = &there;
  Host server(config);
  config.clock = &here;
  Host client(config);
  REQUIRE(server.listen("memory://clocks"));
  const auto caller = client.connect("memory://clocks");
  REQUIRE(caller);
  for (int step = 0; step < 60'000; ++step) {
    while (server.poll()) {
    }
    while (client.poll()) {
    }
    if (step % 1000 == 500 && caller->is_open()) REQUIRE(test::send_text(*caller, "talk"));
    here.advance(1ms);
    there.advance(1ms);
  }
  const auto callees = server.connections();
  REQUIRE(callees.size() == 1);
  REQUIRE(caller->peer_time());
  REQUIRE(callees.front().peer_time());
  CHECK(std::chrono::abs(*caller->peer_time() - there.now()) <= 5ms);
  CHECK(std::chrono::abs(*callees.front().peer_time() - here.now()) <= 5ms);
}

CONTRACT_CASE("each end knows what the other one's clock shows") {
  HostPair pair(scheme);
  pair.connect();
  REQUIRE(pair.until([&] { return pair.caller.peer_time() && pair.callee.peer_time(); }));
  // They share a clock, which moves by a millisecond between passes.
  CHECK(std::chrono::abs(*pair.caller.peer_time() - pair.clock.now()) <= 2ms);
  CHECK(std::chrono::abs(*pair.callee.peer_time() - pair.clock.now()) <= 2ms);
  CHECK_FALSE(Connection().peer_time());
}
