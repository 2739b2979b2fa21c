// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "test/support/host_pair.hpp"
#include "test/support/udp_proxy.hpp"

/// Two hosts over ENet, with a network between them that damages what they say.
using namespace tickwire;
using namespace std::chrono_literals;
using test::HostPair;
using test::ProxyDirection;
using test::UdpImpairment;
using test::UdpProxy;

namespace {

const test::Scheme& enet() {
  const auto all = test::schemes();
  return *std::find_if(all.begin(), all.end(),
                       [](const auto& each) { return each.name == "enet"; });
}

/// A pair whose client only reaches the server through a proxy.
struct ProxiedPair {
  ProxiedPair(const UdpImpairment& impairment, std::uint64_t seed)
      : pair(enet()),
        proxy(test::parse_udp_address("127.0.0.1:0"),
              test::parse_udp_address("127.0.0.1:" + std::to_string(pair.address.port)), impairment,
              seed) {
    pair.address = *Address::parse("enet://" + test::to_text(proxy.local()));
    const auto dialled = pair.client->connect(pair.address.to_string());
    REQUIRE(dialled);
    REQUIRE(until([&] { return dialled->is_open() && pair.server->is_connected(); }));
    pair.caller = *dialled;
    pair.callee = pair.server->connections().front();
  }

  template <class F>
  [[nodiscard]] bool until(F holds) {
    return pair.until([&] {
      proxy.service(pair.clock.now().time_since_epoch());
      return holds();
    });
  }
  void run(Duration time) {
    const TimePoint end = pair.clock.now() + time;
    static_cast<void>(until([&] { return pair.clock.now() >= end; }));
  }

  HostPair pair;
  UdpProxy proxy;
};

struct Exchange {
  std::size_t reliable = 0;
  std::size_t sequenced = 0;
  bool in_order = true;
};

/// Five hundred messages of either kind each way, one a millisecond; what the server got of them.
Exchange exchange(ProxiedPair& proxied) {
  constexpr int count = 500;
  HostPair& pair = proxied.pair;
  for (int i = 0; i < count; ++i) {
    for (const Connection& from : {pair.caller, pair.callee}) {
      REQUIRE(test::send_text(from, std::to_string(i), test::on_channel(1)));
      REQUIRE(test::send_text(from, std::to_string(i), test::with(Delivery::sequenced, 2)));
    }
    proxied.run(1ms);
  }
  const auto heard = [&](test::LoggedHost& host, std::uint8_t channel) {
    return host.log.texts_on(channel);
  };
  REQUIRE(proxied.until([&] {
    return heard(pair.server, 1).size() == count && heard(pair.client, 1).size() == count;
  }));
  // Reports travel by datagram, too: in a quarter of a minute one gets through.
  proxied.run(15s);
  Exchange got;
  const auto reliable = heard(pair.server, 1);
  got.reliable = reliable.size();
  for (int i = 0; i < count; ++i)
    got.in_order = got.in_order && reliable[static_cast<std::size_t>(i)] == std::to_string(i);
  int last = -1;
  for (const std::string& text : heard(pair.server, 2)) {
    got.in_order = got.in_order && std::stoi(text) > last;
    last = std::stoi(text);
    ++got.sequenced;
  }
  CHECK(pair.client.log.count(EventType::disconnected) == 0);
  CHECK(pair.server.log.count(EventType::disconnected) == 0);
  CHECK(pair.client.log.count(EventType::data_sent) == 2 * count);
  return got;
}

}  // namespace

TEST_CASE("over a network that loses nothing the reported loss is nothing") {
  ProxiedPair proxied({}, 1);
  const Exchange got = exchange(proxied);
  CHECK(got.reliable == 500);
  CHECK(got.sequenced == 500);
  CHECK(got.in_order);
  CHECK(proxied.pair.caller.stats().packet_loss_ratio.value_or(1) == 0);
  CHECK(proxied.proxy.to_server().lost == 0);
}

TEST_CASE("with 5 % of datagrams lost all reliable messages arrive, and most sequenced ones") {
  ProxiedPair proxied({.loss_ratio = 0.05}, 2);
  const Exchange got = exchange(proxied);
  CHECK(got.reliable == 500);
  CHECK(got.sequenced >= 380);
  CHECK(got.sequenced < 500);
  CHECK(got.in_order);
  CHECK(proxied.proxy.to_server().lost > 0);
  for (const Connection& each : {proxied.pair.caller, proxied.pair.callee}) {
    REQUIRE(each.stats().packet_loss_ratio);
    CHECK(*each.stats().packet_loss_ratio > 0.01);
    CHECK(*each.stats().packet_loss_ratio < 0.12);
  }
}

