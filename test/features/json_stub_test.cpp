// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <tickwire/json.hpp>

using namespace tickwire;

TEST_CASE("a build without JSON says so") {
  CHECK(to_json(Value(1)).error().code == ErrorCode::not_supported);
  CHECK(to_json(Metadata()).error().code == ErrorCode::not_supported);
  CHECK(from_json("1").error().code == ErrorCode::not_supported);
  CHECK(metadata_from_json("{}").error().code == ErrorCode::not_supported);
}
