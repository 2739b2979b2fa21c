// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <unordered_set>

#include "test/support/host_pair.hpp"

/// Handles and events that outlive what they came from.
using namespace tickwire;
using namespace std::chrono_literals;
using test::HostPair;
using test::PairOptions;

namespace {

/// Whether a handle answers as one that names nothing any more.
bool answers_nobody(Connection connection) {
  const auto sent = connection.send_bytes({});
  return !connection.is_open() && !sent && sent.error().code == ErrorCode::not_connected &&
         connection.close() == ErrorCode::not_connected &&
         connection.set_user_data(1) == ErrorCode::not_connected &&
         connection.user_data<int>() == nullptr && connection.address() == Address() &&
         connection.name().empty() && connection.stats().bytes_sent == 0;
}

}  // namespace

TEST_CASE("a handle made by default is nobody") {
  const Connection nobody;
  CHECK(nobody.id() == 0);
  CHECK(nobody == Connection());
  CHECK(answers_nobody(nobody));
  CHECK_FALSE(test::send_text(nobody, "x"));
}

CONTRACT_CASE("a closed connection can be read until the pass after its end, and never again") {
  HostPair pair(scheme);
  ConnectOptions options;
  options.name = "ann";
  options.user_data = 42;
  pair.connect(options);
  REQUIRE(test::send_text(pair.caller, "hi"));
  CHECK(pair.caller.close() == ErrorCode::none);
  const Connection caller = pair.caller;
  pair.client.awake = false;
  bool ended = false;
  REQUIRE(pair.until([&] {
    while (const auto event = pair.client->poll()) {
      pair.client.log.add(*event);
      ended = ended || event->type == EventType::disconnected;
    }
    return ended;
  }));
  // The pass that handed the end out is over; the next one has not begun.
  const auto readable = [&] {
    return caller.user_data<int>() != nullptr && *caller.user_data<int>() == 42 &&
           caller.name() == "ann" && caller.address() == pair.address &&
           caller.stats().messages_sent == 1 && !caller.is_open();
  };
  CHECK(readable());
  CHECK(caller.close() == ErrorCode::not_connected);
  pair.client.poll();
  pair.client.poll();
  CHECK(answers_nobody(caller));
  for (int i = 0; i < 100; ++i)
    pair.client.poll();
  CHECK(answers_nobody(caller));
}

CONTRACT_CASE("a slot that is used again gets another id, and the old handle stays dead") {
  PairOptions options;
  options.client.limits.max_connections = 1;
  HostPair pair(scheme, std::move(options));
  std::set<std::uint64_t> ids;
  std::unordered_set<Connection> handles;
  std::optional<Connection> before;
  for (int i = 0; i < 20; ++i) {
    pair.connect();
    CHECK(pair.caller.set_user_data(i) == ErrorCode::none);
    CHECK(ids.insert(pair.caller.id()).second);
    CHECK(handles.insert(pair.caller).second);
    if (before) {
      CHECK(*before != pair.caller);
      CHECK(answers_nobody(*before));
    }
    CHECK(pair.caller.is_open());
    before = pair.caller;
    const std::size_t ends = pair.client.log.count(EventType::disconnected);
    CHECK(pair.caller.close() == ErrorCode::none);
    REQUIRE(pair.until([&] { return pair.client.log.count(EventType::disconnected) > ends; }));
    pair.run(5ms);
  }
}

CONTRACT_CASE("handles can be compared and hashed when their host is gone") {
  HostPair pair(scheme);
  pair.connect();
  const Connection first = pair.caller;
  pair.connect();
  const Connection second = pair.caller;
  pair.client.host.reset();
  CHECK(first == Connection(first));
  CHECK(first != second);
  CHECK((first < second) != (second < first));
  std::unordered_set<Connection> set{first, second, first};
  CHECK(set.size() == 2);
  CHECK(set.contains(first));
  CHECK(first.id() != second.id());
}

CONTRACT_CASE("a handle of one host means nothing to another") {
  HostPair pair(scheme);
  pair.connect();
  CHECK(pair.server->close(pair.caller) == ErrorCode::not_connected);
  const auto sent = pair.server->send_bytes(pair.caller, {});
  REQUIRE_FALSE(sent);
  CHECK(sent.error().code == ErrorCode::not_connected);
  CHECK(pair.caller.is_open());
}

CONTRACT_CASE("events outlive their connection, their host and its thread") {
  std::vector<Event> kept;
  std::vector<std::string> expected;
  {
    HostPair pair(scheme);
    pair.connect();
    for (const std::size_t size : {0u, 10u, 1000u, 30'000u, 400'000u}) {
      expected.push_back(test::pattern(size));
      REQUIRE(pair.caller.send_bytes(std::as_bytes(std::span(expected.back()))));
    }
    pair.server.awake = false;
    REQUIRE(pair.until([&] {
      while (auto event = pair.server->poll()) {
        if (event->type == EventType::data_received) kept.push_back(*std::move(event));
      }
      return kept.size() == expected.size();
    }));
  }
  std::vector<std::string> read;
  std::thread other([&] {
    for (const Event& event : kept) {
      const auto bytes = event.bytes();
      read.emplace_back(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    kept.clear();
  });
  other.join();
  CHECK((read == expected));
}

CONTRACT_CASE("events may be destroyed on another thread while their host goes on") {
  HostPair pair(scheme);
  pair.connect();
  const std::string text = test::pattern(2000);
  for (int round = 0; round < 20; ++round) {
    std::vector<Event> kept;
    for (int i = 0; i < 20; ++i)
      REQUIRE(pair.caller.send_bytes(std::as_bytes(std::span(text))));
    pair.server.awake = false;
    REQUIRE(pair.until([&] {
      while (auto event = pair.server->poll())
        if (event->type == EventType::data_received) kept.push_back(*std::move(event));
      return kept.size() == 20;
    }));
    std::thread other([&kept] { kept.clear(); });
    for (int i = 0; i < 10; ++i) {
      REQUIRE(pair.callee.send_bytes(std::as_bytes(std::span(text))));
      pair.step();
    }
    other.join();
  }
  pair.server.awake = true;
  REQUIRE(pair.until([&] { return pair.client.log.messages() == 200; }));
}
