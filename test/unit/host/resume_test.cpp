// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "test/support/counting_resource.hpp"
#include "test/support/host_pair.hpp"

/// Connections that outlive their links.
using namespace tickwire;
using namespace std::chrono_literals;
using test::HostPair;
using test::PairOptions;

namespace {

PairOptions resumable(Duration window = 10s) {
  PairOptions options;
  options.server.timeouts.resume_window = window;
  options.client.timeouts.resume_window = window;
  return options;
}

std::size_t told(const HostPair& pair, EventType type) {
  return pair.client.log.count(type) + pair.server.log.count(type);
}

}  // namespace

TEST_CASE("a connection outlives its link with the same handles, and nothing is lost or doubled") {
  HostPair pair(test::memory_scheme(), resumable());
  pair.connect();
  for (int i = 0; i < 50; ++i) {
    REQUIRE(test::send_text(pair.caller, "there " + std::to_string(i)));
    REQUIRE(test::send_text(pair.callee, "back " + std::to_string(i)));
    if (i == 20) pair.network->sever_all();
    if (i % 3 == 0) pair.step();
  }
  REQUIRE(
      pair.until([&] { return pair.server.log.messages() + pair.client.log.messages() == 100; }));
  REQUIRE(pair.until([&] { return told(pair, EventType::data_sent) == 100; }));
  CHECK(told(pair, EventType::interrupted) == 2);
  CHECK(told(pair, EventType::resumed) == 2);
  CHECK(told(pair, EventType::disconnected) == 0);
  CHECK(pair.client.log.last(EventType::interrupted).error.code == ErrorCode::connection_reset);
  CHECK(pair.client.log.last(EventType::resumed).connection == pair.caller);
  CHECK(pair.server.log.last(EventType::resumed).connection == pair.callee);
  CHECK(pair.caller.stats().interruptions == 1);
  for (int i = 0; i < 50; ++i) {
    CHECK(pair.server.log.texts()[static_cast<std::size_t>(i)] == "there " + std::to_string(i));
    CHECK(pair.client.log.texts()[static_cast<std::size_t>(i)] == "back " + std::to_string(i));
  }
}

TEST_CASE("cut at any moment, with messages of every size, all arrive once and in order") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    INFO("seed ", seed);
    PairOptions options = resumable();
    options.seed = seed;
    options.network.delay = 5ms;
    options.network.jitter = 5ms;
    options.network.bandwidth_bytes_per_second = 20'000'000;
    options.server.limits.max_reassembly_bytes = 17 * 1024 * 1024;
    options.server.limits.max_host_reassembly_bytes = 17 * 1024 * 1024;
    HostPair pair(test::memory_scheme(), std::move(options));
    pair.connect();
    std::mt19937_64 random(seed);
    const auto below = [&](std::uint64_t limit) { return random() % limit; };
    std::map<std::uint8_t, std::vector<std::string>> there;
    std::map<std::uint8_t, std::vector<std::string>> back;
    std::size_t queued = 0;
    for (int step = 0; step < 300; ++step) {
      for (std::uint64_t n = below(4); n > 0; --n) {
        const auto channel = static_cast<std::uint8_t>(below(3));
        const std::size_t bytes = below(10) == 0 ? below(400'000) : below(3000);
        const std::string text = test::pattern(bytes, static_cast<std::uint32_t>(random()));
        const bool is_there = below(2) == 0;
        if (!test::send_text(is_there ? pair.caller : pair.callee, text,
                             test::on_channel(channel))) {
          continue;  // the queue is full
        }
        (is_there ? there : back)[channel].push_back(text);
        ++queued;
      }
      if (below(40) == 0) pair.network->sever_all();
      pair.step();
    }
    REQUIRE(pair.until([&] {
      return pair.server.log.messages() + pair.client.log.messages() == queued &&
             told(pair, EventType::data_sent) == queued;
    }));
    for (std::uint8_t channel = 0; channel < 3; ++channel) {
      CHECK(pair.server.log.texts_on(channel) == there[channel]);
      CHECK(pair.client.log.texts_on(channel) == back[channel]);
    }
    CHECK(told(pair, EventType::disconnected) == 0);
    CHECK(told(pair, EventType::interrupted) == told(pair, EventType::resumed));
    CHECK(told(pair, EventType::interrupted) > 0);
    for (const auto* host : {&pair.client, &pair.server}) {
      for (const test::Told& each : host->log.all()) {
        if (each.type == EventType::data_sent) CHECK(each.receipt == Receipt::acknowledged);
      }
    }
  }
}

