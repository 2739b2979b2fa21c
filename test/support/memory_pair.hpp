// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <tickwire/testing.hpp>

#include "lib/transport/memory/memory_transport.hpp"
#include "test/support/transport_pair.hpp"

namespace tickwire::test {

/// How a `TransportHost` makes a transport on `network`; null is the process-wide one.
inline TransportHost::Make on_network(std::shared_ptr<MemoryNetwork> network) {
  return [network = std::move(network)](detail::TransportContext context) {
    return detail::make_memory_transport(std::move(context), network);
  };
}

/// Two hosts on one memory network under one manual clock. `server` listens at `memory://server`.
struct MemoryPair {
  explicit MemoryPair(std::uint64_t seed = 1, const NetworkConditions& conditions = {})
      : network(std::make_shared<MemoryNetwork>(seed, conditions)) {
    REQUIRE(server.listen("memory://server"));
  }

  /// Dials and waits until both ends are up; they are then `caller` and `callee`.
  void connect() {
    caller = &client.dial("memory://server");
    run(std::chrono::seconds(1));
    REQUIRE(caller->ups == 1);
    callee = server.accepted.back().get();
  }
  void run(Duration time) { run_for(clock, client, server, time); }
  /// Serves what is due now, without moving the clock.
  void settle() { run(Duration::zero()); }

  ManualClock clock;
  std::shared_ptr<MemoryNetwork> network;
  TransportHost client{on_network(network), clock};
  TransportHost server{on_network(network), clock};
  RecordingLink* caller = nullptr;
  RecordingLink* callee = nullptr;
};

}  // namespace tickwire::test
