// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <random>
#include <string>
#include <vector>

#include <tickwire/codec.hpp>

#include "test/support/host_pair.hpp"

/// Messages that had left their session when the program paused their connection.
namespace tickwire {
namespace {

using namespace std::chrono_literals;
using test::HostPair;
using Texts = std::vector<std::string>;

/// A pair whose server has numbers from 1 on in its ring, the end behind them if it is told so,
/// and an event of an extension's last.
struct Waiting {
  explicit Waiting(int count, bool closes = false, test::PairOptions options = {})
      : pair(test::memory_scheme(), std::move(options)) {
    pair.connect();
    bystander = pair.callee;
    pair.connect();
    pair.server.log.clear();
    pair.server.awake = false;
    send(0, count);
    if (closes) CHECK(pair.caller.close("bye") == ErrorCode::none);
    pair.run(20ms);
    const auto first = pair.server->poll();
    REQUIRE(first);
    pair.server.log.add(*first);
    raise();
    pair.server.awake = true;
  }
  void send(int from, int to) {
    for (int i = from; i < to; ++i)
      REQUIRE(test::send_text(pair.caller, std::to_string(i)));
  }
  void raise() {
    Event raised;
    raised.type = EventType::custom;
    raised.connection = bystander;
    pair.server->raise(std::move(raised));
  }
  void set(Receiving receiving) {
    CHECK(pair.server->set_receiving(pair.callee, receiving) == ErrorCode::none);
  }
  [[nodiscard]] std::size_t count(EventType type) { return pair.server.log.count(type); }
  [[nodiscard]] Texts texts() { return pair.server.log.texts(); }

  HostPair pair;
  Connection bystander;
};

}  // namespace

TEST_CASE("a pause holds up the messages in the ring too, and the end behind them") {
  Waiting waiting(4, true);
  auto& pair = waiting.pair;
  waiting.set(Receiving::paused);
  pair.run(50ms);
  CHECK(waiting.texts() == Texts{"0"});
  CHECK(waiting.count(EventType::custom) == 1);
  CHECK(waiting.count(EventType::disconnected) == 0);
  CHECK(pair.callee.address() != Address());
  waiting.set(Receiving::on);
  pair.run(10ms);
  CHECK(waiting.texts() == Texts{"0", "1", "2", "3"});
  CHECK(waiting.count(EventType::disconnected) == 1);
  CHECK(pair.callee.address() == Address());
}

TEST_CASE("what a pause has held up comes before later messages, in the ring or not") {
  test::PairOptions options;
  options.server.max_events_per_pass = 2;
  Waiting waiting(5, false, std::move(options));
  auto& pair = waiting.pair;
  pair.server.poll();
  waiting.set(Receiving::paused);
  pair.server.poll();
  waiting.send(5, 8);
  SUBCASE("and nothing else comes") {
    pair.run(20ms);
    waiting.set(Receiving::on);
  }
  SUBCASE("and is paused again, more than once") {
    for (int i = 0; i < 6; ++i) {
      pair.step();
      waiting.set(Receiving::on);
      pair.server.poll();
      waiting.set(Receiving::paused);
    }
    waiting.set(Receiving::on);
  }
  SUBCASE("and an event that is raised then comes behind all") {
    pair.run(20ms);
    waiting.set(Receiving::on);
    waiting.raise();
    REQUIRE(pair.until([&] { return waiting.count(EventType::custom) == 2; }));
    CHECK(pair.server.log.messages() == 8);
  }
  REQUIRE(pair.until([&] { return pair.server.log.messages() == 8; }));
  CHECK(waiting.texts() == Texts{"0", "1", "2", "3", "4", "5", "6", "7"});
  CHECK(waiting.count(EventType::custom) >= 1);
}

TEST_CASE("a raised event comes behind what was held up, while some of it is in the ring") {
  test::PairOptions options;
  options.server.max_events_per_pass = 1;
  Waiting waiting(5, false, std::move(options));
  auto& pair = waiting.pair;
  waiting.set(Receiving::paused);
  // In one pass one event is handed out: the raised one, past all of them.
  REQUIRE(pair.until([&] { return waiting.count(EventType::custom) == 1; }));
  waiting.set(Receiving::on);
  waiting.raise();
  pair.server.poll();
  waiting.set(Receiving::paused);
  waiting.raise();
  pair.run(10ms);
  waiting.set(Receiving::on);
  waiting.raise();
  REQUIRE(pair.until([&] { return waiting.count(EventType::custom) == 4; }));
  CHECK(waiting.texts() == Texts{"0", "1", "2", "3", "4"});
}

TEST_CASE("who waits for a receipt of a paused connection gets it past what is held up") {
  Waiting waiting(3);
  auto& pair = waiting.pair;
  waiting.set(Receiving::paused);
  pair.run(10ms);
  waiting.send(3, 5);
  const auto sent = test::send_text(pair.callee, "x");
  REQUIRE(sent);
  pair.run(20ms);
  CHECK(pair.server.log.receipt(*sent) == Receipt::acknowledged);
  CHECK(waiting.texts() == Texts{"0"});
  waiting.set(Receiving::on);
  pair.run(10ms);
  CHECK(waiting.texts() == Texts{"0", "1", "2", "3", "4"});
}

TEST_CASE("a pause stays when the call has to be made again") {
  HostPair pair(test::memory_scheme());
  ConnectOptions options;
  options.reconnect.emplace().retry_first_call = true;
  const auto dialled = pair.client->connect("memory://later", options);
  REQUIRE(dialled);
  CHECK(pair.client->set_receiving(*dialled, Receiving::paused) == ErrorCode::none);
  pair.run(20ms);
  REQUIRE(pair.server->listen("memory://later"));
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::connected) == 1; }));
  REQUIRE(test::send_text(pair.server.log.last(EventType::connected).connection, "x"));
  pair.run(20ms);
  CHECK(pair.client.log.count(EventType::connected) == 1);
  CHECK(pair.client.log.messages() == 0);
  CHECK(pair.client->set_receiving(*dialled, Receiving::on) == ErrorCode::none);
  REQUIRE(pair.until([&] { return pair.client.log.messages() == 1; }));
}

