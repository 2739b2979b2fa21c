// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "test/support/host_pair.hpp"

/// Large messages that have to share memory.
using namespace tickwire;
using namespace std::chrono_literals;
using test::HostPair;
using test::PairOptions;

CONTRACT_CASE("five large messages share the memory for two") {
  PairOptions options;
  for (HostConfig* config : {&options.server, &options.client}) {
    config->limits.max_message_bytes = 2 * 1024 * 1024;
    config->limits.max_reassembly_bytes = 5 * 1024 * 1024;
    config->limits.max_host_reassembly_bytes = 5 * 1024 * 1024;
  }
  HostPair pair(scheme, std::move(options));
  pair.connect();
  const std::string large = test::pattern(2 * 1024 * 1024);
  for (std::uint8_t channel = 0; channel < 5; ++channel)
    REQUIRE(pair.caller.send_bytes(std::as_bytes(std::span(large)), test::on_channel(channel)));
  CHECK(pair.until([&] { return pair.server.log.messages() == 5; }));
  for (const std::string& text : pair.server.log.texts())
    CHECK((text == large));
}

CONTRACT_CASE("connections share the host's memory for large messages") {
  PairOptions options;
  options.server.limits.max_message_bytes = 1024 * 1024;
  options.server.limits.max_reassembly_bytes = 2 * 1024 * 1024;
  options.server.limits.max_host_reassembly_bytes = 2 * 1024 * 1024;
  options.client.limits.max_message_bytes = 1024 * 1024;
  HostPair pair(scheme, std::move(options));
  std::vector<Connection> callers;
  for (int i = 0; i < 6; ++i) {
    pair.connect();
    callers.push_back(pair.caller);
  }
  const std::string large = test::pattern(1024 * 1024);
  for (const Connection& caller : callers) {
    for (std::uint8_t channel = 0; channel < 3; ++channel)
      REQUIRE(caller.send_bytes(std::as_bytes(std::span(large)), test::on_channel(channel)));
  }
  CHECK(pair.until([&] { return pair.server.log.messages() == 18; }));
}
