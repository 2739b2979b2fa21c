// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <string>

#include <tickwire/codec.hpp>

#include "test/support/counting_resource.hpp"
#include "test/support/tls_hosts.hpp"

/// Many at once, and much at once, over TLS.
using namespace tickwire;
using test::TlsFiles;
using test::TlsHosts;

TEST_CASE("tls load: 300 who call at once get in, and who is in goes on between them") {
  TlsFiles files;
  TlsHosts hosts(files.listening());
  hosts.connect(TlsHosts::by(files.dialling()));
  test::LoggedHost& crowd = hosts.add();
  constexpr std::size_t callers = 300;
  for (std::size_t i = 0; i < callers; ++i)
    REQUIRE(crowd->connect(hosts.address.to_string(), TlsHosts::by(files.dialling())));
  std::size_t sent = 0;
  std::size_t late = 0;
  std::size_t busy_passes = 0;
  REQUIRE(hosts.until([&] {
    const std::size_t arrived = hosts.server.log.count(EventType::connected) - 1;
    // What was sent two passes ago has arrived, whatever the crowd does.
    if (sent > hosts.server.log.messages() + 2) ++late;
    if (arrived > 0 && arrived < callers) ++busy_passes;
    REQUIRE(test::send_text(hosts.caller, "tick"));
    ++sent;
    return crowd.log.count(EventType::connected) + crowd.log.count(EventType::error) == callers;
  }));
  CHECK(crowd.log.count(EventType::connected) == callers);
  CHECK(late == 0);
  CHECK(busy_passes >= callers / 10);
  CHECK(hosts.server->stats().handshakes_failed == 0);
}

TEST_CASE("tls load: of a crowd, those for whom there is no room are refused with a reason") {
  TlsFiles files;
  HostConfig server;
  server.limits.max_connections = 100;
  TlsHosts hosts(files.listening(), server);
  hosts.connect(TlsHosts::by(files.dialling()));
  test::LoggedHost& crowd = hosts.add();
  constexpr std::size_t callers = 300;
  for (std::size_t i = 0; i < callers; ++i)
    REQUIRE(crowd->connect(hosts.address.to_string(), TlsHosts::by(files.dialling())));
  REQUIRE(hosts.until([&] {
    return crowd.log.count(EventType::connected) + crowd.log.count(EventType::error) == callers;
  }));
  CHECK(crowd.log.count(EventType::connected) == 99);
  std::size_t told = 0;
  for (const test::Told& each : crowd.log.all()) {
    if (each.type != EventType::error) continue;
    CHECK_FALSE(each.error.message().empty());
    if (each.error.code == ErrorCode::server_full) ++told;
  }
  // Beyond a few, the listener hangs up before a handshake that it could tell them in.
  CHECK(told >= 10);
  REQUIRE(test::send_text(hosts.caller, "still here"));
  REQUIRE(hosts.until([&] { return hosts.server.log.messages() == 1; }));
}

TEST_CASE("tls load: 64 MB reach a slow reader whole, in bounded memory at both ends") {
  constexpr std::size_t mebibyte = 1024 * 1024;
  constexpr std::uint32_t messages = 64;
  test::CountingResource server_memory;
  test::CountingResource client_memory;
  TlsFiles files;
  HostConfig server;
  server.memory = &server_memory;
  server.max_events_per_pass = 1;
  TlsHosts hosts(files.listening(), server);
  HostConfig client;
  client.memory = &client_memory;
  client.limits.max_message_bytes = 2 * mebibyte;
  client.limits.max_send_queue_bytes = 4 * mebibyte;
  test::LoggedHost& sender = hosts.add(client);
  const Connection caller = hosts.connect(sender, TlsHosts::by(files.dialling()));
  hosts.server.awake = false;

  std::string text = test::pattern(mebibyte);
  std::string expected = text;
  std::uint32_t sent = 0;
  std::uint32_t received = 0;
  std::size_t server_peak = 0;
  std::size_t client_peak = 0;
  int step = 0;
  REQUIRE(hosts.until([&] {
    while (sent < messages) {
      std::memcpy(text.data(), &sent, sizeof sent);
      const auto id = test::send_text(caller, text);
      if (!id) {
        REQUIRE(id.error().code == ErrorCode::send_queue_full);
        break;
      }
      ++sent;
    }
    client_peak = std::max(client_peak, client_memory.bytes_out());
    // One pass in four, one message in a pass.
    if (++step % 4 != 0) return false;
    while (const auto event = hosts.server->poll()) {
      server_peak = std::max(server_peak, server_memory.bytes_out());
      REQUIRE(event->type == EventType::object_received);
      std::memcpy(expected.data(), &received, sizeof received);
      REQUIRE((*event->as<std::string>() == expected));
      ++received;
    }
    server_peak = std::max(server_peak, server_memory.bytes_out());
    return received == messages;
  }));
  INFO("peaks ", server_peak, " ", client_peak);
  CHECK(server_peak < 4 * mebibyte);
  CHECK(client_peak < 6 * mebibyte);
  CHECK(sender.log.count(EventType::disconnected) == 0);
}
