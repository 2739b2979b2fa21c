// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "test/support/host_pair.hpp"

/// How connections end, whoever ends them.
using namespace tickwire;
using namespace std::chrono_literals;
using test::HostPair;
using test::PairOptions;

namespace {

bool both_down(const HostPair& pair) {
  return pair.client.log.count(EventType::disconnected) == 1 &&
         pair.server.log.count(EventType::disconnected) == 1;
}

}  // namespace

CONTRACT_CASE("a close lets what is queued go out, and the other end is told code and words") {
  HostPair pair(scheme);
  pair.connect();
  const std::string large = test::pattern(3 * 1024 * 1024);
  REQUIRE(pair.caller.send_bytes(std::as_bytes(std::span(large)), test::on_channel(1)));
  for (int i = 0; i < 500; ++i)
    REQUIRE(test::send_text(pair.caller, std::string(1000, 'x')));
  CHECK(pair.caller.close({0x1234, "good night"}) == ErrorCode::none);
  CHECK_FALSE(pair.caller.is_open());
  const auto late = test::send_text(pair.caller, "late");
  REQUIRE_FALSE(late);
  CHECK(late.error().code == ErrorCode::not_connected);
  REQUIRE(pair.until([&] { return both_down(pair); }));
  CHECK(pair.server.log.messages() == 501);
  const Error& there = pair.server.log.last(EventType::disconnected).error;
  CHECK(there.code == ErrorCode::closed_by_peer);
  CHECK(there.system_code == 0x1234);
  CHECK(there.message() == "good night");
  const Error& here = pair.client.log.last(EventType::disconnected).error;
  CHECK(here.code == ErrorCode::closed_locally);
  CHECK(pair.client.log.count(EventType::data_sent) == 501);
  for (const test::Told& told : pair.client.log.all()) {
    if (told.type == EventType::data_sent) CHECK(told.receipt == Receipt::acknowledged);
  }
}

CONTRACT_CASE("the accepting end may close as well, and a long reason is cut") {
  HostPair pair(scheme);
  pair.connect();
  CHECK(pair.callee.close(std::string(1000, 'w')) == ErrorCode::none);
  REQUIRE(pair.until([&] { return both_down(pair); }));
  const Error& there = pair.client.log.last(EventType::disconnected).error;
  CHECK(there.code == ErrorCode::closed_by_peer);
  CHECK(there.detail == std::string(200, 'w'));
}

CONTRACT_CASE("what a terminal would obey is in no name and in no goodbye") {
  HostPair pair(scheme);
  for (const char* name : {"\x1b[2J", "ann\nbob", "ann\xff", "\u202etxt.exe"}) {
    const auto refused = pair.client->connect(pair.address.to_string(), {.name = name});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::invalid_argument);
  }
  pair.connect({.name = "J\u00fcrgen"});
  CHECK(pair.caller.close("\x1b]0;owned\x07\nerror: \xe2\x80\xae\xff") == ErrorCode::none);
  REQUIRE(pair.until([&] { return both_down(pair); }));
  CHECK(pair.server.log.last(EventType::disconnected).error.detail == "?]0;owned??error: ??");
}

CONTRACT_CASE("who is still on the way in when a host closes does not come up") {
  for (int steps = 0; steps < 10; ++steps) {
    CAPTURE(steps);
    HostPair pair(scheme);
    const auto dialled = pair.client->connect(pair.address.to_string());
    REQUIRE(dialled);
    for (int i = 0; i < steps; ++i)
      pair.step();
    const std::size_t came_up = pair.server.log.count(EventType::connected);
    pair.server->close();
    REQUIRE(pair.until([&] {
      return pair.client.log.count(EventType::error) +
                 pair.client.log.count(EventType::disconnected) ==
             1;
    }));
    pair.run(1s);
    CHECK(pair.server.log.count(EventType::connected) == came_up);
    CHECK(pair.server.log.count(EventType::disconnected) == came_up);
    CHECK(pair.server->connections().empty());
    CHECK(pair.server->listening_addresses().empty());
    // A further listen lets others in.
    const auto again = pair.server->listen(scheme.listen_url(3));
    REQUIRE(again);
    pair.address = *again;
    pair.connect(pair.client);
    REQUIRE(pair.until([&] { return pair.server->connections().size() == 1; }));
  }
}

CONTRACT_CASE("both may close at once, and a second close does nothing") {
  HostPair pair(scheme);
  pair.connect();
  CHECK(pair.caller.close({0x1001, "a"}) == ErrorCode::none);
  CHECK(pair.callee.close({0x1002, "b"}) == ErrorCode::none);
  CHECK(pair.caller.close({0x1003, "c"}) == ErrorCode::none);
  REQUIRE(pair.until([&] { return both_down(pair); }));
  pair.run(3s, 10ms);
  CHECK(both_down(pair));
}

