// SPDX-License-Identifier: MIT
#include "lib/transport/stream/address_census.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <utility>

using tickwire::detail::AddressCensus;

TEST_CASE("an address has as many places as it may, and one that is left is free again") {
  AddressCensus census;
  auto first = census.enter("192.0.2.1", 2);
  auto second = census.enter("192.0.2.1", 2);
  REQUIRE(first);
  REQUIRE(second);
  CHECK_FALSE(census.enter("192.0.2.1", 2));
  CHECK(census.enter("192.0.2.2", 2));  // and gone at once
  second.reset();
  CHECK(census.enter("192.0.2.1", 2));
}

TEST_CASE("a place that is moved stays one place, and nothing is kept of an address without one") {
  AddressCensus census;
  CHECK_FALSE(census.enter("192.0.2.1", 0));
  CHECK(census.addresses() == 0);
  {
    AddressCensus::Place kept = *census.enter("192.0.2.1", 1);
    AddressCensus::Place moved = std::move(kept);
    CHECK_FALSE(census.enter("192.0.2.1", 1));
    moved = *census.enter("192.0.2.2", 1);
    CHECK(census.addresses() == 1);
    CHECK(census.enter("192.0.2.1", 1));
  }
  CHECK(census.addresses() == 0);
}
