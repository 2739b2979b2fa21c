// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cstdint>
#include <string>

#include "test/support/host_chaos.hpp"

/// The promises of architecture.md, under thousands of short random lives of two hosts.
using namespace tickwire;
using test::HostChaos;

namespace {

HostChaos::Tally live(const test::Scheme& scheme, std::uint64_t lives) {
  HostChaos::Tally all;
  for (std::uint64_t seed = 1; seed <= lives; ++seed) {
    INFO(scheme.name, ", seed ", seed);
    HostChaos chaos(scheme, seed);
    const std::string breach = chaos.run();
    INFO("broken: ", breach);
    REQUIRE(breach.empty());
    const auto tally = chaos.tally();
    all.connected += tally.connected;
    all.interrupted += tally.interrupted;
    all.resumed += tally.resumed;
    all.ended += tally.ended;
    all.sent += tally.sent;
    all.heard += tally.heard;
  }
  return all;
}

}  // namespace

CONTRACT_CASE("whatever happens to two hosts, every promise about their connections holds") {
  const std::uint64_t lives = scheme.has_ports ? 300 : 5000;
  const auto all = live(scheme, lives);
  // That it was no idle life.
  CHECK(all.connected > 3 * lives);
  CHECK(all.ended > lives);
  CHECK(all.sent > 20 * lives);
  CHECK(all.heard > 10 * lives);
  CHECK(all.interrupted > (scheme.has_ports ? lives / 20 : lives / 2));
  CHECK(all.resumed > (scheme.has_ports ? 0 : lives / 4));
}