CONTRACT_CASE("closing a host ends every connection and takes no more") {
  HostPair pair(scheme);
  test::LoggedHost& other = pair.add();
  pair.connect();
  pair.connect(other);
  REQUIRE(test::send_text(pair.callee, "last words"));
  pair.server->close({0x2000, "the end"});
  REQUIRE(pair.until([&] {
    return pair.server.log.count(EventType::disconnected) == 2 &&
           pair.client.log.count(EventType::disconnected) == 1 &&
           other.log.count(EventType::disconnected) == 1;
  }));
  CHECK(pair.client.log.texts() == std::vector<std::string>{"last words"});
  CHECK(other.log.last(EventType::disconnected).error.system_code == 0x2000);
  CHECK_FALSE(pair.server->is_connected());
  const auto dialled = pair.client->connect(pair.address.to_string());
  REQUIRE(dialled);
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::error) == 1; }));
  CHECK(pair.client.log.count(EventType::error, *dialled) == 1);
}

CONTRACT_CASE("a connection closed as soon as it is up says both, in order") {
  HostPair pair(scheme);
  const auto dialled = pair.client->connect(pair.address.to_string());
  REQUIRE(dialled);
  bool closed = false;
  pair.client.awake = false;
  REQUIRE(pair.until([&] {
    while (const auto event = pair.client->poll()) {
      pair.client.log.add(*event);
      if (event->type != EventType::connected) continue;
      CHECK(test::send_text(event->connection, "hello and goodbye"));
      CHECK(event->connection.close() == ErrorCode::none);
      closed = true;
    }
    return closed && both_down(pair);
  }));
  CHECK(pair.server.log.texts() == std::vector<std::string>{"hello and goodbye"});
}

CONTRACT_CASE("what cannot leave in time does not hold up a close, and its reason still arrives") {
  PairOptions options;
  options.server.event_capacity = 4;
  options.server.max_events_per_pass = 1;
  HostPair pair(scheme, std::move(options));
  pair.connect();
  // The other program takes one event a second: this could last for an hour.
  for (int i = 0; i < 4000; ++i)
    REQUIRE(test::send_text(pair.caller, std::string(1000, 'x')));
  CHECK(pair.caller.close({0x1777, "in a hurry"}) == ErrorCode::none);
  pair.server.awake = false;
  int steps = 0;
  REQUIRE(pair.until(
      [&] {
        if (++steps % 100 != 0) return pair.client.log.count(EventType::disconnected) == 1;
        if (const auto event = pair.server->poll()) pair.server.log.add(*event);
        return pair.client.log.count(EventType::disconnected) == 1;
      },
      10ms, 60s));
  CHECK(pair.client.log.last(EventType::disconnected).error.code == ErrorCode::closed_locally);
  CHECK(pair.client.log.count(EventType::data_sent) == 4000);
  pair.server.awake = true;
  pair.client.awake = true;
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::disconnected) == 1; }));
  CHECK(pair.server.log.last(EventType::disconnected).error.code == ErrorCode::closed_by_peer);
  CHECK(pair.server.log.last(EventType::disconnected).error.system_code == 0x1777);
}

CONTRACT_CASE("a host that is destroyed cuts its connections, and the other end is told once") {
  HostPair pair(scheme);
  pair.connect();
  const std::string large = test::pattern(2 * 1024 * 1024);
  for (const Connection& from : {pair.caller, pair.callee}) {
    REQUIRE(from.send_bytes(std::as_bytes(std::span(large)), test::on_channel(1)));
    for (int i = 0; i < 200; ++i)
      REQUIRE(test::send_text(from, std::string(500, 'x')));
  }
  REQUIRE(pair.client->connect(pair.address.to_string()));
  pair.step();
  pair.client.host.reset();
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::disconnected) == 1; }, 10ms));
  pair.run(1s, 10ms);
  const ErrorCode code = pair.server.log.last(EventType::disconnected).error.code;
  CHECK((code == ErrorCode::connection_reset || code == ErrorCode::stream_truncated ||
         code == ErrorCode::connection_lost));
  CHECK(pair.server->stats().open_connections == 0);
}

CONTRACT_CASE("a peer that falls silent is lost after the idle time, once, and not before") {
  HostPair pair(scheme);
  pair.connect();
  pair.run(100ms);
  pair.client.awake = false;
  pair.run(9500ms, 20ms);
  CHECK(pair.server.log.count(EventType::disconnected) == 0);
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::disconnected) == 1; }, 20ms));
  CHECK(pair.server.log.last(EventType::disconnected).error.code == ErrorCode::connection_lost);
  pair.run(10s, 50ms);
  CHECK(pair.server.log.count(EventType::disconnected) == 1);
}

