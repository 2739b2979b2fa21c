// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "test/support/udp_proxy.hpp"

/// The impaired network itself: what is tested through it is worth no more than it.
using namespace std::chrono_literals;
using tickwire::test::ProxyDirection;
using tickwire::test::UdpImpairment;
using tickwire::test::UdpProxy;
using tickwire::test::UdpSocket;
using Time = UdpProxy::Time;

namespace {

constexpr std::uint64_t kSeeds[] = {1, 2, 42};

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A client, a server and the proxy between them, under a time that is moved by hand.
struct Rig {
  explicit Rig(const UdpImpairment& both_ways, std::uint64_t seed = 1)
      : client(tickwire::test::parse_udp_address("127.0.0.1:0")),
        server(tickwire::test::parse_udp_address("127.0.0.1:0")),
        proxy(tickwire::test::parse_udp_address("127.0.0.1:0"), server.local(), both_ways, seed) {}

  void ask(const std::string& text) {
    REQUIRE(client.send(std::as_bytes(std::span(text)), proxy.local()));
  }
  void answer(const std::string& text) {
    REQUIRE(upstream);
    REQUIRE(server.send(std::as_bytes(std::span(text)), *upstream));
  }
  // Moves on, a millisecond at a time, and notes what comes and when.
  void run(Time time) {
    for (const Time end = now + time; now < end;) {
      proxy.service(now);
      now += 1ms;
      std::vector<std::byte> datagram;
      sockaddr_in from{};
      while (server.receive(datagram, from)) {
        upstream = from;
        at_server.emplace_back(now - 1ms, text_of(datagram));
      }
      while (client.receive(datagram, from))
        at_client.emplace_back(now - 1ms, text_of(datagram));
    }
  }
  [[nodiscard]] std::vector<std::string> texts() const {
    std::vector<std::string> all;
    for (const auto& [at, text] : at_server)
      all.push_back(text);
    return all;
  }

  UdpSocket client;
  UdpSocket server;
  UdpProxy proxy;
  Time now{};
  std::optional<sockaddr_in> upstream;
  std::vector<std::pair<Time, std::string>> at_server;
  std::vector<std::pair<Time, std::string>> at_client;
};

// A thousand numbered datagrams, one a millisecond.
std::vector<std::string> stream(Rig& rig, int count = 1000) {
  for (int i = 0; i < count; ++i) {
    rig.ask(std::to_string(i));
    rig.run(1ms);
  }
  rig.run(1s);
  return rig.texts();
}

// Within four and a half standard deviations of a binomial distribution.
bool is_near(std::uint64_t found, double tries, double ratio) {
  return std::abs(static_cast<double>(found) - tries * ratio) <=
         4.5 * std::sqrt(tries * ratio * (1 - ratio));
}

void check_sum(const UdpProxy::Counters& counters) {
  CHECK(counters.received + counters.duplicated == counters.forwarded + counters.lost +
                                                       counters.too_large + counters.queue_full +
                                                       counters.failed);
}

}  // namespace

TEST_CASE("udp proxy: without an impairment all passes, at once and in order") {
  Rig rig({});
  const auto got = stream(rig, 100);
  REQUIRE(got.size() == 100);
  CHECK(got[99] == "99");
  CHECK(rig.at_server[5].first == 5ms);
  rig.answer("back");
  rig.run(1ms);
  REQUIRE(rig.at_client.size() == 1);
  CHECK(rig.at_client[0].second == "back");
  CHECK(rig.proxy.to_server().transit == 0ms);
}

TEST_CASE("udp proxy: ratios are kept, and equal seeds make equal decisions") {
  for (const std::uint64_t seed : kSeeds) {
    CAPTURE(seed);
    const UdpImpairment bad{.loss_ratio = 0.2, .duplicate_ratio = 0.1, .reorder_ratio = 0.05};
    Rig rig(bad, seed);
    const auto got = stream(rig);
    const UdpProxy::Counters& counters = rig.proxy.to_server();
    CHECK(counters.received == 1000);
    CHECK(is_near(counters.lost, 1000, 0.2));
    CHECK(is_near(counters.duplicated, 800, 0.1));
    CHECK(is_near(counters.reordered, 800, 0.05));
    CHECK(got.size() == counters.forwarded);
    check_sum(counters);
    Rig again(bad, seed);
    CHECK(stream(again) == got);
    Rig other(bad, seed + 1000);
    CHECK(stream(other) != got);
  }
}

