// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/bytes.hpp"
#include "test/support/packet_kit.hpp"
#include "test/support/plain_socket.hpp"
#include "test/support/tcp_schemes.hpp"

/// A TCP port is open to everybody: those who speak no Tickwire, or speak it wrong.
using namespace tickwire;
using namespace std::chrono_literals;
using test::PlainListener;
using test::PlainSocket;

namespace {

constexpr std::string_view client_hello{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11};
constexpr std::string_view tls_alert{"\x15\x03\x01\x00\x02\x02\x46", 7};

test::PairOptions test_application() {
  test::PairOptions options;
  options.server.application = "test/1";
  options.client.application = "test/1";
  return options;
}

std::string framed(const test::Bytes& packet) {
  const test::Bytes frame = test::ByteKit().u32(packet.size()).bytes(packet).take();
  return std::string(detail::as_text(frame));
}

std::string greeting() {
  return framed(test::control_packet().record(0x10, test::hello_body()));
}

/// A server, somebody who talks to it properly, and room for somebody who does not.
struct Port {
  explicit Port(test::PairOptions options = test_application())
      : pair(test::tcp_scheme(), std::move(options)) {
    pair.connect();
  }

  /// The server has got rid of the intruder, who was told of by nothing but a counter.
  void check_rejected(PlainSocket& intruder, std::uint64_t failures = 1) {
    REQUIRE(pair.until([&] {
      intruder.read();
      return intruder.has_ended || intruder.failure != 0;
    }));
    CHECK(pair.server->stats().handshakes_failed == failures);
    CHECK(pair.server.log.count(EventType::connected) == 1);
    CHECK(pair.server.log.count(EventType::error) == 0);
    CHECK(pair.server->stats().open_connections == 1);
    REQUIRE(test::send_text(pair.caller, "still here"));
    REQUIRE(pair.until([&] { return pair.server.log.messages() == 1; }));
  }

  void let_another_in() {
    HostConfig config;
    config.application = "test/1";
    pair.connect(pair.add(std::move(config)));
  }

  test::HostPair pair;
};

/// What a dialler is told when this is the answer to its greeting.
Error answered(std::string_view answer) {
  PlainListener listener;
  test::HostPair pair(test::tcp_scheme(), test_application());
  const auto dialled = pair.client->connect(listener.url("tcp"));
  REQUIRE(dialled);
  std::unique_ptr<PlainSocket> callee;
  REQUIRE(pair.until([&] {
    if (!callee) callee = listener.accept();
    return callee != nullptr;
  }));
  callee->write(answer);
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::error) == 1; }));
  pair.run(10ms);
  CHECK(pair.client.log.all().size() == 1);
  CHECK(pair.client.log.last(EventType::error).connection == *dialled);
  return pair.client.log.last(EventType::error).error;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("somebody who connects over TCP and says nothing is put out when his time is up") {
  Port port;
  PlainSocket silent(port.pair.address);
  REQUIRE(port.pair.until([&] { return port.pair.server->stats().connections.bytes_sent > 0; }));
  port.pair.run(4900ms, 10ms);
  silent.read();
  CHECK_FALSE(silent.has_ended);
  port.pair.run(200ms, 10ms);
  port.check_rejected(silent);
  CHECK(silent.received.empty());
}

TEST_CASE("a greeting that comes one byte at a time is a greeting") {
  Port port;
  PlainSocket slow(port.pair.address);
  for (const char byte : greeting()) {
    slow.read();
    REQUIRE(slow.received.empty());
    REQUIRE(slow.write({&byte, 1}) == 1);
    port.pair.step();
  }
  REQUIRE(port.pair.until([&] {
    slow.read();
    return slow.received.size() > detail::kFrameHeadroomBytes;
  }));
  CHECK(static_cast<std::uint8_t>(slow.received[0]) == slow.received.size() - 4);
  CHECK_FALSE(slow.has_ended);
}

TEST_CASE("a greeting that comes too slowly does not come in") {
  Port port;
  PlainSocket slow(port.pair.address);
  for (const char byte : greeting()) {
    static_cast<void>(slow.write({&byte, 1}));
    port.pair.run(1s, 100ms);
  }
  port.check_rejected(slow);
  CHECK(slow.received.empty());
}

