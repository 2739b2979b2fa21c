// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "lib/base/connect_rate.hpp"

namespace tickwire::test {
namespace {

using namespace detail;
using namespace std::chrono_literals;

constexpr TimePoint kStart{1000s};

Subscriber number(std::uint32_t address) {
  return ipv4_subscriber(address);
}

int taken(ConnectRate& rate, Subscriber who, TimePoint now) {
  int count = 0;
  while (rate.take(who, now))
    ++count;
  return count;
}

TEST_CASE("subscriber: all of an IPv4 address, however it is written") {
  CHECK(subscriber_of("127.0.0.1") == ipv4_subscriber(0x7f000001));
  CHECK(subscriber_of("255.254.253.252") == ipv4_subscriber(0xfffefdfc));
  CHECK(subscriber_of("127.0.0.1") != subscriber_of("127.0.0.2"));
}

TEST_CASE("subscriber: the first 64 bits of an IPv6 address") {
  const auto of = [](const char* host) { return static_cast<std::uint64_t>(subscriber_of(host)); };
  CHECK(of("2001:db8:1:2:3:4:5:6") == 0x20010db800010002u);
  CHECK(of("2001:db8:1:2::") == 0x20010db800010002u);
  CHECK(of("2001:db8:1:2::9") == 0x20010db800010002u);
  CHECK(of("2001:db8::1") == 0x20010db800000000u);
  CHECK(of("2001:db8::2:3:4:5:6") == 0x20010db800000002u);
  CHECK(of("::2:3:4:5:6:7:8") == 0x0000000200030004u);
  CHECK(of("::1") == 0);
  CHECK(of("::") == 0);
  CHECK(of("fe80::1%eth0") == 0xfe80000000000000u);
  CHECK(of("64:ff9b::192.0.2.1") == 0x0064ff9b00000000u);
  CHECK(of("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff") == 0xffffffffffffffffu);
}

TEST_CASE("subscriber: any other text is somebody") {
  for (const char* text : {"", "x", ":", "1.2", "99999999999.1.1.1", ":::::::::", "g::g", "1:2:3"})
    CHECK(subscriber_of(text) == subscriber_of(std::string(text)));
}

TEST_CASE("connect rate: four at once, then one for each interval") {
  ConnectRate rate(2, SipHash::Key{});
  CHECK(taken(rate, number(1), kStart) == 4);
  CHECK(taken(rate, number(1), kStart + 499ms) == 0);
  CHECK(taken(rate, number(1), kStart + 500ms) == 1);
  CHECK(taken(rate, number(1), kStart + 1500ms) == 2);
  CHECK(taken(rate, number(1), kStart + 1h) == 4);  // it does not save up
}

TEST_CASE("connect rate: asking takes nothing, and says what taking would") {
  ConnectRate rate(1, SipHash::Key{});
  for (int i = 0; i < 4; ++i) {
    for (int again = 0; again < 10; ++again)
      CHECK(rate.allows(number(1), kStart));
    CHECK(rate.take(number(1), kStart));
  }
  CHECK_FALSE(rate.allows(number(1), kStart));
  CHECK_FALSE(rate.allows(number(1), kStart + 999ms));
  CHECK(rate.allows(number(1), kStart + 1s));
  CHECK(rate.allows(number(2), kStart));
}

TEST_CASE("connect rate: a second's worth may come at once where that is more") {
  ConnectRate rate(50, SipHash::Key{});
  CHECK(taken(rate, number(1), kStart) == 50);
  CHECK(taken(rate, number(1), kStart + 1s) == 50);
}

TEST_CASE("connect rate: the slowest and the fastest that a config may say") {
  ConnectRate slow(1e-6, SipHash::Key{});
  CHECK(taken(slow, number(1), kStart) == 4);
  CHECK(taken(slow, number(1), kStart + 24h) == 0);
  ConnectRate fast(1e6, SipHash::Key{});
  CHECK(taken(fast, number(1), kStart) == 1'000'000);
}

TEST_CASE("connect rate: addresses do not take from each other") {
  ConnectRate rate(1, SipHash::Key{});
  for (std::uint32_t address = 1; address <= 500; ++address)
    CHECK(taken(rate, number(address), kStart) == 4);
  CHECK(taken(rate, subscriber_of("::1"), kStart) == 4);
  CHECK(taken(rate, subscriber_of("::2"), kStart) == 0);  // of the same 64 bits
}

TEST_CASE("connect rate: a crowd of other addresses pushes out those at rest, not the busy one") {
  ConnectRate rate(1, SipHash::Key{});
  CHECK(taken(rate, number(1), kStart) == 4);
  CHECK(taken(rate, number(1), kStart) == 0);
  // Each of a hundred thousand comes once, and is at rest again long before the busy one.
  for (std::uint32_t address = 2; address <= 100'000; ++address)
    CHECK(rate.take(number(address), kStart));
  CHECK(taken(rate, number(1), kStart + 100ms) == 0);
}

}  // namespace
}  // namespace tickwire::test
