// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "test/support/allocations.hpp"
#include "test/support/host_pair.hpp"

/// Memory that there is none of, for events on their way from a session to the program.
namespace tickwire {
namespace {

using namespace std::chrono_literals;
using test::CountedScope;
using test::FailingAllocation;
using test::FailingThread;
using test::HostPair;
using Texts = std::vector<std::string>;

constexpr std::size_t kMessages = 40;

/// A pair whose server has messages in the session of its connection, and has polled one.
struct Waiting {
  Waiting() : pair(test::memory_scheme()) {
    pair.connect();
    bystander = pair.callee;
    pair.connect();
    pair.server.awake = false;
    for (std::size_t i = 0; i < kMessages; ++i) {
      expected.push_back(std::to_string(i));
      REQUIRE(test::send_text(pair.caller, expected.back()));
    }
    pair.run(20ms);
    const auto first = pair.server->poll();
    REQUIRE(first);
    pair.server.log.add(*first);
    pair.server.awake = true;
  }
  [[nodiscard]] bool raise() {
    Event raised;
    raised.type = EventType::custom;
    raised.connection = bystander;
    const CountedScope counted;
    try {
      pair.server->raise(std::move(raised));
      return true;
    } catch (const std::bad_alloc&) {
      return false;
    }
  }
  // One pass without memory; what throws out of it fails the test.
  void poll_counted() {
    while (true) {
      std::optional<Event> event;
      {
        const CountedScope counted;
        event = pair.server->poll();
      }
      if (!event) return;
      pair.server.log.add(*event);
    }
  }

  HostPair pair;
  Connection bystander;
  Texts expected;
};

}  // namespace

TEST_CASE("an event that there is no memory for takes no message along") {
  bool was_reached = true;
  int n = 1;
  for (; was_reached; ++n) {
    CAPTURE(n);
    REQUIRE(n < 100);
    Waiting waiting;
    {
      const FailingAllocation failing(n, FailingThread::this_one_in_scopes);
      const bool is_raised = waiting.raise();
      was_reached = failing.was_reached();
      CHECK(is_raised != was_reached);
    }
    REQUIRE(waiting.pair.until([&] { return waiting.pair.server.log.messages() == kMessages; }));
    CHECK(waiting.pair.server.log.texts() == waiting.expected);
  }
  CHECK(n > 2);
}

TEST_CASE("a call that waits and has no memory for what comes first takes no message along") {
  bool was_reached = true;
  for (int n = 1; was_reached; ++n) {
    CAPTURE(n);
    REQUIRE(n < 200);
    Waiting waiting;
    auto& pair = waiting.pair;
    {
      const FailingAllocation failing(n, FailingThread::this_one_in_scopes);
      const CountedScope counted;
      try {
        static_cast<void>(pair.server->wait_connected(pair.callee, 0ms));
      } catch (const std::bad_alloc&) {
      }
      was_reached = failing.was_reached();
    }
    REQUIRE(pair.until([&] { return pair.server.log.messages() == kMessages; }));
    CHECK(pair.server.log.texts() == waiting.expected);
  }
}

TEST_CASE("a connection that is paused ends where there is no memory for what waits with it") {
  bool was_reached = true;
  int ended = 0;
  for (int n = 1; was_reached; ++n) {
    CAPTURE(n);
    REQUIRE(n < 100);
    Waiting waiting;
    auto& log = waiting.pair.server.log;
    REQUIRE(waiting.raise());
    Host& server = *waiting.pair.server;
    CHECK(server.set_receiving(waiting.pair.callee, Receiving::paused) == ErrorCode::none);
    {
      const FailingAllocation failing(n, FailingThread::this_one_in_scopes);
      waiting.poll_counted();
      was_reached = failing.was_reached();
    }
    static_cast<void>(server.set_receiving(waiting.pair.callee, Receiving::on));
    waiting.pair.run(20ms);
    const Connection callee = waiting.pair.callee;
    if (log.count(EventType::disconnected, callee) > 0) {
      ++ended;
      CHECK(log.last(EventType::disconnected).error.code == ErrorCode::out_of_resources);
    } else {
      CHECK(log.texts() == waiting.expected);
    }
  }
  CHECK(ended > 0);
}

namespace {

/// Polls the client while its n-th allocation fails, and then with memory, until a last event.
struct Ends {
  explicit Ends(HostPair& rig) : pair(rig) {}

  void poll() {
    while (const auto event = pair.client->poll())
      count += event->is_last ? 1 : 0;
    pair.clock.advance(1ms);
  }
  /// Whether it came to the n-th.
  bool fail(int n) {
    const FailingAllocation failing(n);
    for (int i = 0; i < 50 && !failing.was_reached(); ++i) {
      try {
        poll();
      } catch (const std::bad_alloc&) {
      }
    }
    return failing.was_reached();
  }
  void wait() {
    for (int i = 0; i < 20'000 && count == 0; ++i)
      poll();
    for (int i = 0; i < 10; ++i)
      poll();
  }

  HostPair& pair;
  int count = 0;
};

}  // namespace

TEST_CASE("a call ends in an error, once, whatever there is no memory for") {
  for (const bool calls_again : {false, true}) {
    bool was_reached = true;
    for (int n = 1; was_reached; ++n) {
      CAPTURE(calls_again);
      CAPTURE(n);
      REQUIRE(n < 200);
      HostPair pair(test::memory_scheme());
      ConnectOptions options;
      if (calls_again) options.reconnect = ReconnectPolicy{.max_attempts = 1, .first_delay = 1ms};
      const auto dialled = pair.client->connect("memory://nowhere", options);
      REQUIRE(dialled);
      Ends ends(pair);
      was_reached = ends.fail(n);
      ends.wait();
      CHECK(ends.count == 1);
      CHECK(dialled->address() == Address());
    }
  }
}

TEST_CASE("what was up is told its end, once, whatever there is no memory for") {
  bool was_reached = true;
  for (int n = 1; was_reached; ++n) {
    CAPTURE(n);
    REQUIRE(n < 200);
    HostPair pair(test::memory_scheme());
    pair.connect();
    pair.network->sever_all();
    pair.clock.advance(5ms);
    Ends ends(pair);
    was_reached = ends.fail(n);
    ends.wait();
    CHECK(ends.count == 1);
    CHECK(pair.caller.address() == Address());
  }
}

}  // namespace tickwire