TEST_CASE("bytes that are no greeting end a TCP connection at once and make no event") {
  const std::string rest(600, 'x');
  for (const std::string& bytes :
       {"GET / HTTP/1.1\r\nHost: here\r\n\r\n" + rest, std::string(client_hello) + rest,
        std::string("\0\0\0\0", 4), std::string("\xff\xff\xff\xff", 4) + rest,
        std::string("\x01\x08\0\0", 4), framed(test::ByteKit().text("hello there")),
        framed(test::control_packet()), framed(test::reliable_packet(0, 0).text("data")),
        framed(test::control_packet().record(0x10, test::hello_body())).replace(10, 4, "WIKT")}) {
    INFO("bytes " << test::hex(std::as_bytes(std::span(bytes)).first(4)));
    Port port;
    PlainSocket intruder(port.pair.address);
    REQUIRE(intruder.write(bytes) == bytes.size());
    port.check_rejected(intruder);
  }
}

TEST_CASE("a dialler over TCP says what it was that answered") {
  const Error web = answered("HTTP/1.1 400 Bad Request\r\n\r\n");
  CHECK(web.code == ErrorCode::protocol_violation);
  CHECK(contains(web.message(), "HTTP"));
  const Error secure = answered(tls_alert);
  CHECK(secure.code == ErrorCode::protocol_violation);
  CHECK(contains(secure.message(), "TLS"));
  const Error other = answered("SSH-2.0-OpenSSH_9.2\r\n");
  CHECK(other.code == ErrorCode::protocol_violation);
  CHECK(contains(other.message(), "length"));
  const Error zero = answered(std::string_view("\0\0\0\0", 4));
  CHECK(zero.code == ErrorCode::protocol_violation);
  for (const Error* error : {&web, &secure, &other, &zero})
    CHECK(contains(error->message(), "tcp://127.0.0.1:"));
}

TEST_CASE("a dialler whose callee never answers has its error when its time is up") {
  const PlainListener listener;
  test::HostPair pair(test::tcp_scheme(), test_application());
  REQUIRE(pair.client->connect(listener.url("tcp")));
  pair.run(4900ms, 10ms);
  CHECK(pair.client.log.all().empty());
  pair.run(200ms, 10ms);
  CHECK(pair.client.log.last(EventType::error).error.code == ErrorCode::handshake_timed_out);
}

TEST_CASE("a dialled stream that ends is told from one that is cut") {
  for (const bool is_cut : {false, true}) {
    INFO("cut " << is_cut);
    PlainListener listener;
    test::HostPair pair(test::tcp_scheme(), test_application());
    REQUIRE(pair.client->connect(listener.url("tcp")));
    std::unique_ptr<PlainSocket> callee;
    REQUIRE(pair.until([&] {
      if (!callee) callee = listener.accept();
      if (callee) callee->read();
      return callee && !callee->received.empty();
    }));
    callee->write(framed(test::control_packet().record(0x11, test::welcome_body())));
    REQUIRE(pair.until([&] { return pair.client.log.count(EventType::connected) == 1; }));
    callee->write(std::string_view("\x20\0\0\0half a packet", 17));
    pair.run(5ms);
    if (is_cut) {
      callee->reset();
    } else {
      callee->shut_down();
    }
    REQUIRE(pair.until([&] { return pair.client.log.count(EventType::disconnected) == 1; }));
    const Error& error = pair.client.log.last(EventType::disconnected).error;
    CHECK(error.code == (is_cut ? ErrorCode::connection_reset : ErrorCode::stream_truncated));
    CHECK((error.system_code != 0) == is_cut);
    if (!is_cut) CHECK(contains(error.message(), "middle of a packet"));
  }
}

TEST_CASE("a TCP connection that is dropped in its handshake makes no event") {
  for (const bool is_cut : {false, true}) {
    Port port;
    PlainSocket caller(port.pair.address);
    caller.write(greeting().substr(0, 9));
    port.pair.run(5ms);
    if (is_cut) {
      caller.reset();
    } else {
      caller.close();
    }
    REQUIRE(port.pair.until([&] { return port.pair.server->stats().handshakes_failed == 1; }));
    CHECK(port.pair.server.log.count(EventType::connected) == 1);
    CHECK(port.pair.server.log.count(EventType::error) == 0);
  }
}

