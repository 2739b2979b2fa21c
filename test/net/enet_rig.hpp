// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tickwire/testing.hpp>

#include "lib/transport/enet/enet_transport.hpp"
#include "test/support/counting_resource.hpp"
#include "test/support/transport_pair.hpp"

namespace tickwire::test {

using namespace std::chrono_literals;
using detail::Lane;

inline TransportHost::Make make_enet(const std::function<void(detail::TransportContext&)>& change =
                                         [](auto&) {}) {
  return [change](detail::TransportContext context) {
    change(context);
    auto transport = detail::make_enet_transport(std::move(context));
    REQUIRE(transport);
    return std::move(*transport);
  };
}

/// Asks again and again until it holds, for at most ten real seconds.
inline bool wait_until(const std::function<void()>& step, const std::function<bool()>& holds) {
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    step();
  }
  return true;
}

/// A listener and a caller on loopback, under one manual clock that moves a millisecond a step.
struct EnetPair {
  EnetPair() : EnetPair([](detail::TransportContext&) {}) {}
  /// `change` is made to what the listener's transport is told.
  explicit EnetPair(const std::function<void(detail::TransportContext&)>& change)
      : server{make_enet(change), clock, {.max_links = 100, .memory = &memory}} {
    auto bound = server.listen("enet://127.0.0.1:0");
    REQUIRE(bound);
    address = *bound;
  }
  virtual ~EnetPair() = default;

  virtual void step(Duration by = 1ms) {
    clock.advance(by);
    for (TransportHost* host : {&client, &server}) {
      host->service();
      host->flush();
    }
  }
  [[nodiscard]] bool run_until(const std::function<bool()>& holds) {
    return wait_until([this] { step(); }, holds);
  }
  void run(Duration time) {
    for (const TimePoint end = clock.now() + time; clock.now() < end;)
      step();
  }
  /// Both ends of a new link, up.
  std::pair<RecordingLink*, RecordingLink*> connect() { return connect(address.to_string()); }
  std::pair<RecordingLink*, RecordingLink*> connect(const std::string& url) {
    const std::size_t before = server.accepted.size();
    RecordingLink& caller = client.dial(url);
    REQUIRE(run_until([&] { return caller.ups == 1 && server.accepted.size() > before; }));
    return {&caller, server.accepted.back().get()};
  }

  ManualClock clock;
  CountingResource memory;
  TransportHost server;
  TransportHost client{make_enet(), clock, {.max_links = 100, .memory = &memory}};
  Address address;
};

/// `size` bytes that tell one packet from another.
inline std::string noise(std::size_t size, std::uint32_t seed) {
  std::string text(size, '\0');
  for (char& each : text) {
    seed = seed * 1664525u + 1013904223u;
    each = static_cast<char>(seed >> 24);
  }
  return text;
}

}  // namespace tickwire::test