TEST_CASE("a cable that is out for longer than the idle time-out interrupts, and no more") {
  PairOptions options = resumable(60s);
  HostPair pair(test::memory_scheme(), std::move(options));
  pair.connect();
  pair.network->drop_everything(30s);
  for (int i = 0; i < 10; ++i) {
    REQUIRE(test::send_text(pair.caller, std::to_string(i)));
    pair.run(3s, 10ms);
  }
  REQUIRE(pair.until([&] { return pair.server.log.messages() == 10; }, 10ms));
  CHECK(pair.server.log.texts().back() == "9");
  CHECK(told(pair, EventType::disconnected) == 0);
  CHECK(pair.client.log.count(EventType::interrupted) == 1);
  CHECK(pair.client.log.last(EventType::interrupted).error.code == ErrorCode::connection_lost);
}

TEST_CASE("what is called back can be asked how that goes") {
  PairOptions options = resumable(60s);
  options.client.timeouts.connect = 1s;
  HostPair pair(test::memory_scheme(), std::move(options));
  pair.connect();
  pair.network->drop_everything(30s);
  REQUIRE(test::send_text(pair.caller, "anybody there?"));
  REQUIRE(pair.until([&] { return told(pair, EventType::interrupted) == 2; }, 10ms));
  REQUIRE(pair.caller.call_status());
  CHECK(pair.caller.call_status()->attempt == 1);
  CHECK(pair.caller.call_status()->last_error == ErrorCode::connection_lost);
  CHECK_FALSE(pair.callee.call_status());  // it waits
  std::size_t attempts = 0;
  REQUIRE(pair.until(
      [&] {
        const auto status = pair.caller.call_status();
        if (!status) return true;
        attempts = std::max(attempts, status->attempt);
        if (status->attempt > 1) CHECK(status->last_error == ErrorCode::connect_timed_out);
        return false;
      },
      10ms));
  CHECK(attempts > 1);
  CHECK(pair.caller.is_open());
  pair.network->sever_all();
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::interrupted) == 2; }));
  REQUIRE(pair.caller.call_status());
  CHECK(pair.caller.call_status()->attempt == 1);
  CHECK(pair.caller.call_status()->last_error == ErrorCode::connection_reset);
}

TEST_CASE("a call back that was refused stays so for as long as the next one waits") {
  PairOptions options = resumable(60s);
  options.client.timeouts.connect = 200ms;
  HostPair pair(test::memory_scheme(), std::move(options));
  pair.connect();
  pair.server.host.reset();
  std::size_t attempts = 0;
  REQUIRE(pair.until([&] {
    const auto status = pair.caller.call_status();
    attempts = status ? status->attempt : 0;
    if (attempts > 1) CHECK(status->last_error == ErrorCode::connection_refused);
    return attempts == 5;
  }));
}

TEST_CASE("the call back is the first as the interruption is told") {
  HostPair pair(test::memory_scheme(), resumable());
  pair.connect();
  pair.client.awake = false;
  pair.network->sever_all();
  std::optional<CallStatus> status;
  REQUIRE(pair.until([&] {
    const auto event = pair.client->poll();
    if (!event || event->type != EventType::interrupted) return false;
    status = pair.caller.call_status();
    return true;
  }));
  REQUIRE(status);
  CHECK(status->attempt == 1);
  CHECK(status->last_error == ErrorCode::connection_reset);
}

TEST_CASE("when nobody comes back in time, both ends are told what was lost") {
  HostPair pair(test::memory_scheme(), resumable(3s));
  pair.connect();
  const auto sent = test::send_text(pair.caller, "never");
  REQUIRE(sent);
  pair.server.awake = false;
  pair.network->sever_all();
  pair.client->flush();
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::disconnected) == 1; }, 10ms));
  CHECK(pair.client.log.last(EventType::disconnected).error.code == ErrorCode::connection_reset);
  CHECK(pair.client.log.receipt(*sent) != Receipt::acknowledged);
  pair.server.awake = true;
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::disconnected) == 1; }, 10ms));
  CHECK(told(pair, EventType::resumed) == 0);
  CHECK_FALSE(pair.caller.is_open());
}

TEST_CASE("a host that forgot the connection turns away who comes back to it") {
  HostPair pair(test::memory_scheme(), resumable());
  pair.connect();
  HostConfig config;
  config.timeouts.resume_window = 10s;
  pair.server.host.reset();
  auto& second = pair.add(config);
  REQUIRE(second->listen(pair.address.to_string()));
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::disconnected) == 1; }));
  CHECK(pair.client.log.count(EventType::resumed) == 0);
  CHECK(second->connections().empty());
  CHECK(second->stats().handshakes_refused == 1);
}

