// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include <tickwire/codec.hpp>

#include "test/support/host_pair.hpp"

namespace listener_test {

struct Move {
  float x = 0;
  std::string note;
};
template <class Archive>
void serialize(Archive& archive, Move& move) {
  archive(move.x, move.note);
}
TICKWIRE_MESSAGE(Move, "listener_test.move");

}  // namespace listener_test

using namespace tickwire;
using namespace std::chrono_literals;
using listener_test::Move;
using test::HostPair;

namespace {

/// The client updates instead of polling, so that its listeners are called.
void update(HostPair& pair) {
  pair.client.awake = false;
  pair.client->update();
  pair.step();
}

template <class F>
bool update_until(HostPair& pair, F holds) {
  return pair.until([&] {
    update(pair);
    return holds();
  });
}

}  // namespace

TEST_CASE("update gives every event to the listeners that want it, in order") {
  HostPair pair(test::memory_scheme());
  std::vector<std::string> told;
  const auto a = pair.client->on_connected([&](Connection) { told.emplace_back("connected"); });
  const auto b = pair.client->on_message<Move>([&](Connection from, const Move& move) {
    CHECK(from.is_open());
    told.push_back("move " + move.note);
  });
  const auto c = pair.client->on_bytes([&](Connection, std::span<const std::byte> bytes) {
    told.push_back("bytes " + std::to_string(bytes.size()));
  });
  const auto d = pair.client->on_sent([&](Connection, MessageId, Receipt receipt) {
    CHECK(receipt == Receipt::acknowledged);
    told.emplace_back("sent");
  });
  const auto e = pair.client->on_disconnected(
      [&](Connection, const Error& error) { told.push_back("disconnected: " + error.message()); });
  const auto f = pair.client->on_network_message([&](Connection, const NetworkMessage& message) {
    told.push_back("message " + std::string(message.header("to").value_or("nobody")));
  });
  const auto dialled = pair.client->connect(pair.address.to_string());
  REQUIRE(dialled);
  REQUIRE(update_until(pair, [&] { return pair.server->is_connected(); }));
  const Connection callee = pair.server->connections().front();
  NetworkMessage message;
  message.add_header("to", "you");
  REQUIRE(callee.send(Move{1, "one"}));
  REQUIRE(callee.send_bytes(std::as_bytes(std::span("12345", 5))));
  REQUIRE(callee.send(message));
  REQUIRE(callee.send(Move{2, "two"}));
  REQUIRE(dialled->send(Move{}));
  REQUIRE(update_until(pair, [&] { return told.size() == 6; }));
  CHECK(callee.close("enough") == ErrorCode::none);
  REQUIRE(update_until(pair, [&] { return told.size() == 7; }));
  std::erase(told, "sent");
  CHECK(told == std::vector<std::string>{"connected", "move one", "bytes 5", "message you",
                                         "move two", "disconnected: enough"});
}

TEST_CASE("poll calls no listener") {
  HostPair pair(test::memory_scheme());
  int calls = 0;
  const auto a = pair.client->on_event([&](const Event&) { ++calls; });
  pair.connect();
  CHECK(calls == 0);
}

TEST_CASE("an object that does not decode goes to on_error, and its connection lives on") {
  HostPair pair(test::memory_scheme());
  pair.connect();
  std::vector<Error> errors;
  int moves = 0;
  const auto a = pair.client->on_message<Move>([&](Connection, const Move&) { ++moves; });
  const auto b = pair.client->on_error([&](Connection from, const Error& error) {
    CHECK(from == pair.caller);
    errors.push_back(error);
  });
  std::size_t ends = 0;
  const auto c = pair.client->on_disconnected([&](Connection, const Error&) { ++ends; });
  // Text, sent on under the name of a type that it is not.
  REQUIRE(pair.caller.send(std::string("no move at all")));
  pair.server.awake = false;
  bool forwarded = false;
  REQUIRE(update_until(pair, [&] {
    while (auto event = pair.server->poll()) {
      if (event->type != EventType::object_received) continue;
      event->type_id = message_type<Move>;
      forwarded = pair.server->forward(*event, std::array{pair.callee}).queued == 1;
    }
    return forwarded;
  }));
  pair.server.awake = true;
  REQUIRE(pair.callee.send(Move{1, "fine"}));
  REQUIRE(update_until(pair, [&] { return moves == 1; }));
  REQUIRE(errors.size() == 1);
  CHECK(errors.front().code == ErrorCode::malformed_object);
  CHECK(pair.caller.is_open());
  CHECK(pair.caller.close() == ErrorCode::none);
  REQUIRE(update_until(pair, [&] { return ends == 1; }));
}

TEST_CASE("a subscription ends with its scope, or when it is released, or moved over") {
  HostPair pair(test::memory_scheme());
  pair.connect();
  int first = 0, second = 0, third = 0;
  std::optional<Subscription> scoped = pair.client->on_event([&](const Event&) { ++first; });
  Subscription released = pair.client->on_event([&](const Event&) { ++second; });
  Subscription moved = pair.client->on_event([&](const Event&) { ++third; });
  const auto message = [&] {
    REQUIRE(pair.callee.send(1));
    pair.server.poll();
    update(pair);
    update(pair);
  };
  message();
  CHECK(first == 1);
  CHECK(second == 1);
  CHECK(third == 1);
  scoped.reset();
  released.release();
  released.release();
  Subscription other = std::move(moved);
  message();
  CHECK(first == 1);
  CHECK(second == 1);
  CHECK(third == 2);
  other = Subscription();
  message();
  CHECK(third == 2);
}

