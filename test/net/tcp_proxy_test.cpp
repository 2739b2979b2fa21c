// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

#include "test/support/host_pair.hpp"
#include "test/support/plain_socket.hpp"
#include "test/support/tcp_proxy.hpp"

/// The impaired network for streams, alone and between two hosts.
using namespace tickwire;
using namespace std::chrono_literals;
using test::PlainListener;
using test::PlainSocket;
using test::ProxyDirection;
using test::TcpImpairment;
using test::TcpProxy;
using Time = TcpProxy::Time;

namespace {

constexpr ProxyDirection kToServer = ProxyDirection::to_server;
constexpr ProxyDirection kToClients = ProxyDirection::to_clients;

sockaddr_in at_port(std::uint16_t port) {
  return test::parse_udp_address("127.0.0.1:" + std::to_string(port));
}

std::uint16_t port_of(const TcpProxy& proxy) {
  return ntohs(proxy.local().sin_port);
}

// A client, a server and the proxy between them, under a time that is moved by hand.
struct Rig {
  explicit Rig(const TcpImpairment& both_ways = {})
      : proxy(at_port(0), at_port(listener.port()), both_ways),
        client("127.0.0.1", port_of(proxy)) {
    proxy.service(now);
    server = listener.accept();
    REQUIRE(server);
  }

  void run(Time time) {
    for (const Time end = now + time; now < end; now += 1ms) {
      proxy.service(now);
      client.read();
      server->read();
    }
  }
  // Says more than the system takes at once.
  std::size_t flood(std::size_t bytes) {
    std::size_t said = 0;
    const std::string chunk(64 * 1024, 'f');
    for (std::size_t taken = 1; taken != 0 && said < bytes; said += taken)
      taken = client.write(std::string_view(chunk).substr(0, std::min(chunk.size(), bytes - said)));
    return said;
  }

  PlainListener listener;
  TcpProxy proxy;
  Time now{};
  PlainSocket client;
  std::unique_ptr<PlainSocket> server;
};

const test::Scheme& tcp() {
  const auto all = test::schemes();
  return *std::find_if(all.begin(), all.end(), [](const auto& each) { return each.name == "tcp"; });
}

// Two hosts that only reach each other through a proxy.
struct Hosts {
  Hosts() : pair(tcp()), proxy(at_port(0), at_port(pair.address.port)) {
    const auto dialled = pair.client->connect("tcp://127.0.0.1:" + std::to_string(port_of(proxy)));
    REQUIRE(dialled);
    REQUIRE(until([&] { return dialled->is_open() && pair.server->is_connected(); }));
    caller = *dialled;
    callee = pair.server->connections().front();
  }

  template <class F>
  [[nodiscard]] bool until(F holds) {
    return pair.until([&] {
      proxy.service(now());
      return holds();
    });
  }
  void run(Duration time) {
    const TimePoint end = pair.clock.now() + time;
    static_cast<void>(until([&] { return pair.clock.now() >= end; }));
  }
  [[nodiscard]] Time now() const { return pair.clock.now().time_since_epoch(); }
  [[nodiscard]] bool both_over() {
    return until([&] {
      return pair.client.log.count(EventType::disconnected) == 1 &&
             pair.server.log.count(EventType::disconnected) == 1;
    });
  }

  test::HostPair pair;
  TcpProxy proxy;
  Connection caller;
  Connection callee;
};

}  // namespace

TEST_CASE("tcp proxy: without an impairment all passes at once, both ways") {
  Rig rig;
  rig.client.write("to server");
  rig.server->write("to client");
  rig.run(1ms);
  CHECK(rig.server->received == "to server");
  CHECK(rig.client.received == "to client");
  CHECK(rig.proxy.passed_bytes(kToServer) == 9);
  CHECK(rig.proxy.counters().connections == 1);
}

