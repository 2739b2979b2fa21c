// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

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

}  // namespace tickwire
