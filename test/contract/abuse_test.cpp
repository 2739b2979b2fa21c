// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <tickwire/extension.hpp>

#include "test/support/counting_resource.hpp"
#include "test/support/host_pair.hpp"
#include "test/support/session_traffic.hpp"

/// Programs that do not do what they should, and ends at the worst of times.
using namespace tickwire;
using namespace std::chrono_literals;
using test::CountingResource;
using test::Dice;
using test::HostPair;
using test::LoggedHost;
using test::PairOptions;

namespace {

std::size_t told(const HostPair& pair, EventType type) {
  return pair.client.log.count(type) + pair.server.log.count(type);
}

bool answers_nobody(Connection connection) {
  const auto sent = connection.send_bytes({});
  return !connection.is_open() && !sent && sent.error().code == ErrorCode::not_connected &&
         connection.close() == ErrorCode::not_connected && connection.name().empty() &&
         connection.address() == Address() && connection.stats().packets_received == 0;
}

/// Raises an event of its own for every message, so that those behind it have to wait in the ring.
class Echo final : public Extension {
 public:
  Disposition on_event(Host& host, Event& event) override {
    if (event.type != EventType::data_received) return Disposition::pass;
    Event own;
    own.type = EventType::custom;
    own.connection = event.connection;
    host.raise(std::move(own));
    return Disposition::pass;
  }
};

}  // namespace

CONTRACT_CASE(
    "a program that does not poll for nearly the idle time-out loses nobody and nothing") {
  HostPair pair(scheme);
  pair.connect();
  const Duration stall = HostConfig().timeouts.idle - 1s;
  std::size_t sent = 0;
  const auto talk = [&](Connection from) {
    for (int i = 0; i < 3; ++i) {
      REQUIRE(test::send_text(from, "word " + std::to_string(sent++)));
      REQUIRE(from.send_bytes({}, test::with(Delivery::unreliable)));
    }
  };
  for (LoggedHost* sleeper : {&pair.server, &pair.client}) {
    sleeper->awake = false;
    const Connection speaker = sleeper == &pair.server ? pair.caller : pair.callee;
    for (Duration past{}; past < stall; past += 20ms) {
      if (past % 500ms == 0ms) talk(speaker);
      pair.step(20ms);
    }
    sleeper->awake = true;
    pair.run(2s, 10ms);
  }
  // The lid of the laptop with both of them is shut.
  talk(pair.caller);
  pair.clock.advance(stall);
  talk(pair.callee);
  pair.run(2s, 10ms);
  REQUIRE(pair.until([&] {
    return pair.server.log.count(EventType::object_received) +
               pair.client.log.count(EventType::object_received) ==
           sent;
  }));
  CHECK(told(pair, EventType::disconnected) == 0);
  CHECK(pair.caller.is_open());
  CHECK(pair.callee.is_open());
}

CONTRACT_CASE("rings of one event delay everything and lose nothing") {
  PairOptions options;
  options.server.event_capacity = 1;
  options.client.event_capacity = 1;
  options.server.max_events_per_pass = 7;
  Echo echo;
  HostPair pair(scheme, std::move(options));
  pair.server->attach(echo);
  std::vector<Connection> callers;
  for (int i = 0; i < 4; ++i) {
    pair.connect();
    callers.push_back(pair.caller);
  }
  for (int i = 0; i < 200; ++i) {
    const std::string text = std::to_string(i);
    for (const Connection& caller : callers)
      REQUIRE(caller.send_bytes(std::as_bytes(std::span(text))));
    if (i % 10 == 0) pair.step();
  }
  for (const Connection& caller : callers)
    CHECK(caller.close() == ErrorCode::none);
  REQUIRE(pair.until([&] { return told(pair, EventType::disconnected) == 8; }));
  CHECK(pair.server.log.count(EventType::data_received) == 800);
  CHECK(pair.server.log.count(EventType::custom) == 800);
  CHECK(pair.client.log.count(EventType::data_sent) == 800);
  for (const Connection& each : pair.server->connections())
    CHECK_FALSE(each.is_open());
}

CONTRACT_CASE("full queues of many connections are bounded, and all that was taken arrives") {
  CountingResource memory;
  PairOptions options;
  options.client.limits.max_message_bytes = 60'000;
  options.client.limits.max_send_queue_bytes = 100'000;
  options.server.limits.receive_window_bytes = 128 * 1024;
  options.client.memory = &memory;
  constexpr std::size_t count = 8;
  HostPair pair(scheme, std::move(options));
  std::vector<Connection> callers;
  for (std::size_t i = 0; i < count; ++i) {
    pair.connect();
    callers.push_back(pair.caller);
  }
  pair.run(100ms);
  pair.server.awake = false;
  Dice dice(1);
  std::size_t taken = 0;
  std::size_t refused = 0;
  for (int round = 0; round < 300; ++round) {
    for (const Connection& each : callers) {
      const std::size_t before = each.stats().queued_bytes;
      if (test::send_text(each, std::string(dice.between(1, 5000), 'x'))) {
        ++taken;
        continue;
      }
      ++refused;
      CHECK(each.stats().queued_bytes == before);
      CHECK(each.stats().queued_bytes <= 100'000);
    }
    pair.step();
  }
  CHECK(refused > 100 * count);
  // Queues, what the window lets out, and twice as much for what holds them.
  CHECK(memory.bytes_out() < count * 3 * (100'000 + 128 * 1024) + 1024 * 1024);
  pair.server.awake = true;
  REQUIRE(pair.until([&] { return pair.server.log.messages() == taken; }));
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::data_sent) == taken; }));
  // Once for each, and again where a queue was filled again after that.
  CHECK(pair.client.log.count(EventType::writable) >= count);
  CHECK(pair.client.log.count(EventType::writable) <= refused);
  CHECK(told(pair, EventType::disconnected) == 0);
}