CONTRACT_CASE("a silence shorter than the idle time costs nothing but the wait") {
  HostPair pair(scheme);
  pair.connect();
  pair.run(100ms);
  pair.client.awake = false;
  REQUIRE(test::send_text(pair.callee, "are you there?"));
  pair.run(8s, 20ms);
  pair.client.awake = true;
  REQUIRE(pair.until([&] { return pair.client.log.messages() == 1; }, 5ms));
  pair.run(20s, 20ms);
  CHECK(pair.caller.is_open());
  CHECK(pair.callee.is_open());
}

CONTRACT_CASE("keep-alives keep an idle connection up for an hour") {
  HostPair pair(scheme);
  pair.connect();
  pair.run(1h, 100ms);
  CHECK(pair.caller.is_open());
  CHECK(pair.callee.is_open());
  CHECK(pair.caller.stats().rtt > 0s);
  CHECK(pair.caller.stats().rtt <= 300ms);
  // An echo every 2.5 seconds, with the answer to the other end's.
  CHECK(pair.caller.stats().packets_sent > 1200);
  CHECK(pair.caller.stats().packets_sent < 3600);
}

CONTRACT_CASE("connections that come and go leave nothing behind") {
  PairOptions options;
  options.server.limits.max_connections = 4;
  HostPair pair(scheme, std::move(options));
  for (std::size_t round = 1; round <= 60; ++round) {
    pair.connect();
    REQUIRE(test::send_text(pair.caller, "hi"));
    REQUIRE(pair.until([&] { return pair.server.log.messages() == round; }));
    CHECK((round % 2 == 0 ? pair.caller : pair.callee).close() == ErrorCode::none);
    REQUIRE(pair.until([&] {
      return pair.client.log.count(EventType::disconnected) == round &&
             pair.server.log.count(EventType::disconnected) == round;
    }));
  }
  CHECK(pair.server.log.messages() == 60);
  CHECK(pair.server->stats().accepted == 60);
  CHECK(pair.server->stats().connections.messages_received == 60);
  CHECK(pair.client->stats().connections.messages_sent == 60);
}

namespace {

/// Two hosts by the real clock. What the server waits for, the client does between its ticks.
struct Farewell {
  explicit Farewell(const test::Scheme& scheme)
      : server(config()), client(config()), url(scheme.listen_url()) {
    const auto bound = server.listen(url);
    REQUIRE(bound);
    for (int i = 0; i < 2; ++i) {
      const auto called = client.connect(bound->to_string());
      REQUIRE(called);
      for (int k = 0; k < 500 && !called->is_open(); ++k)
        pump(server.wait_for(5ms));
      REQUIRE(called->is_open());
    }
    while (server.connections().size() < 2)
      pump(server.wait_for(5ms));
    server.on_update([this](const Tick&) {
      if (client_is_awake) pump({});
    });
  }
  static HostConfig config() {
    HostConfig made = test::local_config();
    made.tick_rate_hz = 200;
    return made;
  }
  void pump(const std::optional<Event>&) {
    while (const auto event = client.poll())
      if (event->type == EventType::disconnected) words += event->error.message() + ", ";
  }

  Host server;
  Host client;
  std::string url;
  bool client_is_awake = true;
  std::string words;
};

}  // namespace

CONTRACT_CASE("a program that ends can wait until all have heard its goodbye") {
  Farewell farewell(scheme);
  Host& server = farewell.server;
  std::vector<std::string> told;
  const auto listens = server.on_disconnected(
      [&](Connection, const Error& error) { told.push_back(std::string(to_string(error.code))); });
  // What a paused connection has waiting must not keep its end back.
  const Connection paused = server.connections().front();
  CHECK(server.set_receiving(paused, Receiving::paused) == ErrorCode::none);
  for (const Connection& each : farewell.client.connections())
    REQUIRE(test::send_text(each, "unread"));
  CHECK(server.close_and_wait(10s, "good night") == ErrorCode::none);
  CHECK(told == std::vector<std::string>(2, "closed by this program"));
  CHECK(server.connections().empty());
  CHECK(server.listening_addresses().empty());
  farewell.pump({});
  CHECK(farewell.words == "good night, good night, ");
  CHECK(server.close_and_wait(10s) == ErrorCode::none);
}

CONTRACT_CASE("a goodbye that nobody answers is waited for as long as the program says") {
  Farewell farewell(scheme);
  farewell.client_is_awake = false;
  CHECK(farewell.server.close_and_wait(30ms) == ErrorCode::timed_out);
  farewell.client_is_awake = true;
  ErrorCode inside = ErrorCode::none;
  farewell.server.on_update([&](const Tick&) { inside = farewell.server.close_and_wait(1s); });
  CHECK(farewell.server.close_and_wait(10s) == ErrorCode::none);
  CHECK(inside == ErrorCode::reentrant_call);
}
