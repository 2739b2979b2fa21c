// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <string>

#include <tickwire/session_handler.hpp>
#include <tickwire/task.hpp>

#include "test/features/hubs.hpp"

/// An `error` or `disconnected` that an extension raises is no end, whatever goes on over the
/// connection; the connection's own is.
namespace tickwire {
namespace {

using namespace std::chrono_literals;
using test::HostPair;

void raise_ends(Host& host, Connection connection) {
  test::raise(host, EventType::error, connection);
  test::raise(host, EventType::disconnected, connection);
}

Task<> wait_for_text(Connection connection, std::string& text) {
  const auto received = co_await receive<std::string>(connection);
  text = received ? *received : received.error().message();
}

}  // namespace

TEST_CASE("a task goes on waiting behind a raised end") {
  HostPair pair(test::memory_scheme());
  Tasks tasks;
  pair.server->attach(tasks);
  pair.connect();
  std::string text;
  REQUIRE(tasks.spawn(pair.callee, wait_for_text(pair.callee, text)));
  raise_ends(*pair.server, pair.callee);
  pair.run(5ms);
  CHECK(text.empty());
  REQUIRE(pair.caller.send(std::string("late")));
  REQUIRE(pair.until([&] { return !text.empty(); }));
  CHECK(text == "late");
}

TEST_CASE("a session handler stays behind a raised end, and goes with the connection's own") {
  HostPair pair(test::memory_scheme());
  SessionHandlers handlers([](Connection) { return std::make_unique<SessionHandler>(); });
  pair.server->attach(handlers);
  pair.connect();
  raise_ends(*pair.server, pair.callee);
  pair.run(5ms);
  CHECK(handlers.count() == 1);
  CHECK(pair.caller.close() == ErrorCode::none);
  REQUIRE(pair.until([&] { return handlers.count() == 0; }));
}

TEST_CASE("a hub's peer stays behind a raised end, and goes with the connection's own") {
  test::Hubs hubs(test::memory_scheme());
  const Connection called = hubs.call("line");
  raise_ends(*hubs.pair.client, called);
  hubs.pair.run(5ms);
  CHECK(hubs.south.peers().size() == 1);
  CHECK(called.close() == ErrorCode::none);
  REQUIRE(hubs.pair.until([&] { return hubs.south.peers().empty(); }));
}

TEST_CASE("the last event of a connection says that it is, and no other one does") {
  HostPair pair(test::memory_scheme());
  pair.connect();
  REQUIRE(pair.client->connect("memory://nowhere"));
  test::raise(*pair.client, EventType::disconnected, pair.caller);
  CHECK(pair.callee.close() == ErrorCode::none);
  pair.server.poll();
  pair.client.awake = false;
  std::string last;
  std::string others;
  REQUIRE(pair.until([&] {
    while (const auto event = pair.client->poll())
      (event->is_last ? last : others) += std::string(test::name_of(event->type)) + " ";
    return last.size() > std::string("error ").size();
  }));
  CHECK(last == "error disconnected ");
  CHECK(others == "disconnected ");
}

}  // namespace tickwire
