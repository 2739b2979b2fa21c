// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lib/platform/resolver.hpp"
#include "test/support/tcp_schemes.hpp"

/// Names, and when their look-ups answer.
using namespace tickwire;
using namespace std::chrono_literals;
using test::HostPair;

namespace {

/// Answers as this machine, but not before it is told to.
class NameServer {
 public:
  NameServer() {
    detail::replace_look_up([state = state_](const std::string&) -> detail::HostAddresses {
      std::unique_lock lock(state->mutex);
      ++state->asked;
      state->most_at_once = std::max(state->most_at_once, state->asked - state->answered);
      state->changed.notify_all();
      state->changed.wait(lock, [&] { return state->is_open; });
      ++state->answered;
      state->changed.notify_all();
      return std::vector<std::string>{"127.0.0.1"};
    });
  }
  ~NameServer() {
    answer();
    detail::replace_look_up({});
  }
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;

  void answer() {
    const std::lock_guard lock(state_->mutex);
    state_->is_open = true;
    state_->changed.notify_all();
  }
  [[nodiscard]] int asked() const { return read(&State::asked); }
  [[nodiscard]] int most_at_once() const { return read(&State::most_at_once); }
  /// Each for at most half a minute.
  [[nodiscard]] bool wait_asked(int times) const { return wait(&State::asked, times); }
  [[nodiscard]] bool wait_answered(int times) const { return wait(&State::answered, times); }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    bool is_open = false;
    int asked = 0;
    int answered = 0;
    int most_at_once = 0;
  };
  [[nodiscard]] int read(int State::*number) const {
    const std::lock_guard lock(state_->mutex);
    return (*state_).*number;
  }
  [[nodiscard]] bool wait(int State::*number, int least) const {
    std::unique_lock lock(state_->mutex);
    return state_->changed.wait_for(lock, 30s, [&] { return (*state_).*number >= least; });
  }

  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

struct Rig {
  [[nodiscard]] std::string by_name() const {
    return "tcp://server.test:" + std::to_string(pair.address.port);
  }

  NameServer names;
  HostPair pair{test::tcp_scheme()};
};

}  // namespace

TEST_CASE("more names than are looked up at a time wait their turn, and all are answered") {
  struct Answers {
    std::mutex mutex;
    std::condition_variable changed;
    std::set<int> came;
  };
  constexpr int many = 200;
  const auto answers = std::make_shared<Answers>();
  NameServer names;
  for (int i = 0; i < many; ++i) {
    detail::resolve_host("server.test", [answers, i](const detail::HostAddresses& found) {
      const std::lock_guard lock(answers->mutex);
      if (found) answers->came.insert(i);
      answers->changed.notify_all();
    });
  }
  REQUIRE(names.wait_asked(2));
  names.answer();
  std::unique_lock lock(answers->mutex);
  CHECK(answers->changed.wait_for(lock, 30s, [&] { return answers->came.size() == many; }));
  CHECK(names.asked() == many);
  CHECK(names.most_at_once() <= 16);
}

TEST_CASE("a call that is made again while its name is looked up asks no second time") {
  Rig rig;
  HostPair& pair = rig.pair;
  ConnectOptions patient;
  patient.timeout = 100ms;
  patient.reconnect = ReconnectPolicy{.first_delay = 10ms, .max_delay = 10ms};
  patient.reconnect->max_attempts.reset();
  const auto dialled = pair.client->connect(rig.by_name(), patient);
  REQUIRE(dialled);
  REQUIRE(rig.names.wait_asked(1));
  pair.run(5s, 5ms);
  CHECK(pair.client.log.all().empty());
  CHECK(rig.names.asked() == 1);
  rig.names.answer();
  REQUIRE(pair.until([&] { return dialled->is_open(); }));
  CHECK(pair.client.log.count(EventType::connected) == 1);
}

TEST_CASE("an answer that comes when its call has ended is nobody's") {
  Rig rig;
  HostPair& pair = rig.pair;
  const auto ended = pair.client->connect(rig.by_name());
  REQUIRE(ended);
  REQUIRE(rig.names.wait_asked(1));
  CHECK(ended->close() == ErrorCode::none);
  SUBCASE("before its slot is free") {}
  SUBCASE("when its slot is another's") {
    REQUIRE(pair.until([&] { return pair.client.log.count(EventType::error) == 1; }));
    pair.run(10ms);
    pair.connect();
    CHECK((pair.caller.id() & 0xffffffff) == (ended->id() & 0xffffffff));
  }
  const std::size_t up = pair.client->connections().size();
  rig.names.answer();
  REQUIRE(rig.names.wait_answered(1));
  pair.run(1s);
  CHECK(pair.client->connections().size() == up);
  CHECK(pair.client.log.count(EventType::connected) == up);
  CHECK(pair.client.log.count(EventType::error, *ended) == 1);
  CHECK(pair.client.log.count(EventType::disconnected) == 0);
  CHECK(pair.server.log.count(EventType::connected) == up);
}

TEST_CASE("an answer that comes when its host is gone is dropped") {
  NameServer names;
  {
    HostPair pair(test::tcp_scheme());
    REQUIRE(pair.client->connect("tcp://server.test:1"));
    REQUIRE(names.wait_asked(1));
  }
  names.answer();
  CHECK(names.wait_answered(1));
}
