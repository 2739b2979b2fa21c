// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "lib/platform/poller.hpp"

/// One battery for every poller of this system.
using namespace tickwire;
using namespace std::chrono_literals;
using detail::Edge;
using detail::Interest;
using detail::Poller;
using detail::Trigger;
using detail::Watch;

namespace {

struct Target final : detail::PollTarget {
  void on_ready(detail::Edge edge) noexcept override {
    ++told;
    last = edge;
  }
  int told = 0;
  detail::Edge last = detail::Edge::bytes;
};

/// Two ends of a connection inside this process.
struct SocketPair {
  SocketPair() { REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) == 0); }
  ~SocketPair() {
    close_far();
    ::close(ends[0]);
  }
  SocketPair(const SocketPair&) = delete;
  SocketPair& operator=(const SocketPair&) = delete;

  void send() const { REQUIRE(::write(ends[1], "x", 1) == 1); }
  void drain() const {
    char bytes[4096];
    while (::read(ends[0], bytes, sizeof bytes) > 0) {
    }
  }
  void fill() const {
    const std::vector<char> bytes(64 * 1024);
    while (::write(ends[0], bytes.data(), bytes.size()) > 0) {
    }
  }
  void drain_far() const {
    char bytes[4096];
    while (::read(ends[1], bytes, sizeof bytes) > 0) {
    }
  }
  void close_far() {
    if (ends[1] >= 0) ::close(ends[1]);
    ends[1] = -1;
  }
  [[nodiscard]] detail::SocketHandle near() const { return ends[0]; }

  std::array<int, 2> ends{-1, -1};
};

struct Kind {
  const char* name;
  std::unique_ptr<Poller> (*make)();
};
constexpr Kind kinds[] = {{"the best one", detail::make_poller},
                          {"over poll", detail::make_poll_poller}};

/// How often the target is told in one look.
int told_now(Poller& poller, Target& target) {
  target.told = 0;
  poller.wait(Duration::zero());
  return target.told;
}

}  // namespace

#define POLLER_CASE_NAMED(function, sentence) \
  static void function(Poller& poller);       \
  TEST_CASE(sentence) {                       \
    for (const Kind& kind : kinds) {          \
      SUBCASE(kind.name) {                    \
        const auto made = kind.make();        \
        function(*made);                      \
      }                                       \
    }                                         \
  }                                           \
  static void function(Poller& poller)
#define POLLER_CASE(sentence) POLLER_CASE_NAMED(DOCTEST_ANONYMOUS(poller_case_), sentence)

POLLER_CASE("a poller tells of a readable socket until it has been read") {
  const SocketPair pair;
  Target target;
  Watch watch(poller, pair.near(), target);
  CHECK(watch.set(Interest::readable));
  CHECK(told_now(poller, target) == 0);
  pair.send();
  CHECK(told_now(poller, target) == 1);
  CHECK(told_now(poller, target) == 1);
  pair.drain();
  CHECK(told_now(poller, target) == 0);
}

POLLER_CASE("a wait until a time that is long over only looks") {
  for (const TimePoint when : {TimePoint(), TimePoint() - 5s, TimePoint::min() + 1ns})
    CHECK_FALSE(poller.wait_until(when));
}

POLLER_CASE("who watches for edges is told of each arrival, and of each change of interest") {
  const SocketPair pair;
  Target target;
  Watch watch(poller, pair.near(), target, Trigger::edge);
  REQUIRE(watch.set(Interest::readable));
  CHECK(told_now(poller, target) == 0);
  for (int arrival = 0; arrival < 3; ++arrival) {
    pair.send();
    CHECK(told_now(poller, target) == 1);
  }
  REQUIRE(watch.set(Interest::both));
  CHECK(told_now(poller, target) == 1);
  REQUIRE(watch.set(Interest::readable));
  CHECK(told_now(poller, target) == 1);
  pair.drain();
  CHECK(told_now(poller, target) == 0);
  REQUIRE(watch.set(Interest::writable));
  CHECK(told_now(poller, target) == 1);
  pair.fill();
  CHECK(told_now(poller, target) == 0);
  pair.drain_far();
  CHECK(told_now(poller, target) == 1);
}

POLLER_CASE("an end behind bytes is told as one, or told again when they are read") {
  SocketPair pair;
  Target target;
  Watch watch(poller, pair.near(), target, Trigger::edge);
  REQUIRE(watch.set(Interest::readable));
  pair.send();
  CHECK(told_now(poller, target) == 1);
  CHECK(target.last == Edge::bytes);
  pair.send();
  pair.close_far();
  CHECK(told_now(poller, target) == 1);
  if (target.last == Edge::end) return;
  char bytes[8];
  REQUIRE(::read(static_cast<int>(pair.near()), bytes, sizeof bytes) == 2);
  CHECK(told_now(poller, target) == 1);
}