TEST_CASE("listeners may end themselves, end others and add more while they are called") {
  HostPair pair(test::memory_scheme());
  pair.connect();
  std::vector<std::string> told;
  Subscription self, victim, late;
  self = pair.client->on_event([&](const Event&) {
    told.emplace_back("self");
    self.release();
    victim.release();
    late = pair.client->on_event([&](const Event&) { told.emplace_back("late"); });
    told.emplace_back("still here");
  });
  victim = pair.client->on_event([&](const Event&) { told.emplace_back("victim"); });
  const auto last = pair.client->on_event([&](const Event&) { told.emplace_back("last"); });
  REQUIRE(pair.callee.send(1));
  REQUIRE(pair.callee.send(2));
  REQUIRE(update_until(pair, [&] { return told.size() >= 5; }));
  // Those that are added hear the next event.
  CHECK(told == std::vector<std::string>{"self", "still here", "last", "last", "late"});
}

TEST_CASE("a listener may own another's subscription, whichever goes first") {
  HostPair pair(test::memory_scheme());
  pair.connect();
  int inner = 0;
  for (int round = 0; round < 3; ++round) {
    auto held =
        std::make_shared<Subscription>(pair.client->on_event([&inner](const Event&) { ++inner; }));
    auto more =
        std::make_shared<Subscription>(pair.client->on_event([&inner](const Event&) { ++inner; }));
    Subscription owner = pair.client->on_event([held, more](const Event&) {});
    held.reset();
    more.reset();
    REQUIRE(pair.callee.send(1));
    const int before = inner;
    REQUIRE(update_until(pair, [&] { return inner > before; }));
    if (round == 1) {
      Subscription* owned = &owner;
      const auto ends = pair.client->on_event([owned](const Event&) { owned->release(); });
      REQUIRE(pair.callee.send(2));
      const int so_far = inner;
      REQUIRE(update_until(pair, [&] { return inner > so_far; }));
    }
  }
  const int done = inner;
  REQUIRE(pair.callee.send(3));
  pair.server.poll();
  update(pair);
  update(pair);
  CHECK(inner == done);
}

TEST_CASE("a subscription may outlive its host") {
  Subscription kept;
  {
    Host host;
    kept = host.on_event([](const Event&) {});
  }
  kept.release();
}

TEST_CASE("inside a listener the host cannot be pumped, and says so without harm") {
  HostPair pair(test::memory_scheme());
  pair.connect();
  bool called = false;
  const auto a = pair.client->on_event([&](const Event& event) {
    if (event.type != EventType::object_received) return;
    called = true;
    CHECK_FALSE(pair.client->poll());
    CHECK_FALSE(pair.client->wait_for(1s));
    CHECK(pair.client->run() == ErrorCode::reentrant_call);
    CHECK(pair.client->wait_connected(pair.caller, 1s).error().code == ErrorCode::reentrant_call);
    pair.client->update();
    CHECK(pair.caller.send("from inside"));
    pair.client->flush();
  });
  REQUIRE(pair.callee.send(1));
  REQUIRE(pair.callee.send(2));
  REQUIRE(update_until(pair, [&] { return called; }));
  CHECK_FALSE(pair.client.lines.empty());
  REQUIRE(update_until(pair, [&] { return pair.server.log.messages() == 2; }));
}

TEST_CASE("send_and_wait inside a listener is refused and sends nothing") {
  HostPair pair(test::memory_scheme());
  pair.connect();
  bool called = false;
  const auto a = pair.client->on_event([&](const Event& event) {
    if (event.type != EventType::object_received) return;
    called = true;
    const auto sent = pair.client->send_and_wait(pair.caller, 5, 1s);
    REQUIRE_FALSE(sent);
    CHECK(sent.error().code == ErrorCode::reentrant_call);
  });
  REQUIRE(pair.callee.send(1));
  REQUIRE(update_until(pair, [&] { return called; }));
  update(pair);
  pair.run(20ms);
  CHECK(pair.server.log.messages() == 0);
}

TEST_CASE("run goes on until stop, called from inside or from another thread") {
  HostConfig config;
  config.tick_rate_hz = 1000;
  config.memory_network = std::make_shared<MemoryNetwork>();
  Host host(config);
  int ticks = 0;
  host.on_update([&](const Tick&) {
    CHECK(host.is_running());
    if (++ticks == 3) host.stop();
  });
  CHECK(host.run() == ErrorCode::none);
  CHECK(ticks >= 3);
  CHECK_FALSE(host.is_running());

  host.stop();
  const int before = ticks;
  CHECK(host.run() == ErrorCode::none);
  CHECK(ticks == before);

  std::thread other([&] {
    while (!host.post([] {})) {
    }
    host.stop();
  });
  CHECK(host.run() == ErrorCode::none);
  other.join();
}

TEST_CASE("a listener that throws leaves its host usable") {
  HostPair pair(test::memory_scheme());
  pair.connect();
  bool angry = true;
  int calls = 0;
  const auto a = pair.client->on_event([&](const Event& event) {
    if (event.type != EventType::object_received) return;
    ++calls;
    if (angry) throw 7;
  });
  REQUIRE(pair.callee.send(1));
  REQUIRE(pair.callee.send(2));
  pair.client.awake = false;
  pair.server.poll();
  CHECK_THROWS_AS(update(pair), int);
  angry = false;
  REQUIRE(update_until(pair, [&] { return calls == 2; }));
}
