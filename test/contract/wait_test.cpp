// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "test/support/host_pair.hpp"

/// Calls that sleep, and threads that wake them; under the real clock.
using namespace tickwire;
using namespace std::chrono_literals;

namespace {

constexpr Duration kLong = 20s;

/// A server on a thread of its own, which echoes objects, and a client on this one.
class EchoServer {
 public:
  explicit EchoServer(const test::Scheme& scheme, Duration spin = Duration::zero(),
                      std::optional<double> tick_rate_hz = std::nullopt)
      : network_(std::make_shared<MemoryNetwork>()),
        spin_(spin),
        tick_rate_hz_(tick_rate_hz),
        host_(config()) {
    host_.on_update([this](const Tick&) { ++ticks; });
    auto bound = host_.listen(scheme.listen_url());
    REQUIRE(bound);
    url = bound->to_string();
    thread_ = std::thread([this] {
      const auto echo = host_.on_event([this](const Event& event) {
        if (event.type != EventType::object_received) return;
        const Connection back[] = {event.connection};
        CHECK(host_.forward(event, back).queued == 1);
      });
      CHECK(host_.run() == ErrorCode::none);
    });
  }
  ~EchoServer() {
    host_.stop();
    thread_.join();
  }
  EchoServer(const EchoServer&) = delete;
  EchoServer& operator=(const EchoServer&) = delete;

  [[nodiscard]] HostConfig config() const {
    HostConfig config = test::local_config();
    config.memory_network = network_;
    config.tick_rate_hz = tick_rate_hz_;
    config.log.level = LogLevel::off;
    config.spin = spin_;
    return config;
  }
  Host& host() { return host_; }

  std::string url;
  std::atomic<int> ticks = 0;

 private:
  std::shared_ptr<MemoryNetwork> network_;
  Duration spin_;
  std::optional<double> tick_rate_hz_;
  Host host_;
  std::thread thread_;
};

std::optional<Event> wait_for_type(Host& host, EventType type) {
  const auto deadline = std::chrono::steady_clock::now() + kLong;
  while (std::chrono::steady_clock::now() < deadline) {
    auto event = host.wait_for(kLong);
    if (event && event->type == type) return event;
  }
  return std::nullopt;
}

void expect_echo(Host& host, Connection connection, const std::string& text) {
  REQUIRE(test::send_text(connection, text));
  const auto event = wait_for_type(host, EventType::object_received);
  REQUIRE(event);
  CHECK(event->bytes().size() == text.size() + 1);
}

}  // namespace

CONTRACT_CASE(
    "wait_for sleeps until something arrives, and so does run, whether they spin or not") {
  for (const Duration spin : {Duration::zero(), Duration(1us), Duration(20ms)}) {
    EchoServer server(scheme, spin);
    Host client(server.config());
    const auto dialled = client.connect(server.url);
    REQUIRE(dialled);
    REQUIRE(wait_for_type(client, EventType::connected));
    for (int i = 0; i < 100; ++i)
      expect_echo(client, *dialled, "round " + std::to_string(i));
    for (int i = 0; i < 100; ++i) {
      REQUIRE(test::send_text(*dialled, "one of many"));
      client.flush();  // a datagram or a write for each
    }
    for (int i = 0; i < 100; ++i)
      REQUIRE(wait_for_type(client, EventType::object_received));
  }
}