#if defined(__linux__)
TEST_CASE("epoll does not tell again of what was told at an edge") {
  const SocketPair pair;
  Target target;
  const auto poller = detail::make_poller();
  Watch watch(*poller, pair.near(), target, Trigger::edge);
  REQUIRE(watch.set(Interest::readable));
  pair.send();
  CHECK(told_now(*poller, target) == 1);
  CHECK(told_now(*poller, target) == 0);
}
#endif

POLLER_CASE("a poller tells of a socket with room for more, and of none that is full") {
  const SocketPair pair;
  Target target;
  Watch watch(poller, pair.near(), target);
  CHECK(watch.set(Interest::writable));
  CHECK(told_now(poller, target) == 1);
  pair.fill();
  CHECK(told_now(poller, target) == 0);
  pair.drain_far();
  CHECK(told_now(poller, target) == 1);
}

POLLER_CASE("a poller follows a change of interest") {
  const SocketPair pair;
  Target target;
  Watch watch(poller, pair.near(), target);
  CHECK(watch.interest() == Interest::none);
  REQUIRE(watch.set(Interest::both));
  CHECK(told_now(poller, target) == 1);
  REQUIRE(watch.set(Interest::readable));
  CHECK(watch.interest() == Interest::readable);
  CHECK(told_now(poller, target) == 0);
  pair.send();
  CHECK(told_now(poller, target) == 1);
  pair.fill();
  REQUIRE(watch.set(Interest::writable));
  CHECK(told_now(poller, target) == 0);
}

POLLER_CASE("a socket without interest is not told of, not even when its other end is gone") {
  SocketPair pair;
  Target target;
  Watch watch(poller, pair.near(), target);
  REQUIRE(watch.set(Interest::readable));
  pair.send();
  pair.close_far();
  REQUIRE(watch.set(Interest::none));
  CHECK(told_now(poller, target) == 0);
  REQUIRE(watch.set(Interest::readable));
  CHECK(told_now(poller, target) == 1);
}

POLLER_CASE("a hang-up is told whatever was asked") {
  SocketPair pair;
  Target target;
  Watch watch(poller, pair.near(), target);
  pair.fill();
  REQUIRE(watch.set(Interest::writable));
  CHECK(told_now(poller, target) == 0);
  pair.close_far();
  CHECK(told_now(poller, target) == 1);
}

POLLER_CASE("a watch that ends is told of no more, and its number may be watched again") {
  const SocketPair pair;
  pair.send();
  Target first;
  Target second;
  {
    Watch watch(poller, pair.near(), first);
    REQUIRE(watch.set(Interest::readable));
    CHECK(told_now(poller, first) == 1);
  }
  CHECK(told_now(poller, first) == 0);
  Watch again(poller, pair.near(), second);
  REQUIRE(again.set(Interest::readable));
  CHECK(told_now(poller, second) == 1);
  CHECK(first.told == 0);
}

POLLER_CASE("a watch that is moved goes on, and is given up by what takes its place") {
  const SocketPair one;
  const SocketPair other;
  one.send();
  other.send();
  Target target;
  Target other_target;
  Watch watch(poller, one.near(), target);
  REQUIRE(watch.set(Interest::readable));
  Watch moved(std::move(watch));
  CHECK(told_now(poller, target) == 1);
  Watch taking(poller, other.near(), other_target);
  REQUIRE(taking.set(Interest::readable));
  moved = std::move(taking);
  CHECK(told_now(poller, target) == 0);
  CHECK(told_now(poller, other_target) == 1);
}

POLLER_CASE("a wait takes its own time, whatever earlier ones were told") {
  const auto time_of = [&](Duration timeout) {
    const auto begin = std::chrono::steady_clock::now();
    CHECK_FALSE(poller.wait(timeout));
    return std::chrono::steady_clock::now() - begin;
  };
  const auto break_off = [&](Duration timeout) {
    poller.wake();
    CHECK(poller.wait(timeout));
  };
  break_off(1h);
  CHECK(time_of(2ms) >= 2ms);
  break_off(5ms);
  CHECK(time_of(30ms) >= 30ms);
  CHECK(time_of(1ns) >= 1ns);
  break_off(1ms);
  std::this_thread::sleep_for(2ms);
  CHECK_FALSE(poller.wait(Duration::zero()));
  CHECK(time_of(2ms) >= 2ms);
  break_off(Duration::max());
  poller.wake();
  CHECK(poller.wait(std::nullopt));
}

