// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <tickwire/codec.hpp>

#include "test/support/host_pair.hpp"

/// Ticks, posts from other threads, and the log.
using namespace tickwire;
using namespace std::chrono_literals;
using test::HostPair;

namespace {

/// A host on a clock that only moves when told to.
struct Ticking {
  explicit Ticking(double rate_hz) {
    HostConfig config;
    config.tick_rate_hz = rate_hz;
    config.clock = &clock;
    host = std::make_unique<Host>(config);
  }
  ManualClock clock;
  std::unique_ptr<Host> host;
};

/// What a host has logged.
class Lines {
 public:
  /// For a host that ends before this does.
  [[nodiscard]] LogConfig log() {
    return {.level = LogLevel::info, .sink = [this](LogLevel level, std::string_view line) {
              CHECK(level >= LogLevel::info);
              lines_.emplace_back(line);
            }};
  }
  [[nodiscard]] bool have(std::string_view words) const {
    return std::any_of(lines_.begin(), lines_.end(), [&](const std::string& line) {
      return line.find(words) != std::string::npos;
    });
  }

 private:
  std::vector<std::string> lines_;
};

}  // namespace

TEST_CASE("every kind of pass runs the ticks that are due") {
  Ticking world(100);
  std::vector<Tick> ticks;
  world.host->on_update([&](const Tick& tick) { ticks.push_back(tick); });
  CHECK_FALSE(world.host->poll());
  CHECK(ticks.empty());
  world.clock.advance(10ms);
  CHECK_FALSE(world.host->poll());
  world.clock.advance(10ms);
  world.host->update();
  world.clock.advance(12ms);
  CHECK_FALSE(world.host->wait_for(0s));
  REQUIRE(ticks.size() == 3);
  CHECK(ticks[0].index + 1 == ticks[1].index);
  CHECK(ticks[2].late_by == 2ms);
  CHECK(ticks[2].delta == 10ms);
  CHECK(world.host->stats().ticks_run == 3);
}

TEST_CASE("after a stall a bounded number of ticks is made up for, and the rest is counted") {
  Ticking world(100);
  int ticks = 0;
  world.host->on_update([&](const Tick&) { ++ticks; });
  world.clock.advance(1s);
  CHECK_FALSE(world.host->poll());
  CHECK(ticks == 5);
  CHECK(world.host->stats().ticks_skipped == 95);
}

TEST_CASE("an update hook may add another while it runs") {
  Ticking world(100);
  std::vector<std::string> told;
  const std::string name(100, 'h');
  for (int i = 0; i < 4; ++i) {
    world.host->on_update([&told, &world, name, added = false](const Tick&) mutable {
      if (!added) {
        added = true;
        for (int n = 0; n < 20; ++n)
          world.host->on_update([&told, name](const Tick&) { told.push_back("new " + name); });
      }
      told.push_back("old " + name);
    });
  }
  world.clock.advance(10ms);
  CHECK_FALSE(world.host->poll());
  world.clock.advance(10ms);
  told.clear();
  CHECK_FALSE(world.host->poll());
  CHECK(told.size() == 84);
  CHECK(told.front() == "old " + name);
}

TEST_CASE("a posted function runs once, on the next pass, before its events") {
  HostPair pair(test::memory_scheme());
  pair.connect();
  std::vector<std::string> order;
  CHECK(pair.client->post([&] {
    order.emplace_back("posted");
    CHECK(pair.client->post([&] { order.emplace_back("posted inside"); }));
    CHECK_FALSE(pair.client->poll());
  }));
  CHECK(order.empty());
  pair.client.poll();
  CHECK(order == std::vector<std::string>{"posted"});
  pair.client.poll();
  CHECK(order == std::vector<std::string>{"posted", "posted inside"});
  pair.client.poll();
  CHECK(order.size() == 2);
}

TEST_CASE("a posted function that throws takes nothing from those behind it") {
  HostPair pair(test::memory_scheme());
  std::vector<std::string> order;
  CHECK(pair.client->post([&] { order.emplace_back("first"); }));
  CHECK(pair.client->post([] { throw std::runtime_error("no"); }));
  CHECK(pair.client->post([&] { order.emplace_back("third"); }));
  CHECK_THROWS_AS(pair.client.poll(), std::runtime_error);
  CHECK(order == std::vector<std::string>{"first"});
  CHECK(pair.client->post([&] { order.emplace_back("fourth"); }));
  pair.client.poll();
  pair.client.poll();
  pair.client.poll();
  CHECK(order == std::vector<std::string>{"first", "third", "fourth"});
}

