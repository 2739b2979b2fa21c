// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "test/support/plain_socket.hpp"
#include "test/support/tcp_schemes.hpp"
#include "test/support/tls_hosts.hpp"

/// Those who speak no TLS at a port that does, or the other way round, or speak it too slowly.
using namespace tickwire;
using namespace std::chrono_literals;
using test::contains;
using test::PlainListener;
using test::PlainSocket;
using test::TlsFiles;
using test::TlsHosts;

namespace {

/// A TLS port, somebody who talks through it properly, and room for somebody who does not.
struct Port {
  explicit Port(HostConfig server = {}) : hosts(files.listening(), std::move(server)) {
    hosts.connect(TlsHosts::by(files.dialling()));
  }

  void check_alive() {
    const std::size_t before = hosts.server.log.messages();
    REQUIRE(test::send_text(hosts.caller, "still here"));
    REQUIRE(hosts.until([&] { return hosts.server.log.messages() == before + 1; }));
  }
  /// The server has got rid of the intruder, and tells of him in a counter and a line only.
  void check_rejected(PlainSocket& intruder, std::string_view words) {
    REQUIRE(hosts.until([&] {
      intruder.read();
      return intruder.has_ended || intruder.failure != 0;
    }));
    CHECK(hosts.server->stats().handshakes_failed == 1);
    CHECK(hosts.server->stats().open_connections == 1);
    CHECK(hosts.server.log.count(EventType::connected) == 1);
    CHECK(hosts.server.log.count(EventType::error) == 0);
    CHECK(contains(hosts.server.lines.back(), words));
    check_alive();
  }

  TlsFiles files;
  TlsHosts hosts;
};

/// What a dialler over TLS says first.
std::string hello(TlsHosts& hosts) {
  PlainListener listener;
  const auto dialled = hosts.client->connect(listener.url("tls"));
  REQUIRE(dialled);
  std::unique_ptr<PlainSocket> callee;
  REQUIRE(hosts.until([&] {
    if (!callee) callee = listener.accept();
    if (callee) callee->read();
    return callee != nullptr && !callee->received.empty();
  }));
  CHECK(dialled->close() == ErrorCode::none);
  return callee->received;
}

/// What a dialler over TLS is told of a callee that does this with what it got.
template <class Answer>
Error answered(Answer answer) {
  PlainListener listener;
  test::HostPair pair(test::tls_scheme());
  const auto dialled = pair.client->connect(listener.url("tls"));
  REQUIRE(dialled);
  std::unique_ptr<PlainSocket> callee;
  bool is_answered = false;
  REQUIRE(pair.until([&] {
    if (!callee) callee = listener.accept();
    if (callee) callee->read();
    if (callee && !callee->received.empty() && !std::exchange(is_answered, true)) answer(*callee);
    return pair.client.log.count(EventType::error) == 1;
  }));
  pair.run(10ms);
  CHECK(pair.client.log.all().size() == 1);
  CHECK(pair.client.log.last(EventType::error).connection == *dialled);
  const Error error = pair.client.log.last(EventType::error).error;
  CHECK(contains(error.message(), listener.url("tls")));
  return error;
}

}  // namespace

