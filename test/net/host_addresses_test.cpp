// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "lib/platform/resolver.hpp"
#include "test/support/host_pair.hpp"
#include "test/support/udp_proxy.hpp"

/// Names, ports and strangers: what a host meets outside its own process.
using namespace tickwire;
using namespace std::chrono_literals;
using test::EventLog;

namespace {

HostConfig quiet_config() {
  HostConfig config;
  config.log.level = LogLevel::off;
  return config;
}

/// Polls under the real clock until something comes, for at most a minute.
std::optional<Event> next_event(Host& host, EventLog& log) {
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (std::chrono::steady_clock::now() < deadline) {
    if (auto event = host.wait_for(100ms)) {
      log.add(*event);
      return event;
    }
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("a name is looked up on another thread than the one that asks") {
  struct Answer {
    std::mutex mutex;
    std::condition_variable told;
    std::optional<std::thread::id> thread;
  };
  const auto answer = std::make_shared<Answer>();  // outlives this case if that gives up
  detail::resolve_host("localhost", [answer](const detail::HostAddresses&) {
    const std::lock_guard lock(answer->mutex);
    answer->thread = std::this_thread::get_id();
    answer->told.notify_one();
  });
  std::unique_lock lock(answer->mutex);
  REQUIRE(answer->told.wait_for(lock, 30s, [&] { return answer->thread.has_value(); }));
  CHECK(*answer->thread != std::this_thread::get_id());
}

TEST_CASE("a host name that does not resolve ends in one error that names it") {
  Host host(quiet_config());
  ConnectOptions patient;
  patient.timeout = 1min;
  const auto dialled = host.connect("enet://no-such-host.invalid:7777", patient);
  REQUIRE(dialled);
  CHECK(dialled->address().host == "no-such-host.invalid");
  EventLog log;
  const auto event = next_event(host, log);
  REQUIRE(event);
  CHECK(event->type == EventType::error);
  CHECK(event->connection == *dialled);
  CHECK(event->error.code == ErrorCode::name_not_resolved);
  CHECK(event->error.message().find("no-such-host.invalid") != std::string::npos);
  for (int i = 0; i < 20; ++i)
    CHECK_FALSE(host.poll());
}

TEST_CASE("a call may be given up, and its host destroyed, while the name is looked up") {
  auto host = std::make_unique<Host>(quiet_config());
  const auto closed = host->connect("enet://closed-early.invalid:1");
  REQUIRE(closed);
  CHECK(closed->close() == ErrorCode::none);
  EventLog log;
  const auto event = next_event(*host, log);
  REQUIRE(event);
  CHECK(event->type == EventType::error);
  CHECK(event->error.code == ErrorCode::closed_locally);
  for (int i = 0; i < 5; ++i)
    REQUIRE(host->connect("enet://left-alone-" + std::to_string(i) + ".invalid:1"));
  host.reset();
}

TEST_CASE("localhost is a name that both ends know") {
  Host server(quiet_config());
  Host client(quiet_config());
  const auto bound = server.listen("enet://localhost:0");
  REQUIRE(bound);
  CHECK(bound->host == "127.0.0.1");
  const auto dialled = client.connect("enet://localhost:" + std::to_string(bound->port));
  REQUIRE(dialled);
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (!dialled->is_open() && std::chrono::steady_clock::now() < deadline) {
    while (server.poll()) {
    }
    while (client.poll()) {
    }
  }
  CHECK(dialled->is_open());
}

TEST_CASE("a port that another program holds is refused by name") {
  const test::UdpSocket holder(test::parse_udp_address("127.0.0.1:0"));
  const std::string url = "enet://" + test::to_text(holder.local());
  Host host(quiet_config());
  const auto bound = host.listen(url);
  REQUIRE_FALSE(bound);
  CHECK(bound.error().code == ErrorCode::address_in_use);
  CHECK(bound.error().system_code != 0);
  CHECK(bound.error().message().find(url) != std::string::npos);
}

TEST_CASE("addresses that cannot be are refused with a sentence that names them") {
  Host host(quiet_config());
  const auto listens = [&](const std::string& url) {
    const auto bound = host.listen(url);
    if (bound) return ErrorCode::none;
    CHECK_FALSE(bound.error().message().empty());
    return bound.error().code;
  };
  CHECK(listens("warp://127.0.0.1:1") == ErrorCode::unknown_scheme);
  CHECK(listens("enet://127.0.0.1") == ErrorCode::invalid_address);
  CHECK(listens("enet://127.0.0.1:banana") == ErrorCode::invalid_address);
  CHECK(listens("enet://example.org:7777") == ErrorCode::invalid_address);
  CHECK(listens("enet://[::1]:0") == ErrorCode::not_supported);
  CHECK(listens("enet://203.0.113.7:0") == ErrorCode::address_unavailable);
  CHECK(host.listen("warp://127.0.0.1:1").error().message().find("enet://") != std::string::npos);
  const auto dialled = host.connect("enet://[::1]:9");
  REQUIRE_FALSE(dialled);
  CHECK(dialled.error().code == ErrorCode::not_supported);
  CHECK(dialled.error().message().find("IPv4") != std::string::npos);
  CHECK_FALSE(host.poll());
}

TEST_CASE("random datagrams at the port of a server disturb nobody who talks to it") {
  test::HostPair pair(test::schemes()[1]);
  pair.connect();
  const test::UdpSocket stranger(test::parse_udp_address("127.0.0.1:0"));
  const auto server = test::parse_udp_address("127.0.0.1:" + std::to_string(pair.address.port));
  std::mt19937_64 random(7);
  constexpr std::size_t datagrams = 20'000;
  constexpr std::size_t messages = 2000;
  std::vector<std::byte> noise;
  for (std::size_t i = 0; i < datagrams; ++i) {
    // Mostly about as long as ENet's own, some longer than any socket buffer of its.
    const std::size_t size = random() % 50 == 0 ? random() % 9000 : random() % 80;
    noise.resize(size);
    for (std::byte& each : noise)
      each = static_cast<std::byte>(random());
    static_cast<void>(stranger.send(noise, server));
    if (i % (datagrams / messages) != 0) continue;
    REQUIRE(test::send_text(pair.caller, std::to_string(i), test::on_channel(3)));
    pair.step();
  }
  REQUIRE(pair.until([&] { return pair.server.log.messages() == messages; }));
  const auto texts = pair.server.log.texts();
  for (std::size_t i = 0; i < messages; ++i)
    REQUIRE(texts[i] == std::to_string(i * (datagrams / messages)));
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::data_sent) == messages; }));
  CHECK(pair.server.log.count(EventType::connected) == 1);
  CHECK(pair.server.log.count(EventType::disconnected) == 0);
  CHECK(pair.server->stats().malformed_datagrams > 0);
}