TEST_CASE("what is held up holds up the other end") {
  test::PairOptions options;
  options.server.limits.receive_window_bytes = 128 * 1024;
  HostPair pair(test::memory_scheme(), std::move(options));
  pair.connect();
  pair.server.awake = false;
  constexpr std::size_t kMessages = 600;
  for (std::size_t i = 0; i < kMessages; ++i)
    REQUIRE(test::send_text(pair.caller, std::string(1000, 'x')));
  pair.run(20ms);
  REQUIRE(pair.server->poll());
  Event raised;
  raised.type = EventType::custom;
  raised.connection = pair.callee;
  pair.server->raise(std::move(raised));
  CHECK(pair.server->set_receiving(pair.callee, Receiving::paused) == ErrorCode::none);
  pair.server.awake = true;
  pair.run(200ms);
  CHECK(pair.callee.stats().bytes_received < 200'000);
  CHECK(pair.server->set_receiving(pair.callee, Receiving::on) == ErrorCode::none);
  REQUIRE(pair.until([&] { return pair.server.log.messages() == kMessages - 1; }));
}

TEST_CASE("an end that comes while what is held up is still in the ring is told last") {
  test::PairOptions options;
  options.server.max_events_per_pass = 1;
  HostPair pair(test::memory_scheme(), std::move(options));
  pair.connect();
  pair.server.awake = false;
  while (pair.server->poll()) {
  }
  std::string told;
  const auto pass = [&] {
    while (const auto event = pair.server->poll())
      told += event->type == EventType::object_received ? *event->as<std::string>() + " "
              : event->type == EventType::disconnected  ? "end "
                                                        : "raised ";
    pair.run(5ms);
  };
  const auto say = [&](const char* text) {
    REQUIRE(test::send_text(pair.caller, text));
    pair.run(5ms);
  };
  const auto raise = [&] { test::raise(*pair.server, EventType::custom, pair.callee); };
  say("0");
  say("1");
  pass();
  raise();
  say("2");
  pass();
  raise();
  say("3");
  pass();
  raise();  // now the ring has 2, raised, 3, raised
  CHECK(pair.server->set_receiving(pair.callee, Receiving::paused) == ErrorCode::none);
  CHECK(pair.caller.close() == ErrorCode::none);
  pair.run(5ms);
  pass();  // 2 is held up, and the end has been read
  raise();
  for (int i = 0; i < 5; ++i)
    pass();
  CHECK(pair.server->set_receiving(pair.callee, Receiving::on) == ErrorCode::none);
  for (int i = 0; i < 10; ++i)
    pass();
  CHECK(told == "0 1 raised raised raised raised 2 3 end ");
}

TEST_CASE("a successor comes up behind the end of the one it replaces, also behind a pause") {
  HostPair pair(test::memory_scheme());
  ConnectOptions call;
  call.reconnect.emplace().first_delay = 10ms;
  pair.connect(call);
  pair.client.awake = false;
  REQUIRE(test::send_text(pair.callee, "1"));
  REQUIRE(test::send_text(pair.callee, "2"));
  pair.run(20ms);
  std::string told;
  const auto drain = [&] {
    while (const auto event = pair.client->poll()) {
      if (event->type == EventType::custom) continue;
      told += std::string(test::name_of(event->type)) +
              (event->connection == pair.caller ? " old, " : " new, ");
    }
  };
  REQUIRE(pair.client->poll());
  test::raise(*pair.client, EventType::custom, pair.caller);
  CHECK(pair.client->set_receiving(pair.caller, Receiving::paused) == ErrorCode::none);
  drain();
  pair.network->sever_all();
  const auto run = [&](int steps) {
    for (; steps > 0; --steps) {
      pair.step();
      drain();
    }
  };
  run(500);
  CHECK(pair.client->set_receiving(pair.caller, Receiving::on) == ErrorCode::none);
  run(50);
  CHECK(told == "object_received old, disconnected old, connected new, ");
}

namespace {

/// One connection of several that are paused, cut and closed at random.
struct Line {
  Connection caller, callee;
  std::size_t sent = 0;
  Texts got;
  bool is_over = false;
};

/// A server whose events are read at random, with the log's checks of their order.
struct RandomPauses {
  explicit RandomPauses(unsigned seed)
      : random(seed), pair(test::memory_scheme(), options(seed)), lines(3) {
    for (Line& line : lines) {
      pair.connect();
      line.caller = pair.caller;
      line.callee = pair.callee;
    }
    pair.server.awake = false;
  }
  test::PairOptions options(unsigned seed) {
    test::PairOptions made;
    made.seed = seed;
    made.server.max_events_per_pass = 1 + dice(4);
    made.server.event_capacity = 1 + dice(6);
    made.server.timeouts.resume_window = made.client.timeouts.resume_window = 60s;
    return made;
  }
  unsigned dice(unsigned sides) { return static_cast<unsigned>(random() % sides); }

  bool read_one() {
    const auto event = pair.server->poll();
    if (!event) return false;
    if (event->type == EventType::custom) return true;
    pair.server.log.add(*event);
    for (Line& line : lines) {
      if (event->connection != line.callee) continue;
      if (event->is<std::string>()) line.got.push_back(*event->as<std::string>());
      line.is_over = line.is_over || event->is_last;
    }
    return true;
  }
  void act(Line& line) {
    switch (dice(10)) {
      case 0:
      case 1:
      case 2:
        if (test::send_text(line.caller, std::to_string(line.sent))) ++line.sent;
        return;
      case 3:
        static_cast<void>(pair.server->set_receiving(line.callee, Receiving::paused));
        return;
      case 4:
      case 5:
        static_cast<void>(pair.server->set_receiving(line.callee, Receiving::on));
        return;
      case 6:
        return test::raise(*pair.server, EventType::custom, line.callee);
      case 7:
        static_cast<void>(read_one());
        return;
      case 8:
        while (read_one()) {
        }
        return;
      default:
        if (dice(8) == 0) pair.network->sever_all();
    }
  }

  std::mt19937 random;
  HostPair pair;
  std::vector<Line> lines;
};

}  // namespace

TEST_CASE("pauses, losses and raised events at random keep the order, and lose nothing") {
  for (unsigned seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    RandomPauses rig(seed);
    for (int i = 0; i < 200; ++i) {
      rig.act(rig.lines[rig.dice(3)]);
      rig.pair.step();
    }
    for (const Line& line : rig.lines) {
      static_cast<void>(rig.pair.server->set_receiving(line.callee, Receiving::on));
      CHECK(line.caller.close() != ErrorCode::invalid_argument);
    }
    REQUIRE(rig.pair.until([&] {
      while (rig.read_one()) {
      }
      return rig.lines[0].is_over && rig.lines[1].is_over && rig.lines[2].is_over;
    }));
    for (const Line& line : rig.lines) {
      for (std::size_t i = 0; i < line.got.size(); ++i)
        CHECK(line.got[i] == std::to_string(i));
    }
  }
}

}  // namespace tickwire