TEST_CASE("udp proxy: one ratio does not change what another decides") {
  Rig plain({.loss_ratio = 0.2}, 7);
  Rig more({.loss_ratio = 0.2, .duplicate_ratio = 0.3, .flip_ratio = 0.3}, 7);
  stream(plain);
  stream(more);
  CHECK(plain.proxy.to_server().lost == more.proxy.to_server().lost);
}

TEST_CASE("udp proxy: a datagram that is held back arrives later by as much as was said") {
  Rig rig({.reorder_ratio = 1, .delay = 20ms, .reorder_delay = 50ms});
  rig.ask("late");
  rig.run(100ms);
  REQUIRE(rig.at_server.size() == 1);
  CHECK(rig.at_server[0].first == 70ms);
  CHECK(rig.proxy.to_server().transit == 70ms);
}

TEST_CASE("udp proxy: jitter spreads arrivals evenly, and each copy has its own") {
  Rig rig({.duplicate_ratio = 1, .delay = 10ms, .jitter = 20ms}, 3);
  for (int i = 0; i < 500; ++i)
    rig.ask(std::to_string(i));
  rig.run(50ms);
  REQUIRE(rig.at_server.size() == 1000);
  CHECK(rig.at_server.front().first >= 10ms);
  CHECK(rig.at_server.back().first <= 31ms);
  const auto mean = rig.proxy.to_server().transit / 1000;
  CHECK(mean > 19ms);
  CHECK(mean < 22ms);
  std::map<std::string, std::set<Time>> arrivals;
  for (const auto& [at, text] : rig.at_server)
    arrivals[text].insert(at);
  CHECK(arrivals.size() == 500);
  const auto apart = std::count_if(arrivals.begin(), arrivals.end(),
                                   [](const auto& each) { return each.second.size() == 2; });
  CHECK(apart > 400);  // the others came within one millisecond
}

TEST_CASE("udp proxy: a flip changes one bit, wherever it may be, and nothing else") {
  Rig rig({.flip_ratio = 1});
  const std::string said(100, 'a');
  std::vector<bool> flipped(said.size());
  for (int i = 0; i < 500; ++i) {
    rig.ask(said);
    rig.run(1ms);
  }
  REQUIRE(rig.at_server.size() == 500);
  for (const auto& [at, text] : rig.at_server) {
    REQUIRE(text.size() == said.size());
    int bits = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const int here = std::popcount(static_cast<unsigned char>(text[i] ^ said[i]));
      bits += here;
      if (here != 0) flipped[i] = true;
    }
    CHECK(bits == 1);
  }
  CHECK(std::count(flipped.begin(), flipped.end(), true) > 90);
  CHECK(rig.proxy.to_server().flipped == 500);
  Rig now_and_then({.flip_ratio = 0.1});
  stream(now_and_then);
  CHECK(is_near(now_and_then.proxy.to_server().flipped, 1000, 0.1));
}

TEST_CASE("udp proxy: an empty datagram has no bit to flip") {
  Rig rig({.flip_ratio = 1});
  rig.ask("");
  rig.run(1ms);
  CHECK(rig.at_server.size() == 1);
  CHECK(rig.proxy.to_server().flipped == 0);
}

