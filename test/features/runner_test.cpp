// SPDX-License-Identifier: MIT
#include <tickwire/runner.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <tickwire/extension.hpp>

#include "test/support/host_pair.hpp"
#include "test/support/why.hpp"

using namespace tickwire;
using namespace std::chrono_literals;

namespace {

HostConfig quiet(std::shared_ptr<MemoryNetwork> network) {
  HostConfig config = test::local_config();
  config.memory_network = std::move(network);
  config.log.level = LogLevel::off;
  return config;
}

bool until(Host& host, const std::function<bool(const Event&)>& wanted) {
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (std::chrono::steady_clock::now() < deadline) {
    if (const auto event = host.wait_for(1s); event && wanted(*event)) return true;
  }
  return false;
}

bool until_true(const std::atomic<bool>& flag) {
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!flag && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  return flag;
}

}  // namespace

CONTRACT_CASE("a runner serves on a thread of its own, and says goodbye when it is stopped") {
  const auto network = std::make_shared<MemoryNetwork>();
  std::string url;
  std::thread::id served_on;
  auto runner =
      Runner::start(quiet(network), [&](Host& host, RunnerKeeper& keeper) -> Result<void> {
        served_on = std::this_thread::get_id();
        const auto bound = host.listen(scheme.listen_url());
        if (!bound) return bound.error();
        url = bound->to_string();
        keeper.keep(host.on_connected(
            [](Connection connection) { CHECK(test::send_text(connection, "welcome")); }));
        return {};
      });
  REQUIRE_MESSAGE(runner, test::why(runner));
  CHECK(runner->is_running());
  CHECK(served_on != std::this_thread::get_id());

  Host client(quiet(network));
  const auto dialled = client.connect(url);
  REQUIRE(dialled);
  CHECK(until(client, [](const Event& event) { return event.type == EventType::object_received; }));
  CHECK(runner->post([](Host& host) { test::broadcast_text(host, "news"); }));
  CHECK(until(client, [](const Event& event) { return event.type == EventType::object_received; }));
  std::thread stopper([&] { CHECK(runner->stop()); });
  CHECK(until(client, [](const Event& event) {
    return event.type == EventType::disconnected && event.error.code == ErrorCode::closed_by_peer;
  }));
  stopper.join();
  CHECK_FALSE(runner->is_running());
  CHECK_FALSE(runner->post([](Host&) {}));
  CHECK_FALSE(runner->poster()([] {}));
  CHECK(runner->stop());
}

