// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <tickwire/codec.hpp>

#include "test/support/allocations.hpp"
#include "test/support/host_pair.hpp"

/// A loop that has found its pace allocates nothing more.
namespace steady_test {

struct Move {
  std::uint32_t tick = 0;
  float x = 0, y = 0;
  std::string name = "a name that is longer than what a string holds in itself";
  std::vector<std::string> words{"another text that is rather long", "and one more of that kind"};
  std::vector<float> path{1, 2, 3, 4, 5, 6, 7, 8};
  std::optional<std::string> title = "and a title that is long enough, too";
};
template <class Archive>
void serialize(Archive& archive, Move& move) {
  archive(move.tick, move.x, move.y, move.name, move.words, move.path, move.title);
}
TICKWIRE_MESSAGE(Move, "steady_test.move");

}  // namespace steady_test

using namespace tickwire;
using namespace std::chrono_literals;
using steady_test::Move;
using test::HostPair;

namespace {

/// Every frame the client sends a move; the server decodes it over the last one and answers all
/// with it.
class Game {
 public:
  explicit Game(HostPair& pair) : pair_(pair) {
    server_ = [this](const Event& event) {
      if (event.read(move_) == ErrorCode::none) pair_.server->broadcast(move_, reply_);
    };
  }

  /// More at once than any frame of the loop has, so that pools and queues are wide enough.
  void burst(const SendOptions& options) {
    for (int i = 0; i < 16; ++i) {
      for (const Connection& from : {pair_.caller, pair_.callee}) {
        if (!from.send(move_, options)) ++refused;
      }
      pair_.client->flush();
      pair_.server->flush();
    }
  }

  void frame(const SendOptions& options) {
    ++move_.tick;
    if (!pair_.caller.send(move_, options)) ++refused;
    while (const auto event = pair_.client->poll())
      answers += event->is<Move>() ? 1u : 0u;
    while (const auto event = pair_.server->poll()) {
      if (event->is<Move>()) server_(*event);
    }
    pair_.clock.advance(1ms);
  }

  std::size_t answers = 0;
  std::size_t refused = 0;

 private:
  HostPair& pair_;
  Move move_;
  BroadcastOptions reply_;
  std::function<void(const Event&)> server_;
};

}  // namespace

CONTRACT_CASE("ten thousand warm round trips allocate nothing, whatever the delivery") {
  HostPair pair(scheme);
  pair.connect();
  for (const Delivery delivery : {Delivery::reliable, Delivery::sequenced, Delivery::unreliable}) {
    CAPTURE(static_cast<int>(delivery));
    Game game(pair);
    const SendOptions options = test::with(delivery, 1);
    for (int i = 0; i < 5000; ++i) {
      if (i % 1000 == 0) game.burst(options);
      game.frame(options);
    }
    // Where the machine holds real sockets up for longer than ever before, a queue still grows:
    // once. What allocates for each message does so every time.
    std::size_t calls = 1;
    for (int attempt = 0; attempt < 4 && calls > 0; ++attempt) {
      const std::size_t before = game.answers;
      const test::AllocationCount allocated;
      for (int i = 0; i < 10'000; ++i)
        game.frame(options);
      calls = allocated.calls();
      CHECK(game.answers - before > 9900);
    }
    CHECK(calls == 0);
    CHECK(game.refused == 0);
  }
}

CONTRACT_CASE("nor do send buffers of a megabyte") {
  HostPair pair(scheme);
  pair.connect();
  const auto round_trip = [&] {
    auto buffer = pair.client->make_send_buffer(1'000'000);
    REQUIRE(buffer);
    buffer->bytes().front() = buffer->bytes().back() = std::byte{7};
    REQUIRE(pair.caller.send_bytes(std::move(*buffer)));
    bool has_arrived = false;
    for (int i = 0; i < 10'000 && !has_arrived; ++i) {
      while (const auto event = pair.client->poll())
        CHECK(event->type == EventType::data_sent);
      while (const auto event = pair.server->poll()) {
        if (event->type == EventType::data_received) has_arrived = true;
      }
      pair.clock.advance(1ms);
    }
    REQUIRE(has_arrived);
  };
  for (int i = 0; i < 50; ++i)
    round_trip();
  std::size_t calls = 1;  // as above
  for (int attempt = 0; attempt < 4 && calls > 0; ++attempt) {
    const test::AllocationCount allocated;
    for (int i = 0; i < 50; ++i)
      round_trip();
    calls = allocated.calls();
  }
  CHECK(calls == 0);
}

CONTRACT_CASE("nor do objects of 100,000 bytes, and they arrive whole") {
  HostPair pair(scheme);
  pair.connect();
  Move sent;
  Move received;
  sent.path.resize(25'000);
  const auto round_trip = [&] {
    sent.path.back() = static_cast<float>(++sent.tick);
    REQUIRE(pair.caller.send(sent));
    for (int i = 0; i < 10'000 && received.tick != sent.tick; ++i) {
      while (const auto event = pair.client->poll())
        CHECK(event->type == EventType::data_sent);
      while (const auto event = pair.server->poll())
        CHECK(event->read(received) == ErrorCode::none);
      pair.clock.advance(1ms);
    }
    REQUIRE(received.tick == sent.tick);
    REQUIRE(received.path == sent.path);
  };
  for (int i = 0; i < 200; ++i)
    round_trip();
  std::size_t calls = 1;  // as above
  for (int attempt = 0; attempt < 4 && calls > 0; ++attempt) {
    const test::AllocationCount allocated;
    for (int i = 0; i < 200; ++i)
      round_trip();
    calls = allocated.calls();
  }
  CHECK(calls == 0);
}