CONTRACT_CASE("a thousand connections that are killed leave all 32 places free") {
  constexpr std::size_t places = 32;
  CountingResource memory;
  PairOptions options;
  options.server.memory = &memory;
  options.server.limits.max_connections = places;
  options.server.timeouts.linger = 500ms;
  HostPair pair(scheme, std::move(options));
  Dice dice(5);
  std::vector<Connection> stale;
  std::size_t memory_early = 0;
  for (int batch = 0; batch < 32; ++batch) {
    INFO("batch ", batch);
    LoggedHost& killed = pair.add();
    std::vector<Connection> callers;
    for (std::size_t i = 0; i < places; ++i) {
      const auto dialled = killed->connect(pair.address.to_string());
      REQUIRE(dialled);
      callers.push_back(*dialled);
    }
    const bool all_come_up = batch % 4 == 3;
    if (all_come_up) {
      REQUIRE(pair.until([&] { return pair.server->connections().size() == places; }));
    } else {
      pair.run(Duration(1ms) * dice.below(8));
    }
    for (const Connection& each : pair.server->connections()) {
      stale.push_back(each);
      CHECK(test::send_text(each, test::pattern(dice.below(20'000))));
      if (dice.one_in(3)) CHECK(each.close() == ErrorCode::none);
    }
    for (const Connection& each : callers) {
      if (each.is_open()) CHECK(test::send_text(each, test::pattern(dice.below(20'000))));
      if (dice.one_in(3)) static_cast<void>(each.close());
    }
    pair.run(Duration(1ms) * dice.below(3));
    killed.host.reset();
    const auto is_empty = [&] {
      return pair.server->connections().empty() &&
             pair.server.log.count(EventType::connected) ==
                 pair.server.log.count(EventType::disconnected);
    };
    REQUIRE(pair.until(is_empty, 20ms));
    pair.run(6s, 100ms);  // calls that never came through
    pair.hosts.pop_back();
    if (batch == 7) memory_early = memory.bytes_out();
  }
  CHECK(memory.bytes_out() <= memory_early + memory_early / 2);
  CHECK(stale.size() > 100);
  CHECK(std::all_of(stale.begin(), stale.end(), answers_nobody));
  for (std::size_t i = 0; i < places; ++i)
    pair.connect();
  CHECK(pair.server->connections().size() == places);
  CHECK(std::all_of(stale.begin(), stale.end(), answers_nobody));
  pair.server.host.reset();
  CHECK(memory.bytes_out() == 0);
}

CONTRACT_CASE("a host may be destroyed with everything in flight") {
  for (std::uint64_t seed = 1; seed <= (scheme.has_ports ? 10u : 60u); ++seed) {
    INFO("seed ", seed);
    CountingResource memory;
    Dice dice(seed);
    PairOptions options;
    options.network.delay = Duration(1ms) * dice.below(3);
    options.client.memory = &memory;
    options.client.timeouts.resume_window = 5s;
    options.client.resume_over = ResumeOver::any;
    options.server.timeouts.resume_window = 5s;
    options.server.resume_over = ResumeOver::any;
    HostPair pair(scheme, std::move(options));
    std::optional<Event> kept;
    for (int i = 0; i < 6; ++i) {
      pair.connect();
      CHECK(test::send_text(pair.callee, test::pattern(30'000)));
      CHECK(test::send_text(pair.caller, test::pattern(dice.below(300'000))));
      if (i == 1) CHECK(pair.caller.close() == ErrorCode::none);
      if (i == 2) CHECK(pair.callee.close() == ErrorCode::none);
    }
    pair.network->sever_all();  // where it is memory: interrupted now
    if (dice.one_in(2)) pair.run(Duration(1ms) * dice.below(4));
    ConnectOptions stubborn;
    stubborn.reconnect = ReconnectPolicy{};
    for (const auto& each : {ConnectOptions(), stubborn}) {
      REQUIRE(pair.client->connect(pair.address.to_string(), each));
      Address nowhere = pair.address;
      if (scheme.has_ports) {
        nowhere.port = 9;
      } else {
        nowhere.host = "nowhere";
      }
      REQUIRE(pair.client->connect(nowhere.to_string(), each));
      Address named = pair.address;
      if (scheme.has_ports) named.host = "localhost";
      REQUIRE(pair.client->connect(named.to_string(), each));
      if (dice.one_in(2)) pair.run(Duration(1ms) * dice.below(4));
    }
    while (auto event = pair.client->poll()) {
      pair.client.log.add(*event);
      if (!event->bytes().empty()) kept = std::move(event);
    }
    pair.client.host.reset();
    if (!kept) CHECK(memory.bytes_out() == 0);
    kept.reset();
    CHECK(memory.bytes_out() == 0);
    REQUIRE(pair.until(
        [&] {
          return pair.server->connections().empty() &&
                 pair.server.log.count(EventType::connected) ==
                     pair.server.log.count(EventType::disconnected);
        },
        20ms));
  }
}