TEST_CASE("5,000 TCP connections that are held open and go at once disturb nobody who talks") {
  constexpr std::size_t wanted = 5000;
  const test::ManyDescriptors descriptors(2 * wanted);  // both ends are here
  const std::size_t callers = descriptors.further() / 2;
  if (callers < wanted) MESSAGE("descriptors for no more than " << callers << " connections");
  test::PairOptions options = test_application();
  options.server.limits.max_connections = wanted + 2;
  Port port(std::move(options));
  std::size_t sent = 0;
  const auto talk = [&] {
    REQUIRE(test::send_text(port.pair.caller, "tick"));
    ++sent;
  };
  const std::size_t first = test::lowest_free_descriptor();
  std::vector<PlainSocket> crowd;
  crowd.reserve(callers);
  while (crowd.size() < callers) {
    crowd.emplace_back(port.pair.address);
    if (crowd.size() % 50 != 0) continue;
    talk();
    port.pair.step();  // the system's queue of newcomers stays short
  }
  REQUIRE(port.pair.until([&] { return test::lowest_free_descriptor() >= first + 2 * callers; }));
  REQUIRE(port.pair.until([&] { return port.pair.server.log.messages() == sent; }));
  CHECK(port.pair.server->stats().handshakes_failed == 0);
  for (std::size_t i = 0; i < callers; i += 2)
    crowd[i].reset();
  crowd.clear();
  // The clock stands still: who is gone is noticed before his time is up.
  const auto all_are_gone = [&] {
    talk();
    return port.pair.server->stats().handshakes_failed == callers;
  };
  REQUIRE(port.pair.until(all_are_gone, 0ms));
  REQUIRE(port.pair.until([&] { return port.pair.server.log.messages() == sent; }, 0ms));
  CHECK(port.pair.server->stats().refused_full == 0);
  CHECK(port.pair.server->stats().open_connections == 1);
  CHECK(port.pair.server.log.count(EventType::connected) == 1);
  CHECK(port.pair.server.log.count(EventType::error) == 0);
  port.let_another_in();
}

TEST_CASE(
    "out of descriptors, accepting pauses and says so once, and goes on when there are some") {
  if (!test::can_do_without_descriptors()) return;
  Port port;
  std::vector<PlainSocket> waiting;
  for (int i = 0; i < 3; ++i)
    waiting.emplace_back(port.pair.address);
  {
    const test::NoMoreDescriptors none;
    port.pair.run(2s, 10ms);
    REQUIRE(port.pair.server.log.count(EventType::error) == 1);
    const test::Told& told = port.pair.server.log.last(EventType::error);
    CHECK(told.error.code == ErrorCode::out_of_resources);
    CHECK(told.error.system_code == EMFILE);
    CHECK(told.connection == Connection());
    CHECK(contains(told.error.message(), port.pair.address.to_string()));
    // Four tries a second, and not one per pass.
    CHECK(port.pair.server->stats().transport_errors >= 7);
    CHECK(port.pair.server->stats().transport_errors <= 9);
    REQUIRE(test::send_text(port.pair.caller, "still here"));
    REQUIRE(port.pair.until([&] { return port.pair.server.log.messages() == 1; }));
    // The other way round: nobody can be called either.
    const auto dialled = port.pair.client->connect(port.pair.address.to_string());
    REQUIRE(dialled);
    REQUIRE(port.pair.until([&] { return port.pair.client.log.count(EventType::error) == 1; }));
    CHECK(port.pair.client.log.last(EventType::error).error.code == ErrorCode::out_of_resources);
  }
  port.pair.run(300ms, 10ms);
  for (PlainSocket& each : waiting)
    each.write(greeting());
  REQUIRE(port.pair.until([&] {
    for (PlainSocket& each : waiting)
      each.read();
    return !waiting.front().received.empty() && !waiting.back().received.empty();
  }));
  port.let_another_in();
  CHECK(port.pair.server.log.count(EventType::error) == 1);
}