TEST_CASE("what goes wrong in the set-up comes back, and the host is gone") {
  const auto network = std::make_shared<MemoryNetwork>();
  Host other(quiet(network));
  REQUIRE(other.listen("memory://taken"));
  const auto taken = Runner::start(quiet(network), [](Host& host) -> Result<void> {
    const auto bound = host.listen("memory://taken");
    if (!bound) return bound.error();
    return {};
  });
  REQUIRE_FALSE(taken);
  CHECK(taken.error().code == ErrorCode::address_in_use);

  const auto thrown = Runner::start(quiet(network), [](Host& host) {
    CHECK(host.listen("memory://free"));
    throw std::runtime_error("no key");
  });
  REQUIRE_FALSE(thrown);
  CHECK(thrown.error().code == ErrorCode::exception_thrown);
  CHECK(thrown.error().message().find("no key") != std::string::npos);
  CHECK(other.listen("memory://free"));

  HostConfig wrong = quiet(network);
  wrong.channels.clear();
  const auto refused = Runner::start(wrong, [](Host&) {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::invalid_argument);
  CHECK(refused.error().message().find("channels") != std::string::npos);
}

TEST_CASE("what a runner's functions throw becomes an error event, and it goes on") {
  const auto network = std::make_shared<MemoryNetwork>();
  std::vector<std::string> errors;
  std::atomic<bool> done{false};
  auto runner = Runner::start(quiet(network), [&](Host& host, RunnerKeeper& keeper) {
    keeper.keep(host.on_error([&](Connection, const Error& error) {
      CHECK(error.code == ErrorCode::exception_thrown);
      errors.push_back(error.message());
    }));
    host.on_update([first = true](const Tick&) mutable {
      if (std::exchange(first, false)) throw std::runtime_error("tick");
    });
  });
  REQUIRE(runner);
  CHECK(runner->post([](Host&) { throw std::runtime_error("post"); }));
  CHECK(runner->post(
      [&](Host& host) { host.on_update([&](const Tick&) { done = errors.size() >= 2; }); }));
  CHECK(until_true(done));
  CHECK(runner->is_running());
  CHECK(runner->stop());
  REQUIRE(errors.size() == 2);
  CHECK((errors[0] + errors[1]).find("post") != std::string::npos);
  CHECK((errors[0] + errors[1]).find("tick") != std::string::npos);
}

TEST_CASE("a listener of errors that throws ends the runner, which says why") {
  auto runner = Runner::start(quiet(nullptr), [&](Host& host, RunnerKeeper& keeper) {
    keeper.keep(host.on_error([](Connection, const Error& error) {
      throw std::runtime_error("cannot bear: " + error.message());
    }));
  });
  REQUIRE(runner);
  CHECK(runner->post([](Host&) { throw std::runtime_error("the first"); }));
  const auto ended = runner->wait();
  REQUIRE_FALSE(ended);
  CHECK(ended.error().code == ErrorCode::exception_thrown);
  CHECK(ended.error().message().find("cannot bear") != std::string::npos);
  CHECK_FALSE(runner->is_running());
}

TEST_CASE("who is connected hears goodbye from a runner that ends of itself") {
  const auto network = std::make_shared<MemoryNetwork>();
  auto runner = Runner::start(quiet(network), [&](Host& host, RunnerKeeper& keeper) {
    keeper.keep(host.on_error([](Connection, const Error&) { throw std::runtime_error("no"); }));
    REQUIRE(host.listen("memory://server"));
  });
  REQUIRE(runner);
  Host client(quiet(network));
  REQUIRE(client.connect("memory://server"));
  REQUIRE(until(client, [](const Event& event) { return event.type == EventType::connected; }));
  REQUIRE(runner->post([](Host&) { throw std::runtime_error("the first"); }));
  CHECK_FALSE(runner->wait());
  CHECK(until(client, [](const Event& event) {
    return event.type == EventType::disconnected && event.error.code == ErrorCode::closed_by_peer;
  }));
}

TEST_CASE("an extension that throws in every pass stops nothing else, nor the runner's end") {
  struct Thrower final : Extension {
    void on_pass(Host&) override { throw std::runtime_error("in every pass"); }
  };
  const auto network = std::make_shared<MemoryNetwork>();
  auto runner = Runner::start(quiet(network), [&](Host& host, RunnerKeeper& keeper) {
    auto thrower = std::make_unique<Thrower>();
    host.attach(*thrower);
    keeper.keep(std::move(thrower));
    REQUIRE(host.listen("memory://server"));
  });
  REQUIRE(runner);
  Host client(quiet(network));
  REQUIRE(client.connect("memory://server"));
  CHECK(until(client, [](const Event& event) { return event.type == EventType::connected; }));
  std::atomic<bool> has_run = false;
  CHECK(runner->post([&](Host&) { has_run = true; }));
  CHECK(until_true(has_run));
  CHECK(runner->stop());
}

TEST_CASE("a message may shut a runner down, and whoever waits for it goes on") {
  const auto network = std::make_shared<MemoryNetwork>();
  auto runner = Runner::start(quiet(network), [&](Host& host, RunnerKeeper& keeper) {
    CHECK(host.listen("memory://server"));
    keeper.keep(host.on_event([&host](const Event& event) {
      if (event.type == EventType::object_received) host.stop();
    }));
  });
  REQUIRE(runner);
  Host client(quiet(network));
  const auto dialled = client.connect("memory://server");
  REQUIRE(dialled);
  REQUIRE(client.wait_connected(*dialled, 20s));
  REQUIRE(test::send_text(*dialled, "SRVQUIT"));
  std::thread waiter([&] { CHECK(runner->wait()); });
  CHECK(until(client, [](const Event& event) { return event.type == EventType::disconnected; }));
  waiter.join();
}

TEST_CASE("on its own thread a runner is asked to stop, but not waited for") {
  std::atomic<bool> asked{false};
  Runner* self = nullptr;
  auto runner = Runner::start(quiet(nullptr), [](Host&) {});
  REQUIRE(runner);
  self = &*runner;
  CHECK(runner->post([&](Host&) {
    CHECK(self->wait().error().code == ErrorCode::reentrant_call);
    CHECK(self->stop());
    asked = true;
  }));
  CHECK(runner->wait());
  CHECK(asked);
}

TEST_CASE("what a runner keeps is destroyed on its thread, before the host, the last first") {
  std::vector<std::string> book;
  std::vector<std::thread::id> threads;
  struct Note {
    Note(std::vector<std::string>& into, std::vector<std::thread::id>& ids, std::string text,
         Host& owner)
        : book(into), threads(ids), words(std::move(text)), host(owner) {}
    Note(const Note&) = delete;
    Note& operator=(const Note&) = delete;
    ~Note() {
      book.push_back(words + (host.listening_addresses().empty() ? " closed" : " open"));
      threads.push_back(std::this_thread::get_id());
    }
    std::vector<std::string>& book;
    std::vector<std::thread::id>& threads;
    std::string words;
    Host& host;
  };
  std::thread::id served_on;
  {
    auto runner = Runner::start(quiet(nullptr), [&](Host& host, RunnerKeeper& keeper) {
      served_on = std::this_thread::get_id();
      keeper.make<Note>(book, threads, "first", host);
      keeper.make<Note>(book, threads, "second", host);
    });
    REQUIRE(runner);
    const Runner moved = *std::move(runner);
    CHECK(moved.is_running());
  }
  CHECK(book == std::vector<std::string>{"second closed", "first closed"});
  CHECK(threads == std::vector<std::thread::id>{served_on, served_on});
}

TEST_CASE("a runner on a clock that stands still is stopped all the same") {
  const auto network = std::make_shared<MemoryNetwork>();
  ManualClock clock;
  HostConfig config = quiet(network);
  config.clock = &clock;
  config.timeouts.linger = 10ms;
  std::atomic<bool> is_up{false};
  auto runner = Runner::start(config, [&](Host& host, RunnerKeeper& keeper) {
    CHECK(host.listen("memory://server"));
    keeper.keep(host.on_connected([&](Connection) { is_up = true; }));
  });
  REQUIRE(runner);
  Host client(quiet(network));
  const auto dialled = client.connect("memory://server");
  REQUIRE(dialled);
  while (!is_up) {
    while (client.poll()) {
    }
  }
  CHECK(runner->stop());  // the client looks no more
}