TEST_CASE("tls port: garbage and HTTP are told as such and answered with nothing") {
  for (const std::string_view bytes : {"GET / HTTP/1.1\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "x"}) {
    CAPTURE(bytes);
    Port port;
    PlainSocket intruder(port.hosts.address);
    REQUIRE(intruder.write(bytes) == bytes.size());
    port.check_rejected(intruder,
                        bytes.starts_with("GET") ? "speaks plain HTTP, not TLS" : "speaks no TLS");
    CHECK(intruder.received.empty());
  }
}

TEST_CASE("tls port: who is turned away sees an end, however much of what he said is unread") {
  Port port;
  PlainSocket intruder(port.hosts.address);
  const std::string bytes(200'000, 'x');
  REQUIRE(intruder.write(bytes) == bytes.size());
  port.check_rejected(intruder, "speaks no TLS");
  CHECK(intruder.has_ended);
  CHECK(intruder.failure == 0);
}

TEST_CASE("tls port: a record of a length that TLS does not have is refused") {
  Port port;
  PlainSocket intruder(port.hosts.address);
  const std::string bytes = std::string("\x16\x03\x01\xff\xff", 5) + std::string(300, 'x');
  REQUIRE(intruder.write(bytes) == bytes.size());
  port.check_rejected(intruder, "did not get in: ");
}

TEST_CASE("tls port: garbage behind a good hello is refused") {
  Port port;
  PlainSocket intruder(port.hosts.address);
  const std::string bytes = hello(port.hosts) + std::string(100, '\x17');
  REQUIRE(intruder.write(bytes) == bytes.size());
  port.check_rejected(intruder, "did not get in: ");
}

TEST_CASE("tls port: a dialler over tcp:// fails in one error, and the server says who it was") {
  Port port;
  const std::string url = "tcp://127.0.0.1:" + std::to_string(port.hosts.address.port);
  const auto dialled = port.hosts.client->connect(url);
  REQUIRE(dialled);
  REQUIRE(port.hosts.until([&] { return port.hosts.client.log.count(EventType::error) == 1; }));
  const Error& error = port.hosts.client.log.last(EventType::error).error;
  CHECK(contains(error.message(), url));
  CHECK(error.code == ErrorCode::stream_truncated);
  CHECK(contains(port.hosts.server.lines.back(), "speaks no TLS"));
  CHECK(port.hosts.server->stats().handshakes_failed == 1);
  port.check_alive();
}

TEST_CASE("tls dialler: a tcp:// port is no TLS, and that server says that TLS came") {
  test::PairOptions options;
  options.server.log.level = LogLevel::info;
  test::HostPair pair(test::tcp_scheme(), options);
  const std::string url = "tls://127.0.0.1:" + std::to_string(pair.address.port);
  REQUIRE(pair.client->connect(url));
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::error) == 1; }));
  const Error& error = pair.client.log.last(EventType::error).error;
  CHECK(error.code == ErrorCode::not_tls);
  CHECK(contains(error.message(), url));
  CHECK(pair.server->stats().handshakes_failed == 1);
  CHECK(contains(pair.server.lines.back(), "speaks TLS"));
}

TEST_CASE("tls dialler: one who answers in plain text speaks no TLS") {
  const Error web =
      answered([](PlainSocket& callee) { callee.write("HTTP/1.1 400 Bad Request\r\n\r\n"); });
  CHECK(web.code == ErrorCode::not_tls);
  CHECK(contains(web.message(), "plain HTTP"));
  const Error other = answered([](PlainSocket& callee) { callee.write("220 mail ready\r\n"); });
  CHECK(other.code == ErrorCode::not_tls);
  CHECK(contains(other.message(), "speaks no TLS"));
}

TEST_CASE("tls dialler: an echo, an end and a reset are errors of their own") {
  const Error echo = answered([](PlainSocket& callee) { callee.write(callee.received); });
  CHECK(echo.code == ErrorCode::tls_failed);
  CHECK(contains(echo.message(), "unexpected message"));
  const Error end = answered([](PlainSocket& callee) { callee.close(); });
  CHECK(end.code == ErrorCode::not_tls);
  CHECK(contains(end.message(), "without a word of TLS"));
  const Error cut = answered([](PlainSocket& callee) { callee.reset(); });
  CHECK(cut.code == ErrorCode::connection_reset);
  CHECK(cut.system_code != 0);
}

TEST_CASE("tls dialler: one who answers the call and says nothing is waited for in vain") {
  const PlainListener listener;
  test::HostPair pair(test::tls_scheme());
  REQUIRE(pair.client->connect(listener.url("tls")));
  pair.run(4900ms, 10ms);
  CHECK(pair.client.log.all().empty());
  pair.run(200ms, 10ms);
  REQUIRE(pair.client.log.all().size() == 1);
  // Somebody has answered: the TCP connection is up.
  CHECK(pair.client.log.last(EventType::error).error.code == ErrorCode::handshake_timed_out);
}