TEST_CASE("with 20 % of datagrams lost all reliable messages still arrive") {
  ProxiedPair proxied({.loss_ratio = 0.20}, 3);
  const Exchange got = exchange(proxied);
  CHECK(got.reliable == 500);
  // Messages that had to wait for a while share packets, and are lost together.
  CHECK(got.sequenced >= 200);
  CHECK(got.in_order);
  for (const Connection& each : {proxied.pair.caller, proxied.pair.callee}) {
    REQUIRE(each.stats().packet_loss_ratio);
    CHECK(*each.stats().packet_loss_ratio > 0.08);
    CHECK(*each.stats().packet_loss_ratio < 0.35);
  }
}

TEST_CASE("delay, jitter, doubles and overtaking change no message and no order") {
  const UdpImpairment bad{.loss_ratio = 0.03,
                          .duplicate_ratio = 0.1,
                          .reorder_ratio = 0.1,
                          .delay = 20ms,
                          .jitter = 15ms};
  ProxiedPair proxied(bad, 4);
  const Exchange got = exchange(proxied);
  CHECK(got.reliable == 500);
  CHECK(got.in_order);
  CHECK(proxied.proxy.to_server().duplicated > 0);
  CHECK(proxied.proxy.to_clients().reordered > 0);
  const ConnectionStats stats = proxied.pair.caller.stats();
  CHECK(stats.rtt > 40ms);
  CHECK(stats.rtt < 120ms);
  CHECK(stats.drops.duplicate_datagrams + stats.drops.stale_sequenced > 0);
}

TEST_CASE("a datagram with a changed bit counts as lost, and is never handed out") {
  ProxiedPair proxied({.flip_ratio = 0.1}, 6);
  const Exchange got = exchange(proxied);
  CHECK(got.reliable == 500);
  CHECK(got.in_order);
  CHECK(proxied.proxy.to_server().flipped > 0);
  for (const Connection& each : {proxied.pair.caller, proxied.pair.callee}) {
    REQUIRE(each.stats().packet_loss_ratio);
    CHECK(*each.stats().packet_loss_ratio > 0.03);
    CHECK(*each.stats().packet_loss_ratio < 0.2);
  }
}

TEST_CASE("a narrow way takes all reliable messages, and longer than a wide one") {
  ProxiedPair proxied({}, 7);
  for (const ProxyDirection way : {ProxyDirection::to_server, ProxyDirection::to_clients})
    proxied.proxy.set(way, {.bytes_per_second = 32'000, .max_queue_bytes = 8000});
  const std::string text = test::pattern(100'000);
  const TimePoint start = proxied.pair.clock.now();
  REQUIRE(test::send_text(proxied.pair.caller, text));
  REQUIRE(proxied.until([&] { return proxied.pair.server.log.messages() == 1; }));
  CHECK((proxied.pair.server.log.texts().front() == text));
  CHECK(proxied.pair.clock.now() - start > 3s);
  CHECK(proxied.pair.client.log.count(EventType::disconnected) == 0);
}

TEST_CASE("a way that stalls for less than the idle time-out loses no reliable message") {
  ProxiedPair proxied({}, 8);
  for (int i = 0; i < 50; ++i) {
    REQUIRE(test::send_text(proxied.pair.caller, std::to_string(i)));
    REQUIRE(test::send_text(proxied.pair.callee, std::to_string(i)));
    if (i == 20) {
      for (const ProxyDirection way : {ProxyDirection::to_server, ProxyDirection::to_clients})
        proxied.proxy.stall(way, (proxied.pair.clock.now() + 8s).time_since_epoch());
    }
    proxied.run(100ms);
  }
  proxied.run(2s);
  CHECK(proxied.pair.server.log.messages() < 50);
  REQUIRE(proxied.until([&] {
    return proxied.pair.server.log.messages() == 50 && proxied.pair.client.log.messages() == 50;
  }));
  CHECK(proxied.pair.server.log.texts().back() == "49");
  CHECK(proxied.pair.client.log.count(EventType::disconnected) == 0);
  CHECK(proxied.pair.server.log.count(EventType::disconnected) == 0);
}

TEST_CASE("a large message arrives whole through a network that loses a tenth") {
  ProxiedPair proxied({.loss_ratio = 0.1, .delay = 5ms}, 5);
  const std::string large = test::pattern(1 << 20);
  REQUIRE(proxied.pair.caller.send_bytes(std::as_bytes(std::span(large))));
  REQUIRE(proxied.until([&] { return proxied.pair.server.log.messages() == 1; }));
  CHECK((proxied.pair.server.log.texts().front() == large));
}