TEST_CASE("udp proxy: a rate sends datagrams one after the other, behind the delay") {
  Rig rig({.delay = 5ms, .bytes_per_second = 100'000});
  for (int i = 0; i < 50; ++i)
    rig.ask(std::string(1000, 'r'));
  rig.run(1s);
  REQUIRE(rig.at_server.size() == 50);
  for (std::size_t i = 0; i < 50; ++i)
    CHECK(rig.at_server[i].first == 10ms * (i + 1) + 5ms);
}

TEST_CASE("udp proxy: what finds the queue full is dropped, and the queue has room again later") {
  Rig rig({.bytes_per_second = 100'000, .max_queue_bytes = 5000});
  for (int i = 0; i < 50; ++i)
    rig.ask(std::string(1000, 'q'));
  rig.run(20ms);
  CHECK(rig.proxy.to_server().queue_full == 45);
  rig.run(1s);
  CHECK(rig.at_server.size() == 5);
  rig.ask("room");
  rig.run(10ms);
  CHECK(rig.at_server.size() == 6);
  check_sum(rig.proxy.to_server());
}

TEST_CASE("udp proxy: in a stall nothing passes that way, not even what was under way") {
  Rig rig({.delay = 10ms});
  rig.ask("before");
  rig.run(5ms);
  rig.proxy.stall(ProxyDirection::to_server, rig.now + 100ms);
  rig.ask("during");
  rig.run(90ms);
  CHECK(rig.at_server.empty());
  rig.run(50ms);
  REQUIRE(rig.texts() == std::vector<std::string>{"before", "during"});
  CHECK(rig.at_server[0].first == 105ms);
  CHECK(rig.at_server[1].first == 115ms);
  rig.proxy.stall(ProxyDirection::to_server, rig.now + 100ms);
  rig.answer("the other way");
  rig.run(20ms);
  CHECK(rig.at_client.size() == 1);
}

TEST_CASE("udp proxy: a stall holds no more than the queue") {
  Rig rig({.max_queue_bytes = 3000});
  rig.proxy.stall(ProxyDirection::to_server, 100ms);
  for (int i = 0; i < 10; ++i)
    rig.ask(std::string(1000, 's'));
  rig.run(200ms);
  CHECK(rig.at_server.size() == 3);
  CHECK(rig.proxy.to_server().queue_full == 7);
}

TEST_CASE("udp proxy: each direction has settings of its own, which may change at any time") {
  Rig rig({});
  rig.ask("hello");
  rig.run(1ms);
  rig.proxy.set(ProxyDirection::to_clients, {.loss_ratio = 1});
  rig.ask("through");
  rig.answer("lost");
  rig.run(1ms);
  CHECK(rig.at_server.size() == 2);
  CHECK(rig.at_client.empty());
  rig.proxy.set(ProxyDirection::to_clients, {});
  rig.answer("back again");
  rig.run(1ms);
  CHECK(rig.at_client.size() == 1);
  CHECK(rig.proxy.to_clients().lost == 1);
}

TEST_CASE("udp proxy: what is due next is told, stalls included") {
  Rig rig({.delay = 30ms});
  CHECK_FALSE(rig.proxy.next_due());
  rig.ask("x");
  rig.run(1ms);
  CHECK(rig.proxy.next_due() == 30ms);
  rig.proxy.stall(ProxyDirection::to_server, 80ms);
  CHECK(rig.proxy.next_due() == 80ms);
}

TEST_CASE("udp proxy: settings that make no sense are refused by name") {
  const auto refused = [](const UdpImpairment& impairment) -> std::string {
    try {
      Rig rig(impairment);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return {};
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(refused({.loss_ratio = -0.1}).find("loss_ratio") != std::string::npos);
  CHECK(refused({.loss_ratio = nan}).find("loss_ratio") != std::string::npos);
  CHECK(refused({.duplicate_ratio = 1.5}).find("duplicate_ratio") != std::string::npos);
  CHECK(refused({.reorder_ratio = 2}).find("reorder_ratio") != std::string::npos);
  CHECK(refused({.delay = -1ms}).find("delay") != std::string::npos);
  CHECK(refused({.jitter = -1ms}).find("jitter") != std::string::npos);
  CHECK(refused({.reorder_delay = -1ms}).find("reorder_delay") != std::string::npos);
  CHECK(refused({.flip_ratio = nan}).find("flip_ratio") != std::string::npos);
  CHECK(refused({.bytes_per_second = 0}).find("bytes_per_second") != std::string::npos);
  CHECK_THROWS_AS(static_cast<void>(tickwire::test::parse_udp_address("nowhere")),
                  std::runtime_error);
}