TEST_CASE("tls port: one who says nothing is put out when his time is up") {
  Port port;
  PlainSocket silent(port.hosts.address);
  port.hosts.run(4900ms, 10ms);
  silent.read();
  CHECK_FALSE(silent.has_ended);
  CHECK(port.hosts.server->stats().handshakes_failed == 0);
  port.hosts.run(600ms, 10ms);
  port.check_rejected(silent, "The TLS handshake did not end in time.");
}

TEST_CASE("tls port: one byte a second is too slow, and the place is free again") {
  HostConfig server;
  server.limits.max_connections = 2;
  Port port(server);
  const std::string bytes = hello(port.hosts);
  REQUIRE(bytes.size() > 20);
  // More than there are places, so that one who comes meanwhile has to wait for theirs.
  std::vector<PlainSocket> slow;
  for (int i = 0; i < 40; ++i)
    slow.emplace_back(port.hosts.address);
  std::size_t failed_at_second = 0;
  for (std::size_t second = 0; second < 7; ++second) {
    for (PlainSocket& each : slow)
      static_cast<void>(each.write(std::string_view(bytes).substr(second, 1)));
    port.hosts.run(1s, 50ms);
    port.check_alive();
    if (failed_at_second == 0 && port.hosts.server->stats().handshakes_failed > 0)
      failed_at_second = second;
  }
  CHECK(failed_at_second >= 4);
  CHECK(failed_at_second <= 5);
  const HostStats stats = port.hosts.server->stats();
  CHECK(stats.handshakes_failed + stats.refused_full == slow.size());
  CHECK(stats.open_connections == 1);
  static_cast<void>(port.hosts.connect(port.hosts.client, TlsHosts::by(port.files.dialling())));
  CHECK(port.hosts.server.log.count(EventType::error) == 0);
}

TEST_CASE("tls port: those who stop in the middle of the handshake hold up nobody") {
  Port port;
  const std::string bytes = hello(port.hosts);
  std::vector<PlainSocket> stuck;
  for (int i = 0; i < 50; ++i) {
    stuck.emplace_back(port.hosts.address);
    const auto part = static_cast<std::size_t>(i) * bytes.size() / 49;
    static_cast<void>(stuck.back().write(std::string_view(bytes).substr(0, part)));
  }
  const TimePoint before = port.hosts.clock.now();
  static_cast<void>(port.hosts.connect(port.hosts.client, TlsHosts::by(port.files.dialling())));
  CHECK(port.hosts.clock.now() - before < 1s);
  CHECK(port.hosts.server->stats().handshakes_failed == 0);
  port.hosts.run(6s, 50ms);
  CHECK(port.hosts.server->stats().handshakes_failed == stuck.size());
  CHECK(port.hosts.server->stats().open_connections == 2);
}

TEST_CASE("tls port: those who send their part a byte at a time use up nobody's turn") {
  Port port;
  const std::string bytes = hello(port.hosts);
  constexpr std::size_t strangers = 200;
  std::vector<PlainSocket> slow;
  for (std::size_t i = 0; i < strangers; ++i)
    slow.emplace_back(port.hosts.address);
  port.hosts.run(50ms);
  const Connection honest = *port.hosts.client->connect(port.hosts.address.to_string(),
                                                        TlsHosts::by(port.files.dialling()));
  std::size_t passes = 0;
  REQUIRE(port.hosts.until([&] {
    for (PlainSocket& each : slow)
      static_cast<void>(each.write(std::string_view(bytes).substr(passes, 1)));
    ++passes;
    return honest.is_open();
  }));
  // They alone would take all of 25 passes for one byte each.
  CHECK(passes < 25);
  CHECK(port.hosts.server->stats().handshakes_failed == 0);
}
