// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <vector>

#include "lib/base/siphash.hpp"
#include "lib/transport/enet/connect_gate.hpp"
#include "lib/transport/enet/enet_call.hpp"
#include "lib/transport/enet/enet_cookie.hpp"
#include "lib/transport/enet/enet_datagram.hpp"

/// What is said before ENet: the cookie, who judges it, and who asks for it.
namespace tickwire::test {
namespace {

using namespace detail;
using namespace std::chrono_literals;

using Kind = CookieDatagram::Kind;

constexpr TimePoint kStart{1000s};
constexpr Ipv4Endpoint kSomebody{0x0100007f, 4711};

TEST_CASE("siphash: the test vectors of its authors") {
  constexpr std::array<std::uint64_t, 17> expected = {
      0x726fdb47dd0e0e31u, 0x74f839c593dc67fdu, 0x0d6c8009d9a94f5au, 0x85676696d7fb7e2du,
      0xcf2794e0277187b7u, 0x18765564cd99a68du, 0xcbc9466e58fee3ceu, 0xab0200f58b01d137u,
      0x93f5f5799a932462u, 0x9e0082df0ba9e4b0u, 0x7a5dbbc594ddb9f3u, 0xf4b32f46226bada7u,
      0x751e8fbc860ee5fbu, 0x14ea5627c0843d90u, 0xf723ca908e7af2eeu, 0xa129ca6149be45e5u,
      0x3f2acc7f57c29bdbu};
  SipHash::Key key{};
  std::array<std::byte, 16> message{};
  for (std::size_t i = 0; i < key.size(); ++i)
    key[i] = message[i] = static_cast<std::byte>(i);
  const SipHash hash(key);
  for (std::size_t size = 0; size < expected.size(); ++size) {
    INFO("size " << size);
    CHECK(hash(std::span(message).first(size)) == expected[size]);
  }
}

TEST_CASE("cookie datagram: the bytes that the wire format says") {
  const CookieBytes question = write_cookie_datagram({Kind::question, 0x0807060504030201u, 99});
  const auto bytes = [](std::initializer_list<int> list) {
    CookieBytes out{};
    std::transform(list.begin(), list.end(), out.begin(), [](int each) { return std::byte(each); });
    return out;
  };
  CHECK(question == bytes({'T', 'K', 'C', '?', 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0}));
  const CookieBytes answer =
      write_cookie_datagram({Kind::answer, 0x0807060504030201u, 0x0d0c0b0au});
  CHECK(answer == bytes({'T', 'K', 'C', '!', 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13}));
  CHECK(answer.size() <= question.size());

  REQUIRE(read_cookie_datagram(question));
  CHECK(read_cookie_datagram(question)->kind == Kind::question);
  CHECK(read_cookie_datagram(question)->nonce == 0x0807060504030201u);
  REQUIRE(read_cookie_datagram(answer));
  CHECK(read_cookie_datagram(answer)->kind == Kind::answer);
  CHECK(read_cookie_datagram(answer)->nonce == 0x0807060504030201u);
  CHECK(read_cookie_datagram(answer)->cookie == 0x0d0c0b0au);
}

TEST_CASE("cookie datagram: a probe is one that is filled up, with whatever") {
  for (const Kind kind : {Kind::question, Kind::answer}) {
    const CookieBytes words = write_cookie_datagram({kind, 7, 9});
    std::vector<std::byte> probe(words.begin(), words.end());
    probe.resize(4092, std::byte{0xa5});
    REQUIRE(read_cookie_datagram(probe));
    CHECK(read_cookie_datagram(probe)->kind == kind);
    CHECK(read_cookie_datagram(probe)->nonce == 7);
    CHECK(read_cookie_datagram(probe)->is_probe);
    CHECK_FALSE(read_cookie_datagram(words)->is_probe);
    for (const std::size_t other : {17u, 4091u, 4093u}) {
      probe.resize(other);
      CHECK_FALSE(read_cookie_datagram(probe));
    }
  }
}

TEST_CASE("cookie datagram: neither is a packet to ENet") {
  for (const Kind kind : {Kind::question, Kind::answer}) {
    const CookieBytes bytes = write_cookie_datagram({kind, 0xffff'ffff'ffff'ffffu, 0xffffffffu});
    CHECK(inspect_datagram(bytes).kind == DatagramKind::malformed);
    CHECK((bytes[0] & std::byte{0x40}) != std::byte{0});  // ENet's bit for a compressed packet
  }
}

TEST_CASE("cookie datagram: what is not exactly one is none") {
  const CookieBytes question = write_cookie_datagram({Kind::question, 7, 0});
  const CookieBytes answer = write_cookie_datagram({Kind::answer, 7, 7});
  for (std::size_t size = 0; size < question.size(); ++size) {
    // In memory of its own size, so that a sanitizer sees a byte too many.
    const std::vector<std::byte> cut(question.begin(),
                                     question.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK_FALSE(read_cookie_datagram(cut));
  }
  std::vector<std::byte> longer(answer.begin(), answer.end());
  longer.push_back(std::byte{0});
  CHECK_FALSE(read_cookie_datagram(longer));
  for (std::size_t at = 0; at < 4; ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      CookieBytes spoiled = answer;
      spoiled[at] ^= std::byte(1 << bit);
      CHECK_FALSE(read_cookie_datagram(spoiled));
    }
  }
  for (std::size_t at = 12; at < 16; ++at) {
    CookieBytes with_something = question;
    with_something[at] = std::byte{1};
    CHECK_FALSE(read_cookie_datagram(with_something));
  }
}

CookieJar jar(TimePoint now = kStart) {
  auto opened = CookieJar::open(now);
  REQUIRE(opened);
  return *opened;
}

TEST_CASE("cookie: holds for the address and port that it was made for, and for no other") {
  CookieJar cookies = jar();
  const std::uint32_t cookie = cookies.bake(kSomebody, kStart);
  CHECK(cookies.holds(cookie, kSomebody, kStart));
  CHECK(cookies.holds(cookie, kSomebody, kStart));  // nothing is kept, so nothing is used up
  CHECK_FALSE(cookies.holds(cookie, {kSomebody.host, 4712}, kStart));
  CHECK_FALSE(cookies.holds(cookie, {kSomebody.host + 1, 4711}, kStart));
  for (int bit = 0; bit < 32; ++bit)
    CHECK_FALSE(cookies.holds(cookie ^ 1u << bit, kSomebody, kStart));
}

TEST_CASE("cookie: none of another listener holds, and addresses share none") {
  CookieJar first = jar();
  CookieJar second = jar();
  std::set<std::uint32_t> seen;
  for (std::uint32_t host = 0; host < 200; ++host) {
    const std::uint32_t cookie = first.bake({host, 80}, kStart);
    CHECK_FALSE(second.holds(cookie, {host, 80}, kStart));
    seen.insert(cookie);
  }
  CHECK(seen.size() >= 199);
}

TEST_CASE("cookie: one of the last key still holds, one of the key before does not") {
  CookieJar cookies = jar();
  const std::uint32_t old = cookies.bake(kSomebody, kStart + kCookieTime - 1ns);
  CHECK(cookies.holds(old, kSomebody, kStart + kCookieTime));
  const std::uint32_t next = cookies.bake(kSomebody, kStart + kCookieTime);
  CHECK(next != old);
  CHECK(cookies.holds(old, kSomebody, kStart + 2 * kCookieTime - 1ns));
  CHECK(cookies.holds(next, kSomebody, kStart + 2 * kCookieTime - 1ns));
  CHECK_FALSE(cookies.holds(old, kSomebody, kStart + 2 * kCookieTime));
  CHECK(cookies.holds(next, kSomebody, kStart + 2 * kCookieTime));
}

TEST_CASE("cookie: none outlives a pause in which nobody asked") {
  CookieJar cookies = jar();
  const std::uint32_t old = cookies.bake(kSomebody, kStart);
  CookieJar same = cookies;
  CHECK(same.holds(old, kSomebody, kStart + 2 * kCookieTime - 1ns));
  CHECK_FALSE(cookies.holds(old, kSomebody, kStart + 2 * kCookieTime));
}

struct GateRig {
  explicit GateRig(ConnectGate::Limits limits = {}) : gate(jar(), limits) {}

  /// Somebody who has asked.
  ConnectAttempt attempt(Ipv4Endpoint from = kSomebody, TimePoint now = kStart) {
    const CookieDatagram answer = gate.answer({Kind::question, 5, 0}, from, now);
    CHECK(answer.kind == Kind::answer);
    CHECK(answer.nonce == 5);
    return {from, answer.cookie, 1};
  }

  ConnectGate gate;
};

TEST_CASE("connect gate: who brings its cookie is proven, who makes one up is not") {
  GateRig rig;
  const ConnectAttempt honest = rig.attempt();
  CHECK(rig.gate.is_proven(honest, kStart));
  ConnectAttempt forged = honest;
  ++forged.cookie;
  CHECK_FALSE(rig.gate.is_proven(forged, kStart));
  ConnectAttempt stolen = honest;
  stolen.from.host += 1;
  CHECK_FALSE(rig.gate.is_proven(stolen, kStart));
  CHECK_FALSE(rig.gate.is_proven(honest, kStart + 2 * kCookieTime));
}

TEST_CASE("connect gate: too many of one address, and a full house, are told apart") {
  GateRig rig(ConnectGate::Limits{.per_address = 3});
  const ConnectAttempt attempt = rig.attempt();
  CHECK(rig.gate.consider(attempt, {.idle = 5, .of_address = 2}, kStart) == Entry::admit);
  CHECK(rig.gate.consider(attempt, {.idle = 5, .of_address = 3}, kStart) == Entry::crowded);
  CHECK(rig.gate.consider(attempt, {.idle = 0, .of_address = 2}, kStart) == Entry::full);
  // Its own earlier call makes room.
  CHECK(rig.gate.consider(attempt, {.idle = 0, .of_address = 2, .half_open = 4}, kStart) ==
        Entry::admit);
  CHECK(rig.gate.consider(attempt, {.idle = 0, .of_address = 9, .is_known = true}, kStart) ==
        Entry::known);
}

TEST_CASE("connect gate: the rate of an address is what it lets in, repeated calls aside") {
  ConnectRate rate(1, SipHash::Key{});
  GateRig rig(ConnectGate::Limits{.rate = &rate});
  const ConnectAttempt attempt = rig.attempt();
  CHECK_FALSE(rig.gate.is_too_often(attempt, kStart));
  for (int i = 0; i < 4; ++i)
    CHECK(rig.gate.consider(attempt, {.idle = 5}, kStart) == Entry::admit);
  CHECK(rig.gate.is_too_often(attempt, kStart));
  CHECK(rig.gate.consider(attempt, {.idle = 5}, kStart) == Entry::too_often);
  CHECK(rig.gate.consider(attempt, {.idle = 5, .is_known = true}, kStart) == Entry::known);
  const ConnectAttempt other = rig.attempt({kSomebody.host + 0x01000000, 4711});
  CHECK_FALSE(rig.gate.is_too_often(other, kStart));
  CHECK(rig.gate.consider(other, {.idle = 5}, kStart) == Entry::admit);
  CHECK_FALSE(rig.gate.is_too_often(attempt, kStart + 1s));
  CHECK(rig.gate.consider(attempt, {.idle = 5}, kStart + 1s) == Entry::admit);
  CHECK(rig.gate.consider(attempt, {.idle = 5}, kStart + 1s) == Entry::too_often);
}

const Ipv4Endpoint kFirst{1, 10};
const Ipv4Endpoint kSecond{2, 20};
const Ipv4Endpoint kThird{3, 30};

struct CallRig {
  explicit CallRig(std::vector<Ipv4Endpoint> candidates)
      : call(*EnetCall::begin(std::move(candidates), kStart)) {}

  std::size_t asked_at(Duration after) { return call.due(kStart + after).size(); }
  CookieDatagram answer(std::uint32_t cookie) const {
    auto words = *read_cookie_datagram(call.question());
    words.kind = Kind::answer;
    words.cookie = cookie;
    return words;
  }

  EnetCall call;
};

TEST_CASE("enet call: asks again after 200 ms, and less and less often") {
  CallRig rig({kFirst});
  CHECK(rig.asked_at(0ms) == 1);
  std::vector<std::int64_t> asked;
  for (Duration at = 1ms; at <= 5000ms; at += 1ms)
    if (rig.asked_at(at) == 1) asked.push_back(at / 1ms);
  CHECK(asked == std::vector<std::int64_t>{200, 600, 1400, 2400, 3400, 4400});
  CHECK(rig.call.next_deadline() == kStart + 5400ms);
}

TEST_CASE("enet call: asks one candidate more each time, the best first") {
  CallRig rig({kFirst, kSecond, kThird});
  CHECK(rig.call.due(kStart).front() == kFirst);
  CHECK(rig.asked_at(100ms) == 0);
  CHECK(rig.asked_at(200ms) == 2);
  CHECK(rig.asked_at(400ms) == 3);
  CHECK(rig.asked_at(600ms) == 3);
  CHECK(rig.asked_at(999ms) == 0);
  CHECK(rig.asked_at(1000ms) == 3);
}

TEST_CASE("enet call: knocks once with the first answer to its own question") {
  CallRig rig({kFirst, kSecond});
  CHECK(rig.asked_at(0ms) == 1);
  CHECK_FALSE(rig.call.knock(kStart));
  CookieDatagram foreign = rig.answer(1);
  ++foreign.nonce;
  CHECK_FALSE(rig.call.take(foreign, kFirst));
  CHECK_FALSE(rig.call.take(rig.answer(1), kThird));
  CHECK_FALSE(rig.call.take(rig.answer(1), {kFirst.host, 11}));
  CookieDatagram question = rig.answer(1);
  question.kind = Kind::question;
  CHECK_FALSE(rig.call.take(question, kFirst));
  CHECK_FALSE(rig.call.knock(kStart));
  CHECK(rig.call.is_asking());

  CHECK(rig.call.take(rig.answer(42), kSecond));
  CHECK(rig.call.take(rig.answer(43), kFirst));  // too late, and no surprise
  const auto knock = rig.call.knock(kStart);
  REQUIRE(knock);
  CHECK(knock->at == kSecond);
  CHECK(knock->cookie == 42);
  CHECK_FALSE(rig.call.is_asking());
  CHECK_FALSE(rig.call.next_deadline());
  CHECK(rig.asked_at(10s) == 0);
  CHECK(rig.call.take(rig.answer(44), kFirst));
  CHECK_FALSE(rig.call.knock(kStart));
}

TEST_CASE("enet call: a knock that nobody hears is given up, and that candidate comes last") {
  CallRig rig({kFirst, kSecond, kThird});
  CHECK(rig.asked_at(0ms) == 1);
  CHECK(rig.call.take(rig.answer(1), kFirst));
  CHECK(rig.call.knock(kStart));
  CHECK_FALSE(rig.call.starts_over(kStart + 2999ms));
  CHECK(rig.call.starts_over(kStart + 3000ms));
  CHECK_FALSE(rig.call.starts_over(kStart + 3000ms));
  const auto asked = rig.call.due(kStart + 3s);
  REQUIRE(asked.size() == 1);
  CHECK(asked.front() == kSecond);

  CallRig alone({kFirst});
  CHECK(alone.asked_at(0ms) == 1);
  CHECK(alone.call.take(alone.answer(1), kFirst));
  CHECK(alone.call.knock(kStart));
  CHECK_FALSE(alone.call.starts_over(kStart + 9999ms));
  CHECK(alone.call.starts_over(kStart + 10s));
  CHECK(alone.asked_at(10s) == 1);
}

TEST_CASE("enet call: every call asks with a number of its own") {
  CHECK(CallRig({kFirst}).call.question() != CallRig({kFirst}).call.question());
}

}  // namespace
}  // namespace tickwire::test