TEST_CASE("a socket that the system cannot watch is refused, and nothing changes") {
  const auto poller = detail::make_poller();
  Target target;
  Watch watch(*poller, 1'000'000, target);
  // Where only poll is to be had, it takes every number and calls the socket failed.
  if (!watch.set(Interest::readable)) CHECK(watch.interest() == Interest::none);
}

POLLER_CASE("a wait without anything ends when its time is up") {
  const SocketPair pair;
  Target target;
  Watch watch(poller, pair.near(), target);
  REQUIRE(watch.set(Interest::readable));
  const auto before = std::chrono::steady_clock::now();
  poller.wait(3ms);
  CHECK(std::chrono::steady_clock::now() - before >= 3ms);
  CHECK(target.told == 0);
  poller.wait(-5ms);
}

POLLER_CASE("a wake that came before the wait ends it at once, and only that one") {
  poller.wake();
  poller.wake();
  poller.wait(std::nullopt);  // would last for ever
  const auto before = std::chrono::steady_clock::now();
  poller.wait(2ms);
  CHECK(std::chrono::steady_clock::now() - before >= 2ms);
}

POLLER_CASE("many wakes without a wait leave one that ends") {
  for (int i = 0; i < 100'000; ++i)
    poller.wake();
  poller.wait(std::nullopt);
  const auto before = std::chrono::steady_clock::now();
  poller.wait(2ms);
  CHECK(std::chrono::steady_clock::now() - before >= 2ms);
}

POLLER_CASE("another thread ends a wait, as often as it likes") {
  constexpr int rounds = 300;
  std::atomic<int> waits{0};
  std::thread other([&] {
    for (int round = 1; round <= rounds; ++round) {
      while (waits.load() < round)
        std::this_thread::yield();
      poller.wake();
    }
  });
  for (int round = 1; round <= rounds; ++round) {
    waits.store(round);
    poller.wait(std::nullopt);
  }
  other.join();
  CHECK(waits == rounds);
}

POLLER_CASE("bytes that come during a wait end it") {
  const SocketPair pair;
  Target target;
  Watch watch(poller, pair.near(), target);
  REQUIRE(watch.set(Interest::readable));
  std::thread other([&] { pair.send(); });
  poller.wait(std::nullopt);
  other.join();
  CHECK(target.told == 1);
}

POLLER_CASE("a guess tells whom the last wait with a socket told, if anybody") {
  const SocketPair pair;
  Target target;
  Watch watch(poller, pair.near(), target, Trigger::edge);
  REQUIRE(watch.set(Interest::readable));
  CHECK_FALSE(poller.guess());
  pair.send();
  REQUIRE(poller.wait(Duration(1s)));
  CHECK(target.told == 1);
  const bool guesses = poller.guess();
  CHECK(target.told == (guesses ? 2 : 1));
  CHECK(target.last == (guesses ? Edge::guess : Edge::bytes));
  poller.wake();
  REQUIRE(poller.wait(Duration(1s)));  // of a wake alone
  const int told = target.told;
  CHECK(poller.guess() == guesses);
  CHECK(target.told == (guesses ? told + 1 : told));
  REQUIRE(watch.set(Interest::none));
  CHECK_FALSE(poller.guess());
}

POLLER_CASE("nobody is guessed where many were told at once") {
  std::array<SocketPair, 3> pairs;
  std::array<Target, 3> targets;
  std::vector<Watch> watches;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    watches.emplace_back(poller, pairs[i].near(), targets[i], Trigger::edge);
    REQUIRE(watches.back().set(Interest::readable));
    pairs[i].send();
  }
  REQUIRE(poller.wait(Duration(1s)));
  CHECK_FALSE(poller.guess());
}

POLLER_CASE("of 600 ready sockets each is told of, in a few looks") {
  constexpr std::size_t count = 600;
  const SocketPair pair;
  pair.send();
  std::vector<Target> targets(count);
  std::vector<int> copies;
  std::vector<Watch> watches;
  for (std::size_t i = 0; i < count; ++i) {
    copies.push_back(::dup(pair.ends[0]));
    REQUIRE(copies.back() >= 0);
    watches.emplace_back(poller, copies.back(), targets[i]);
    REQUIRE(watches.back().set(Interest::readable));
  }
  for (int look = 0; look < 4; ++look)
    poller.wait(Duration::zero());
  for (const Target& target : targets)
    REQUIRE(target.told > 0);
  // Every second one goes, from the middle of what is polled; the others are still told of.
  for (std::size_t i = 0; i < count; i += 2)
    watches[i] = Watch();
  for (Target& target : targets)
    target.told = 0;
  for (int look = 0; look < 4; ++look)
    poller.wait(Duration::zero());
  for (std::size_t i = 0; i < count; ++i)
    REQUIRE((targets[i].told > 0) == (i % 2 == 1));
  watches.clear();
  for (const int copy : copies)
    ::close(copy);
}
