// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "test/support/tcp_proxy.hpp"
#include "test/support/tls_hosts.hpp"

/// TLS connections that are cut, at every place where it hurts.
using namespace tickwire;
using namespace std::chrono_literals;
using test::contains;
using test::ProxyDirection;
using test::TcpProxy;
using test::TlsFiles;
using test::TlsHosts;

namespace {

using Cut = TcpProxy::Cut;
constexpr ProxyDirection kToServer = ProxyDirection::to_server;
constexpr ProxyDirection kToClient = ProxyDirection::to_clients;

/// On the way to a server; time does not matter to it.
struct Proxy : TcpProxy {
  explicit Proxy(const Address& server)
      : TcpProxy(test::parse_udp_address("127.0.0.1:0"),
                 test::parse_udp_address(server.host + ":" + std::to_string(server.port))) {}

  [[nodiscard]] std::string url() const { return "tls://" + test::to_text(local()); }
  void step() { service({}); }
};

/// A client that reaches its server through a proxy.
struct Line {
  Line() : hosts(files.listening()), proxy(hosts.address) {}

  Connection dial() {
    const auto dialled = hosts.client->connect(proxy.url(), TlsHosts::by(files.dialling()));
    REQUIRE(dialled);
    return *dialled;
  }
  template <class Holds>
  [[nodiscard]] bool until(Holds holds) {
    return hosts.until([&] {
      proxy.step();
      return holds();
    });
  }
  void connect() {
    caller = dial();
    REQUIRE(until([&] {
      return hosts.client.log.count(EventType::connected) == 1 &&
             hosts.server.log.count(EventType::connected) == 1;
    }));
    callee = hosts.server.log.last(EventType::connected).connection;
    REQUIRE(test::send_text(caller, "hello"));
    REQUIRE(until([&] { return hosts.server.log.messages() == 1; }));
  }
  [[nodiscard]] bool both_over() {
    return hosts.until([&] {
      return hosts.client.log.count(EventType::disconnected) == 1 &&
             hosts.server.log.count(EventType::disconnected) == 1;
    });
  }

  TlsFiles files;
  TlsHosts hosts;
  Proxy proxy;
  Connection caller;
  Connection callee;
};

/// The bytes that a server sends in a handshake.
std::uint64_t handshake_bytes() {
  Line line;
  line.connect();
  return line.proxy.passed_bytes(kToClient);
}

}  // namespace

TEST_CASE("tls cuts: a line that is cut anywhere in the handshake ends in one error") {
  const std::uint64_t all = handshake_bytes();
  REQUIRE(all > 500);
  for (const Cut how : {Cut::finish, Cut::reset}) {
    for (const std::uint64_t limit :
         {std::uint64_t{0}, std::uint64_t{3}, std::uint64_t{100}, all / 2}) {
      CAPTURE(static_cast<int>(how));
      CAPTURE(limit);
      Line line;
      line.proxy.stall_at(kToClient, limit);
      line.dial();
      REQUIRE(line.until([&] { return line.proxy.waiting_bytes(kToClient) > 100; }));
      line.hosts.run(5ms);
      line.proxy.cut(how);
      REQUIRE(line.hosts.until([&] {
        return line.hosts.client.log.count(EventType::error) == 1 &&
               line.hosts.server->stats().handshakes_failed == 1;
      }));
      line.hosts.run(10ms);
      CHECK(line.hosts.client.log.all().size() == 1);
      CHECK(line.hosts.server.log.all().empty());
      const Error& error = line.hosts.client.log.last(EventType::error).error;
      CHECK(contains(error.message(), line.proxy.url()));
      if (how == Cut::reset) {
        CHECK(error.code == ErrorCode::connection_reset);
      } else {
        CHECK(error.code == (limit == 0 ? ErrorCode::not_tls : ErrorCode::tls_failed));
      }
      CHECK(contains(line.hosts.server.lines.back(), "did not get in: "));
    }
  }
}

TEST_CASE("tls cuts: an end without close_notify is a truncated stream, at both ends") {
  Line line;
  line.connect();
  line.proxy.cut(Cut::finish);
  REQUIRE(line.both_over());
  for (const auto* log : {&line.hosts.client.log, &line.hosts.server.log}) {
    const Error& error = log->last(EventType::disconnected).error;
    CHECK(error.code == ErrorCode::stream_truncated);
    CHECK(contains(error.message(), "close_notify"));
  }
}

