// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "test/support/host_pair.hpp"
#include "test/support/tcp_proxy.hpp"
#include "test/support/udp_proxy.hpp"

/// Connections over real sockets that lose their link: a reset, an end in the middle, a cable that
/// is out, an address that changes.
using namespace tickwire;
using namespace std::chrono_literals;
using test::HostPair;
using test::PairOptions;
using test::TcpProxy;
using test::UdpProxy;

namespace {

const test::Scheme* scheme_named(std::string_view name) {
  const auto all = test::schemes();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.name == name; });
  return found == all.end() ? nullptr : &*found;
}

PairOptions resumable() {
  PairOptions options;
  for (HostConfig* config : {&options.server, &options.client}) {
    config->timeouts.resume_window = 60s;
    config->resume_over = ResumeOver::any;
  }
  return options;
}

/// A pair with a proxy of type `Proxy` between its hosts.
template <class Proxy>
struct Proxied {
  explicit Proxied(const test::Scheme& scheme, PairOptions options = resumable())
      : pair(scheme, std::move(options)) {}

  void connect(std::unique_ptr<Proxy> between) {
    proxy = std::move(between);
    pair.address.port = ntohs(proxy->local().sin_port);
    const auto dialled = pair.client->connect(pair.address.to_string());
    REQUIRE(dialled);
    REQUIRE(until([&] { return dialled->is_open() && pair.server->is_connected(); }));
    pair.caller = *dialled;
    pair.callee = pair.server->connections().front();
  }
  template <class F>
  [[nodiscard]] bool until(F holds) {
    return pair.until([&] {
      if (proxy) proxy->service(pair.clock.now().time_since_epoch());
      return holds();
    });
  }
  /// Both ends send a number each millisecond, and now and then something large.
  void talk(int from, int to) {
    for (int i = from; i < to; ++i) {
      const std::string text = std::to_string(i) + std::string(i % 25 == 0 ? 200'000 : 10, '.');
      REQUIRE(test::send_text(pair.caller, text));
      REQUIRE(test::send_text(pair.callee, text));
      const TimePoint end = pair.clock.now() + 1ms;
      REQUIRE(until([&] { return pair.clock.now() >= end; }));
    }
  }
  void expect_all(int count) {
    const auto wanted = static_cast<std::size_t>(count);
    REQUIRE(until([&] {
      return pair.server.log.messages() >= wanted && pair.client.log.messages() >= wanted;
    }));
    for (test::LoggedHost* host : {&pair.server, &pair.client}) {
      REQUIRE(host->log.messages() == wanted);
      for (int i = 0; i < count; ++i)
        CHECK(std::stoi(host->log.texts()[static_cast<std::size_t>(i)]) == i);
      CHECK(host->log.count(EventType::disconnected) == 0);
      CHECK(host->log.count(EventType::interrupted) == host->log.count(EventType::resumed));
      CHECK(host->log.count(EventType::interrupted) > 0);
    }
    CHECK(pair.caller.is_open());
    CHECK(pair.callee.is_open());
  }

  HostPair pair;
  std::unique_ptr<Proxy> proxy;
};

template <class Pair>
std::unique_ptr<TcpProxy> tcp_proxy(const Pair& pair) {
  return std::make_unique<TcpProxy>(
      test::parse_udp_address("127.0.0.1:0"),
      test::parse_udp_address("127.0.0.1:" + std::to_string(pair.pair.address.port)));
}

template <class Pair>
std::unique_ptr<UdpProxy> udp_proxy(const Pair& pair, std::uint64_t seed) {
  return std::make_unique<UdpProxy>(
      test::parse_udp_address("127.0.0.1:0"),
      test::parse_udp_address("127.0.0.1:" + std::to_string(pair.pair.address.port)),
      test::UdpImpairment{}, seed);
}

void over_stream(std::string_view name, TcpProxy::Cut how) {
  const test::Scheme* const scheme = scheme_named(name);
  if (scheme == nullptr) return;  // this build has no TLS
  Proxied<TcpProxy> proxied(*scheme);
  proxied.connect(tcp_proxy(proxied));
  proxied.talk(0, 60);
  proxied.proxy->cut(how);
  proxied.talk(60, 120);
  proxied.proxy->cut_at(test::ProxyDirection::to_clients, 300'000, how);
  proxied.talk(120, 200);
  proxied.expect_all(200);
}

}  // namespace

TEST_CASE("over TCP a reset, and an end in the middle of a frame, interrupt and no more") {
  SUBCASE("reset") {
    over_stream("tcp", TcpProxy::Cut::reset);
  }
  SUBCASE("finish") {
    over_stream("tcp", TcpProxy::Cut::finish);
  }
}

TEST_CASE("over TLS a reset, and an end in the middle of a record, interrupt and no more") {
  SUBCASE("reset") {
    over_stream("tls", TcpProxy::Cut::reset);
  }
  SUBCASE("finish") {
    over_stream("tls", TcpProxy::Cut::finish);
  }
}

TEST_CASE("a stream that stands still beyond the idle time is given up, and another one found") {
  Proxied<TcpProxy> proxied(*scheme_named("tcp"));
  proxied.connect(tcp_proxy(proxied));
  proxied.talk(0, 30);
  const auto gone = (proxied.pair.clock.now() + 1h).time_since_epoch();
  proxied.proxy->stall(test::ProxyDirection::to_server, gone);
  proxied.proxy->stall(test::ProxyDirection::to_clients, gone);
  proxied.talk(30, 60);
  REQUIRE(
      proxied.until([&] { return proxied.pair.client.log.count(EventType::interrupted) == 1; }));
  proxied.proxy->resume(test::ProxyDirection::to_server);
  proxied.proxy->resume(test::ProxyDirection::to_clients);
  proxied.talk(60, 90);
  proxied.expect_all(90);
}

TEST_CASE("over ENet an address that changes under way interrupts and no more") {
  Proxied<UdpProxy> proxied(*scheme_named("enet"));
  proxied.connect(udp_proxy(proxied, 1));
  proxied.talk(0, 60);
  // The router forgets its entry: what the client sends comes from another port from now on, which
  // nobody at the server knows.
  const sockaddr_in front = proxied.proxy->local();
  proxied.proxy.reset();
  proxied.proxy = std::make_unique<UdpProxy>(
      front,
      test::parse_udp_address("127.0.0.1:" +
                              std::to_string(proxied.pair.server->listening_addresses()[0].port)),
      test::UdpImpairment{}, 2);
  proxied.talk(60, 120);
  proxied.expect_all(120);
}

TEST_CASE("a token is offered over TLS, and over links that others can read only if asked to") {
  for (const std::string name : {"tcp", "enet", "tls"}) {
    INFO(name);
    const test::Scheme* const scheme = scheme_named(name);
    if (scheme == nullptr) continue;
    PairOptions options = resumable();
    options.server.resume_over = ResumeOver::encrypted;
    options.client.resume_over = ResumeOver::encrypted;
    HostPair pair(*scheme, std::move(options));
    pair.connect();
    pair.server.awake = false;
    pair.server.host.reset();  // and with it the sockets
    REQUIRE(pair.until([&] {
      return pair.client.log.count(EventType::interrupted) +
                 pair.client.log.count(EventType::disconnected) ==
             1;
    }));
    CHECK(pair.client.log.count(EventType::interrupted) == (name == "tls" ? 1 : 0));
  }
}
