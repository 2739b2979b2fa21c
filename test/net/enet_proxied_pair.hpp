// SPDX-License-Identifier: MIT
#pragma once

#include "test/net/enet_raw_socket.hpp"
#include "test/net/enet_rig.hpp"

namespace tickwire::test {

/// A listener and a caller with a proxy between them, which passes on in each step what has come by
/// then.
struct ProxiedPair : EnetPair {
  void step(Duration by = 1ms) override {
    EnetPair::step(by);
    proxy.step();
  }
  RecordingLink& dial() { return client.dial(proxy.url()); }
  /// The caller of the first link, which is up at both ends.
  RecordingLink& connect() {
    RecordingLink& caller = dial();
    REQUIRE(run_until([&] { return caller.ups == 1 && server.accepted.size() == 1; }));
    return caller;
  }

  TamperingProxy proxy{address.port};
};

}  // namespace tickwire::test