CONTRACT_CASE("who spins at a busy connection hears of others, and of what is posted") {
  EchoServer server(scheme, 1s);
  std::atomic<bool> is_over = false;
  std::atomic<int> rounds = 0;
  std::promise<void> began;
  std::thread busy([&] {
    Host host(server.config());
    const auto dialled = host.connect(server.url);
    REQUIRE(dialled);
    REQUIRE(host.wait_connected(*dialled, kLong));
    expect_echo(host, *dialled, "the first one");
    began.set_value();
    for (; !is_over; ++rounds)
      expect_echo(host, *dialled, "and the next");
  });
  began.get_future().wait();
  Host other(server.config());
  const auto dialled = other.connect(server.url);
  CHECK(other.wait_connected(*dialled, kLong));
  for (const char* text : {"there", "is", "another one"})
    expect_echo(other, *dialled, text);
  std::promise<void> ran;
  CHECK(server.host().post([&] { ran.set_value(); }));
  CHECK(ran.get_future().wait_for(kLong) == std::future_status::ready);
  is_over = true;
  busy.join();
  CHECK(rounds < 30'000);  // a few hundred, where nobody starves
}

CONTRACT_CASE("who spins ticks in time") {
  EchoServer server(scheme, 1s, 200.0);
  Host client(server.config());
  const auto dialled = client.connect(server.url);
  REQUIRE(dialled);
  REQUIRE(client.wait_connected(*dialled, kLong));
  expect_echo(client, *dialled, "it is read unasked from now on");
  const int before = server.ticks;
  const auto deadline = std::chrono::steady_clock::now() + kLong;
  while (server.ticks < before + 3 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(1ms);
  CHECK(server.ticks >= before + 3);
}

CONTRACT_CASE("wait_connected returns when the connection is up, and at once when it was already") {
  EchoServer server(scheme);
  Host client(server.config());
  const auto dialled = client.connect(server.url);
  REQUIRE(dialled);
  const auto up = client.wait_connected(*dialled, kLong);
  REQUIRE(up);
  CHECK(*up == *dialled);
  CHECK(dialled->is_open());
  CHECK(client.wait_connected(*dialled, 24h));
  CHECK_FALSE(client.poll());
}

CONTRACT_CASE("wait_connected returns the error that ends the call, and consumes it") {
  EchoServer server(scheme);
  HostConfig config = server.config();
  config.application = "something else";
  Host client(config);
  const auto dialled = client.connect(server.url);
  REQUIRE(dialled);
  const auto up = client.wait_connected(*dialled, kLong);
  REQUIRE_FALSE(up);
  CHECK(up.error().code == ErrorCode::application_mismatch);
  CHECK_FALSE(client.poll());
  const auto again = client.wait_connected(*dialled, kLong);
  REQUIRE_FALSE(again);
  CHECK(again.error().code == ErrorCode::not_connected);
}

CONTRACT_CASE("wait_connected gives up in time, and the call goes on") {
  HostConfig config = test::local_config();
  config.memory_network = std::make_shared<MemoryNetwork>();
  config.log.level = LogLevel::off;
  Host server(config);
  Host client(config);
  const auto bound = server.listen(scheme.listen_url());
  REQUIRE(bound);
  const auto dialled = client.connect(bound->to_string());
  REQUIRE(dialled);
  const auto up = client.wait_connected(*dialled, 1ms);
  REQUIRE_FALSE(up);
  CHECK(up.error().code == ErrorCode::timed_out);
  const auto deadline = std::chrono::steady_clock::now() + kLong;
  while (!dialled->is_open() && std::chrono::steady_clock::now() < deadline) {
    while (server.poll()) {
    }
    while (client.poll()) {
    }
  }
  CHECK(dialled->is_open());
  CHECK(client.wait_connected(Connection(), 1s).error().code == ErrorCode::not_connected);
}

CONTRACT_CASE("wait_connected leaves other events in order, with a ring that is full of them") {
  EchoServer server(scheme);
  HostConfig config = server.config();
  config.event_capacity = 4;
  Host client(config);
  const auto first = client.connect(server.url);
  REQUIRE(first);
  REQUIRE(client.wait_connected(*first, kLong));
  for (int i = 0; i < 50; ++i)
    REQUIRE(test::send_text(*first, std::to_string(i)));
  client.flush();
  const auto second = client.connect(server.url);
  REQUIRE(second);
  REQUIRE(client.wait_connected(*second, kLong));
  std::vector<std::string> texts;
  while (texts.size() < 50) {
    const auto event = wait_for_type(client, EventType::object_received);
    REQUIRE(event);
    CHECK(event->connection == *first);
    const auto bytes = event->bytes().subspan(1);
    texts.emplace_back(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  for (int i = 0; i < 50; ++i)
    CHECK(texts[static_cast<std::size_t>(i)] == std::to_string(i));
}

CONTRACT_CASE("send_and_wait returns when the other end has the message") {
  EchoServer server(scheme);
  Host client(server.config());
  const auto dialled = client.connect(server.url);
  REQUIRE(dialled);
  REQUIRE(client.wait_connected(*dialled, kLong));
  const auto sent = test::send_text_and_wait(client, *dialled, "certain", kLong);
  REQUIRE(sent);
  const auto lossy =
      test::send_text_and_wait(client, *dialled, "quick", kLong, test::with(Delivery::unreliable));
  REQUIRE(lossy);
  CHECK(*lossy > *sent);
  const auto echoed = wait_for_type(client, EventType::object_received);
  CHECK(echoed);
  const auto refused = test::send_text_and_wait(client, *dialled, "x", kLong, test::on_channel(60));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::no_such_channel);
}

CONTRACT_CASE("a post from another thread wakes a host that sleeps") {
  HostConfig config = test::local_config();
  config.memory_network = std::make_shared<MemoryNetwork>();
  config.tick_rate_hz = std::nullopt;
  Host host(config);
  REQUIRE(host.listen(scheme.listen_url()));
  std::atomic<bool> done{false};
  std::thread other([poster = host.poster(), &done] { CHECK(poster([&done] { done = true; })); });
  const auto deadline = std::chrono::steady_clock::now() + kLong;
  while (!done && std::chrono::steady_clock::now() < deadline)
    static_cast<void>(host.wait_for(kLong));
  other.join();
  CHECK(done);
}

CONTRACT_CASE("an endless wait ends with what it waits for") {
  EchoServer server(scheme);
  Host client(server.config());
  const auto dialled = client.connect(server.url);
  REQUIRE(dialled);
  REQUIRE(client.wait_connected(*dialled, Duration::max()));
  REQUIRE(test::send_text(*dialled, "x"));
  std::optional<Event> event;
  while (!event || event->type != EventType::object_received)
    event = client.wait_for(Duration::max());
  CHECK(event->connection == *dialled);
}

CONTRACT_CASE("hosts on threads of their own talk, and lose nothing") {
  EchoServer server(scheme);
  constexpr int clients = 3;
  constexpr int messages = 300;
  std::atomic<int> complete{0};
  std::vector<std::thread> threads;
  for (int c = 0; c < clients; ++c) {
    threads.emplace_back([&] {
      Host client(server.config());
      const auto dialled = client.connect(server.url);
      if (!dialled || !client.wait_connected(*dialled, kLong)) return;
      int echoed = 0;
      for (int i = 0; i < messages; ++i) {
        if (!test::send_text(*dialled, std::to_string(i))) return;
        while (const auto event = client.poll())
          echoed += event->type == EventType::object_received ? 1 : 0;
      }
      while (echoed < messages) {
        if (!wait_for_type(client, EventType::object_received)) return;
        ++echoed;
      }
      ++complete;
    });
  }
  for (std::thread& each : threads)
    each.join();
  CHECK(complete == clients);
}

CONTRACT_CASE("send_and_wait says when the connection ends before the message is acknowledged") {
  HostConfig config = test::local_config();
  config.memory_network = std::make_shared<MemoryNetwork>();
  config.log.level = LogLevel::off;
  config.timeouts.idle = 1500ms;
  config.timeouts.keep_alive = 500ms;
  Host server(config);
  Host client(config);
  const auto bound = server.listen(scheme.listen_url());
  REQUIRE(bound);
  const auto dialled = client.connect(bound->to_string());
  REQUIRE(dialled);
  const auto deadline = std::chrono::steady_clock::now() + kLong;
  while (!(dialled->is_open() && server.is_connected()) &&
         std::chrono::steady_clock::now() < deadline) {
    while (server.poll()) {
    }
    while (client.poll()) {
    }
  }
  REQUIRE(dialled->is_open());
  // What is not reliable is done with when it has left.
  CHECK(test::send_text_and_wait(client, *dialled, "gone", kLong, test::with(Delivery::sequenced)));
  // The server's program has stopped looking.
  const auto sent = test::send_text_and_wait(client, *dialled, "hello?", kLong);
  REQUIRE_FALSE(sent);
  CHECK(sent.error().code == ErrorCode::connection_lost);
  const auto again = test::send_text_and_wait(client, *dialled, "hello?", kLong);
  REQUIRE_FALSE(again);
  CHECK(again.error().code == ErrorCode::not_connected);
}