TEST_CASE("tls cuts: an end in the middle of a record is a truncated stream") {
  Line line;
  line.connect();
  const std::uint64_t limit = line.proxy.passed_bytes(kToServer) + 5000;
  line.proxy.stall_at(kToServer, limit);
  const std::string text = test::pattern(100'000);
  REQUIRE(test::send_text(line.caller, text));
  REQUIRE(line.until([&] { return line.proxy.passed_bytes(kToServer) == limit; }));
  line.hosts.run(5ms);
  line.proxy.cut(Cut::finish);
  REQUIRE(line.both_over());
  CHECK(line.hosts.server.log.last(EventType::disconnected).error.code ==
        ErrorCode::stream_truncated);
  CHECK(line.hosts.server.log.messages() == 1);
  CHECK(line.hosts.client.log.last(EventType::disconnected).error.code ==
        ErrorCode::stream_truncated);
}

TEST_CASE("tls cuts: a reset is told from an end, with the system's number") {
  Line line;
  line.connect();
  line.proxy.cut(Cut::reset);
  REQUIRE(line.both_over());
  for (const auto* log : {&line.hosts.client.log, &line.hosts.server.log}) {
    const Error& error = log->last(EventType::disconnected).error;
    CHECK(error.code == ErrorCode::connection_reset);
    CHECK(error.system_code != 0);
  }
}

TEST_CASE("tls cuts: a byte that is changed on its way ends the connection and is not handed out") {
  Line line;
  line.connect();
  line.proxy.flip_at(kToServer, line.proxy.passed_bytes(kToServer) + 20);
  REQUIRE(test::send_text(line.caller, "pay 10 to bob"));
  REQUIRE(line.until([&] {
    return line.hosts.client.log.count(EventType::disconnected) == 1 &&
           line.hosts.server.log.count(EventType::disconnected) == 1;
  }));
  CHECK(line.hosts.server.log.messages() == 1);
  const Error& server = line.hosts.server.log.last(EventType::disconnected).error;
  CHECK(server.code == ErrorCode::tls_failed);
  CHECK(contains(server.message(), "changed on its way"));
  const Error& client = line.hosts.client.log.last(EventType::disconnected).error;
  CHECK(client.code == ErrorCode::tls_failed);
  CHECK(contains(client.message(), "changed on its way"));
}

TEST_CASE("tls cuts: a close that is agreed upon is no truncation") {
  Line line;
  line.connect();
  CHECK(line.caller.close("bye") == ErrorCode::none);
  REQUIRE(line.until([&] {
    return line.hosts.client.log.count(EventType::disconnected) == 1 &&
           line.hosts.server.log.count(EventType::disconnected) == 1;
  }));
  CHECK(line.hosts.client.log.last(EventType::disconnected).error.code ==
        ErrorCode::closed_locally);
  CHECK(line.hosts.server.log.last(EventType::disconnected).error.code ==
        ErrorCode::closed_by_peer);
}

TEST_CASE("tls cuts: a raw stream that ends without close_notify is truncated, too") {
  TlsFiles files;
  TlsHosts hosts(files.listening());
  const auto raw = hosts.server->listen("raw+tls://127.0.0.1:0");
  REQUIRE(raw);
  Proxy proxy(*raw);
  const auto dialled = hosts.client->connect("raw+" + proxy.url(), TlsHosts::by(files.dialling()));
  REQUIRE(dialled);
  REQUIRE(hosts.until([&] {
    proxy.step();
    return hosts.server.log.count(EventType::connected) == 1 &&
           hosts.client.log.count(EventType::connected) == 1;
  }));
  const std::string text = "half a line";
  REQUIRE(dialled->send_bytes(std::as_bytes(std::span(text))));
  REQUIRE(hosts.until([&] {
    proxy.step();
    return hosts.server.log.messages() == 1;
  }));
  proxy.cut(Cut::finish);
  REQUIRE(hosts.until([&] { return hosts.server.log.count(EventType::disconnected) == 1; }));
  CHECK(hosts.server.log.last(EventType::disconnected).error.code == ErrorCode::stream_truncated);
  CHECK(hosts.server.log.texts().front() == text);
}