TEST_CASE("tcp proxy: who wants small pieces gets one at a time, and all of them") {
  Rig rig({.max_write_bytes = 1500});
  const std::string text = test::pattern(20'000);
  REQUIRE(rig.client.write(text) == text.size());
  for (int i = 0; i < 1000 && rig.server->received.size() < text.size(); ++i) {
    const std::size_t before = rig.server->received.size();
    rig.run(1ms);
    REQUIRE(rig.server->received.size() - before <= 1500);
  }
  CHECK(rig.server->received == text);
}

TEST_CASE("tcp proxy: large amounts come through intact, and in order") {
  Rig rig({.delay = 3ms});
  const std::string text = test::pattern(3'000'000);
  std::size_t said = 0;
  for (int i = 0; i < 5000 && rig.server->received.size() < text.size(); ++i) {
    said += rig.client.write(std::string_view(text).substr(said));
    rig.run(1ms);
  }
  CHECK((rig.server->received == text));
}

TEST_CASE("tcp proxy: a delay holds bytes for as long as was said, each way on its own") {
  Rig rig;
  rig.proxy.set(kToServer, {.delay = 20ms});
  rig.client.write("a");
  rig.server->write("b");
  rig.run(10ms);
  CHECK(rig.client.received == "b");
  rig.client.write("c");
  CHECK(rig.proxy.next_due() == 20ms);
  rig.run(10ms);
  CHECK(rig.server->received.empty());
  rig.run(1ms);
  CHECK(rig.server->received == "a");
  rig.run(9ms);
  CHECK(rig.server->received == "a");
  rig.run(1ms);
  CHECK(rig.server->received == "ac");
}

TEST_CASE("tcp proxy: a rate lets through what it allows, and the sender has to wait") {
  Rig rig({.bytes_per_second = 100'000, .max_waiting_bytes = 20'000});
  std::size_t said = 0;
  for (int i = 0; i < 1000; ++i) {
    said += rig.flood(50'000'000);
    rig.run(1ms);
    CHECK(rig.proxy.waiting_bytes(kToServer) <= 20'000);
  }
  CHECK(rig.server->received.size() <= 100'000);
  CHECK(rig.server->received.size() >= 95'000);
  CHECK(said < 50'000'000);
}

TEST_CASE("tcp proxy: a stall holds what waits, and no more than it may") {
  Rig rig({.max_waiting_bytes = 10'000});
  rig.proxy.stall(kToServer, 100ms);
  rig.flood(1'000'000);
  rig.server->write("the other way");
  rig.run(100ms);
  CHECK(rig.server->received.empty());
  CHECK(rig.client.received == "the other way");
  CHECK(rig.proxy.waiting_bytes(kToServer) == 10'000);
  rig.run(50ms);
  CHECK(rig.server->received.size() > 10'000);
  rig.proxy.stall(kToServer, Time::max());
  rig.run(10ms);
  const std::size_t before = rig.server->received.size();
  rig.run(100ms);
  CHECK(rig.server->received.size() == before);
  rig.proxy.resume(kToServer);
  rig.run(10ms);
  CHECK(rig.server->received.size() > before);
}

TEST_CASE("tcp proxy: a stall at a byte lets through exactly the bytes before it") {
  Rig rig;
  rig.proxy.stall_at(kToServer, 5);
  rig.client.write("0123456789");
  rig.run(10ms);
  CHECK(rig.server->received == "01234");
  CHECK(rig.proxy.waiting_bytes(kToServer) == 5);
  rig.proxy.resume(kToServer);
  rig.run(1ms);
  CHECK(rig.server->received == "0123456789");
}

TEST_CASE("tcp proxy: a cut by FIN lets both ends read to the end, without a failure") {
  Rig rig;
  rig.client.write("heard");
  rig.run(1ms);
  rig.client.write("lost");
  rig.proxy.cut(TcpProxy::Cut::finish);
  rig.run(1ms);
  CHECK(rig.server->received == "heard");
  for (const PlainSocket* each : {&rig.client, rig.server.get()}) {
    CHECK(each->has_ended);
    CHECK(each->failure == 0);
  }
  CHECK(rig.proxy.open_connections() == 1);
  rig.client.close();
  rig.server->close();
  rig.proxy.service(rig.now);
  CHECK(rig.proxy.open_connections() == 0);
  CHECK(rig.proxy.counters().cut == 1);
}

TEST_CASE("tcp proxy: a reset tells both ends so") {
  Rig rig;
  rig.proxy.cut(TcpProxy::Cut::reset);
  rig.client.read();
  rig.server->read();
  CHECK(rig.client.failure == ECONNRESET);
  CHECK(rig.server->failure == ECONNRESET);
  CHECK(rig.proxy.open_connections() == 0);
}

TEST_CASE("tcp proxy: a cut at a byte comes behind exactly that many") {
  for (const auto how : {TcpProxy::Cut::finish, TcpProxy::Cut::reset}) {
    CAPTURE(static_cast<int>(how));
    Rig rig;
    rig.proxy.cut_at(kToServer, 7, how);
    rig.client.write("01234");
    rig.run(1ms);
    CHECK(rig.server->received == "01234");
    CHECK_FALSE(rig.server->has_ended);
    rig.client.write("56789");
    rig.run(2ms);
    CHECK(rig.proxy.passed_bytes(kToServer) == 7);
    if (how == TcpProxy::Cut::finish) {
      CHECK(rig.server->received == "0123456");
      CHECK(rig.server->has_ended);
    } else {
      CHECK(rig.server->failure == ECONNRESET);
    }
  }
}

TEST_CASE("tcp proxy: a cut at a time comes then, and connections after it live") {
  Rig rig;
  rig.proxy.cut_at(50ms, TcpProxy::Cut::reset);
  CHECK(rig.proxy.next_due() == 50ms);
  rig.run(50ms);
  CHECK(rig.client.failure == 0);
  rig.run(1ms);
  CHECK(rig.client.failure == ECONNRESET);
  PlainSocket again("127.0.0.1", port_of(rig.proxy));
  rig.run(1ms);
  const auto other = rig.listener.accept();
  REQUIRE(other);
  again.write("back");
  rig.run(1ms);
  other->read();
  CHECK(other->received == "back");
}

TEST_CASE("tcp proxy: an end follows the bytes before it; a reset passes at once") {
  Rig rig({.delay = 10ms});
  rig.client.write("last words");
  rig.client.shut_down();
  rig.run(5ms);
  CHECK_FALSE(rig.server->has_ended);
  rig.run(6ms);
  CHECK(rig.server->received == "last words");
  CHECK(rig.server->has_ended);
  rig.server->write("answer");
  rig.run(11ms);
  CHECK(rig.client.received == "answer");
  rig.server->reset();
  rig.proxy.service(rig.now);
  rig.client.read();
  CHECK(rig.client.failure == ECONNRESET);
}

TEST_CASE("tcp proxy: a bit is changed in the byte that was named") {
  Rig rig;
  rig.proxy.flip_at(kToServer, 6);
  rig.client.write("0123");
  rig.run(1ms);
  rig.client.write("4567");
  rig.run(1ms);
  CHECK(rig.server->received == "01234577");
}

TEST_CASE("tcp proxy: a server that does not listen resets the client") {
  TcpProxy proxy(at_port(0), at_port(test::closed_port()));
  PlainSocket client("127.0.0.1", port_of(proxy));
  proxy.service(0ms);
  proxy.service(1ms);
  client.read();
  CHECK(client.failure == ECONNRESET);
}

TEST_CASE("tcp proxy: settings that make no sense are refused by name") {
  const auto refused = [](const TcpImpairment& impairment) -> std::string {
    try {
      const TcpProxy proxy(at_port(0), at_port(1), impairment);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return {};
  };
  CHECK(refused({.delay = -1ms}).find("delay") != std::string::npos);
  CHECK(refused({.bytes_per_second = 0}).find("bytes_per_second") != std::string::npos);
  CHECK(refused({.max_waiting_bytes = 0}).find("max_waiting_bytes") != std::string::npos);
  CHECK(refused({.max_write_bytes = 0}).find("max_write_bytes") != std::string::npos);
}

TEST_CASE("tcp through a proxy: a stall shorter than the idle time-out loses nothing") {
  Hosts hosts;
  for (const ProxyDirection way : {kToServer, kToClients})
    hosts.proxy.stall(way, hosts.now() + 8s);
  for (int i = 0; i < 100; ++i)
    REQUIRE(test::send_text(hosts.caller, std::to_string(i)));
  hosts.run(7s);
  CHECK(hosts.pair.server.log.messages() == 0);
  REQUIRE(hosts.until([&] { return hosts.pair.server.log.messages() == 100; }));
  CHECK(hosts.pair.server.log.texts().back() == "99");
  CHECK(hosts.caller.is_open());
  CHECK(hosts.callee.is_open());
}

TEST_CASE("tcp through a proxy: a longer one is the end of the connection, at both ends") {
  Hosts hosts;
  for (const ProxyDirection way : {kToServer, kToClients})
    hosts.proxy.stall(way, Time::max());
  REQUIRE(hosts.both_over());
  CHECK(hosts.pair.client.log.last(EventType::disconnected).error.code ==
        ErrorCode::connection_lost);
  CHECK(hosts.pair.server.log.last(EventType::disconnected).error.code ==
        ErrorCode::connection_lost);
}

TEST_CASE(
    "tcp through a proxy: a cut or a reset at any byte of a message hands out no part of it") {
  for (const auto how : {TcpProxy::Cut::finish, TcpProxy::Cut::reset}) {
    for (const std::uint64_t after : {1u, 3u, 4u, 5u, 20u, 1000u}) {
      CAPTURE(static_cast<int>(how));
      CAPTURE(after);
      Hosts hosts;
      hosts.run(100ms);
      hosts.proxy.cut_at(kToServer, hosts.proxy.passed_bytes(kToServer) + after, how);
      REQUIRE(test::send_text(hosts.caller, test::pattern(5000)));
      REQUIRE(hosts.both_over());
      CHECK(hosts.pair.server.log.messages() == 0);
      const ErrorCode code = hosts.pair.server.log.last(EventType::disconnected).error.code;
      CHECK(code == (how == TcpProxy::Cut::reset ? ErrorCode::connection_reset
                                                 : ErrorCode::stream_truncated));
    }
  }
}

TEST_CASE("tcp through a proxy: the delay of the way is what the hosts measure") {
  Hosts hosts;
  for (const ProxyDirection way : {kToServer, kToClients})
    hosts.proxy.set(way, {.delay = 40ms});
  hosts.run(5min);  // the estimate of a connection on which nothing is said moves every 2.5 s
  for (const Connection& each : {hosts.caller, hosts.callee}) {
    CHECK(each.stats().rtt >= 80ms);
    CHECK(each.stats().rtt <= 83ms);
  }
}