TEST_CASE("what was posted behind a function that threw goes with its host") {
  auto host = std::make_unique<Host>();
  const auto kept = std::make_shared<int>(1);
  REQUIRE(host->post([] { throw std::runtime_error("no"); }));
  REQUIRE(host->post([kept] {}));
  CHECK_THROWS_AS(static_cast<void>(host->poll()), std::runtime_error);
  CHECK(kept.use_count() == 2);
  host.reset();
  CHECK(kept.use_count() == 1);
}

TEST_CASE("a poster outlives its host, and says so") {
  auto host = std::make_unique<Host>();
  const Poster poster = host->poster();
  const Poster copy = poster;
  auto alive = std::make_shared<int>(1);
  CHECK(copy([alive] {}));
  CHECK(alive.use_count() == 2);
  host.reset();
  CHECK(alive.use_count() == 1);
  bool ran = false;
  CHECK_FALSE(copy([&ran, alive] { ran = true; }));
  CHECK_FALSE(poster([] {}));
  CHECK_FALSE(ran);
  CHECK(alive.use_count() == 1);
}

TEST_CASE("posts from many threads all run, none twice") {
  Host host;
  std::atomic<int> taken{0};
  int ran = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&taken, &ran, poster = host.poster()] {
      for (int i = 0; i < 500; ++i)
        taken += poster([&ran] { ++ran; }) ? 1 : 0;
    });
  }
  for (int i = 0; i < 50; ++i)
    CHECK_FALSE(host.poll());
  for (std::thread& each : threads)
    each.join();
  CHECK_FALSE(host.poll());
  CHECK(taken == 2000);
  CHECK(ran == 2000);
}

TEST_CASE("posts race with the end of the host without harm") {
  for (int round = 0; round < 20; ++round) {
    auto host = std::make_unique<Host>();
    std::atomic<bool> over{false};
    std::thread other([&over, poster = host->poster()] {
      while (poster([] {})) {
      }
      over = true;
    });
    CHECK_FALSE(host->poll());
    host.reset();
    other.join();
    CHECK(over);
  }
}

TEST_CASE("log lines go to the sink, from the level that was asked for") {
  Lines lines;
  test::PairOptions options;
  options.client.log = lines.log();
  HostPair pair(test::memory_scheme(), std::move(options));
  pair.connect();
  CHECK(pair.caller.close() == ErrorCode::none);
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::disconnected) == 1; }));
  CHECK(lines.have(pair.address.to_string() + ": connected"));
  CHECK(lines.have(pair.address.to_string() + ": disconnected"));
  CHECK_FALSE(lines.have("resumed"));
  CHECK(pair.server.lines.empty());
}

TEST_CASE("who wants connections to come back is told of one that cannot") {
  Lines lines;
  test::PairOptions options;
  options.client.log = lines.log();
  options.client.timeouts.resume_window = 5s;
  bool can = false;
  SUBCASE("as the other end does not want it") {}
  SUBCASE("but not of one that can") {
    options.server.timeouts.resume_window = 5s;
    can = true;
  }
  HostPair pair(test::memory_scheme(), std::move(options));
  pair.connect();
  CHECK(lines.have(": connected"));
  CHECK(lines.have("it cannot be resumed") != can);
}

TEST_CASE("a log sink that throws harms nobody") {
  int lines = 0;
  test::PairOptions options;
  options.client.log.level = LogLevel::info;
  options.client.log.sink = [&](LogLevel, std::string_view) {
    ++lines;
    throw std::runtime_error("the disk is full");
  };
  options.server.log.level = LogLevel::info;
  options.server.log.sink = options.client.log.sink;
  HostPair pair(test::memory_scheme(), std::move(options));
  pair.connect();
  CHECK(pair.client->post([&] { CHECK_FALSE(pair.client->poll()); }));
  pair.run(5ms);
  REQUIRE(test::send_text(pair.caller, "x"));
  CHECK(pair.caller.close() == ErrorCode::none);
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::disconnected) == 1; }));
  CHECK(pair.server.log.messages() == 1);
  CHECK(lines >= 5);
}