TEST_CASE("both ends must want it, and a link that others can read is not enough by itself") {
  PairOptions options;
  SUBCASE("the dialler does not") {
    options.server.timeouts.resume_window = 10s;
  }
  SUBCASE("the acceptor does not") {
    options.client.timeouts.resume_window = 10s;
  }
  HostPair pair(test::memory_scheme(), std::move(options));
  pair.connect();
  pair.network->sever_all();
  REQUIRE(pair.until([&] { return told(pair, EventType::disconnected) == 2; }));
  CHECK(told(pair, EventType::interrupted) == 0);
}

TEST_CASE("whoever comes back finds its place, even where no other is left") {
  PairOptions options = resumable();
  options.server.limits.max_connections = 2;
  HostPair pair(test::memory_scheme(), std::move(options));
  pair.connect();
  auto& other = pair.add(pair.complete([] {
    HostConfig config;
    config.timeouts.resume_window = 10s;
    return config;
  }()));
  const Connection second = pair.connect(other);
  pair.network->sever_all();
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::resumed) == 2; }));
  CHECK(second.is_open());
  CHECK(pair.server->stats().refused_full == 0);
  // A newcomer still hears that it is full.
  auto& late = pair.add();
  REQUIRE(late->connect(pair.address.to_string()));
  REQUIRE(pair.until([&] { return late.log.count(EventType::error) == 1; }));
  CHECK(late.log.last(EventType::error).error.code == ErrorCode::server_full);
  pair.run(20ms);
  CHECK(pair.server->stats().refused_full == 1);
}

TEST_CASE("what waits for a way back counts against the queue") {
  PairOptions options = resumable();
  options.client.limits.max_message_bytes = 100'000;
  options.client.limits.max_send_queue_bytes = 200'000;
  HostPair pair(test::memory_scheme(), std::move(options));
  pair.connect();
  pair.server.awake = false;
  std::size_t taken = 0;
  while (test::send_text(pair.caller, std::string(10'000, 'x'))) {
    ++taken;
    pair.step();
    REQUIRE(taken < 100);
  }
  CHECK(taken <= 20);
  CHECK(pair.caller.stats().drops.refused_queue_full == 1);
  pair.server.awake = true;
  pair.network->sever_all();
  REQUIRE(pair.until([&] { return pair.server.log.messages() == taken; }));
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::data_sent) == taken; }));
  CHECK(test::send_text(pair.caller, std::string(10'000, 'x')));
}

TEST_CASE("a close while it is interrupted ends it at once") {
  HostPair pair(test::memory_scheme(), resumable(2s));
  pair.connect();
  pair.server.awake = false;
  pair.network->sever_all();
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::interrupted) == 1; }));
  CHECK(pair.caller.is_open());
  CHECK(pair.caller.close() == ErrorCode::none);
  pair.step();
  CHECK(pair.client.log.last(EventType::disconnected).error.code == ErrorCode::closed_locally);
  pair.server.awake = true;
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::disconnected) == 1; }));
}

TEST_CASE("an answer that came while the program stood still is not thrown away") {
  for (int steps = 2; steps < 6; ++steps) {
    CAPTURE(steps);
    PairOptions options = resumable(120s);
    options.server.timeouts.idle = 30s;
    options.client.timeouts.idle = 30s;
    HostPair pair(test::memory_scheme(), options);
    pair.connect();
    pair.network->sever_all();
    for (int i = 0; i < steps; ++i)
      pair.step();
    pair.client.awake = false;
    pair.run(6s, 1s);
    pair.client.awake = true;
    pair.run(3s);
    CHECK(told(pair, EventType::resumed) == 2);
    CHECK(told(pair, EventType::interrupted) == 2);
  }
}

TEST_CASE("a connection that there is no memory to resume ends, and nothing is thrown") {
  test::CountingResource memory;
  PairOptions options = resumable(60s);
  options.server.memory = &memory;
  HostPair pair(test::memory_scheme(), options);
  pair.connect();
  pair.network->set_conditions(NetworkDirection::to_dialler, {.delay = 500ms});
  for (int i = 0; i < 60; ++i) {
    for (int j = 0; j < 40; ++j)
      static_cast<void>(test::send_text(pair.callee, test::pattern(300)));
    pair.step();
  }
  pair.network->sever_all();
  pair.network->set_conditions({});
  pair.step();
  memory.leave(0);
  CHECK_NOTHROW(pair.run(200ms));
  memory.lift_limit();
  pair.run(1s);
  REQUIRE(pair.server.log.count(EventType::disconnected) == 1);
  CHECK(pair.server.log.last(EventType::disconnected).error.code == ErrorCode::out_of_resources);
  CHECK(told(pair, EventType::resumed) == 0);
}