TEST_CASE("after a listener or hook that throws, the pass goes on with the next event") {
  HostPair pair(test::memory_scheme());
  pair.connect();
  pair.client.awake = false;
  for (int i = 0; i < 3; ++i)
    REQUIRE(test::send_text(pair.callee, std::to_string(i)));
  pair.server.poll();
  std::vector<std::string> told;
  std::string who = "listener";
  const auto once = [&](const char* name) {
    if (who == name) throw std::runtime_error(std::exchange(who, {}));
  };
  const auto first = pair.client->on_message<std::string>([&](Connection, const std::string& text) {
    told.push_back(text);
    once("listener");
  });
  const auto second = pair.client->on_event([&](const Event& event) {
    if (event.type == EventType::object_received) told.emplace_back("second");
  });
  int ticks = 0;
  pair.client->on_update([&](const Tick&) {
    ++ticks;
    once("hook");
  });
  CHECK_THROWS_WITH(pair.client->update(), "listener");
  CHECK(told == std::vector<std::string>{"0"});
  pair.client->update();
  CHECK(told == std::vector<std::string>{"0", "1", "second", "2", "second"});

  who = "hook";
  told.clear();
  pair.clock.advance(100ms);
  REQUIRE(test::send_text(pair.callee, "3"));
  pair.server.poll();
  CHECK_THROWS_WITH(pair.client->run(), "hook");
  CHECK_FALSE(pair.client->is_running());
  CHECK(told == std::vector<std::string>{"3", "second"});
  CHECK(test::send_text(pair.caller, "behind it"));
  pair.client->update();
  CHECK(ticks >= 2);
  pair.server.poll();
  CHECK(pair.server.log.texts().back() == "behind it");
}

TEST_CASE("a program that stops in the middle of its events still sends with flush()") {
  HostPair pair(test::memory_scheme());
  pair.connect();
  for (int i = 0; i < 10; ++i)
    REQUIRE(test::send_text(pair.callee, "x"));
  pair.server.poll();
  pair.client.awake = false;
  REQUIRE(pair.until([&] { return pair.client->poll().has_value(); }));
  REQUIRE(test::send_text(pair.caller, "in between"));
  pair.client->flush();
  REQUIRE(pair.until([&] { return pair.server.log.messages() == 1; }));
  // The pass goes on where it was left.
  int rest = 0;
  while (pair.client->poll())
    ++rest;
  CHECK(rest >= 9);
}

TEST_CASE("what a slow program sends in its pass is as fresh as the moment when it was sent") {
  HostPair pair(test::memory_scheme());
  pair.connect();
  REQUIRE(test::send_text(pair.callee, "load the level"));
  pair.client.awake = false;
  bool sent = false;
  REQUIRE(pair.until([&] {
    while (const auto event = pair.client->poll()) {
      if (event->type != EventType::object_received) continue;
      pair.clock.advance(2s);
      sent = test::send_text(pair.caller, "ready", test::with(Delivery::unreliable)).has_value();
    }
    return sent;
  }));
  CHECK(pair.until([&] { return pair.server.log.messages() == 1; }));
  CHECK(pair.caller.stats().drops.unreliable_too_old == 0);
}

TEST_CASE("inside an update hook or a posted function the host cannot be pumped") {
  HostPair pair(test::memory_scheme());
  pair.connect();
  int hooks = 0;
  const auto try_all = [&] {
    ++hooks;
    CHECK_FALSE(pair.client->poll());
    CHECK_FALSE(pair.client->wait_for(1h));
    CHECK(pair.client->run() == ErrorCode::reentrant_call);
    CHECK(pair.client->wait_connected(pair.caller, 1h).error().code == ErrorCode::reentrant_call);
    CHECK(test::send_text_and_wait(*pair.client, pair.caller, "x", 1h).error().code ==
          ErrorCode::reentrant_call);
    pair.client->update();
    pair.client->flush();
  };
  pair.client->on_update([&](const Tick&) { try_all(); });
  CHECK(pair.client->post(try_all));
  pair.run(100ms, 20ms);
  CHECK(hooks >= 5);
  CHECK(pair.server.log.messages() == 0);
  CHECK(pair.caller.is_open());
}

TEST_CASE("what the program keeps with a host may use its connections as it goes with the host") {
  struct Player {
    Player(Connection its, std::size_t& count) : connection(its), closed(count) {}
    ~Player() { closed += connection.close() == ErrorCode::none ? 1 : 0; }
    Player(const Player&) = delete;
    Player& operator=(const Player&) = delete;
    Connection connection;
    std::size_t& closed;
  };
  test::HostPair pair(test::memory_scheme());
  pair.connect();
  std::size_t closed = 0;
  const auto keep = [&] { return std::make_shared<Player>(pair.caller, closed); };
  REQUIRE(pair.caller.set_user_data(keep()) == ErrorCode::none);
  pair.client->on_update([kept = keep()](const Tick&) {});
  const auto subscription = pair.client->on_event([kept = keep()](const Event&) {});
  pair.client.host.reset();
  CHECK(closed == 3);
}
