// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "demos/shared/program.hpp"

TEST_CASE("a deadline that no clock can reach is far away, not over") {
  CHECK_FALSE(demo::Deadline(1e10).is_over());
  CHECK_FALSE(demo::Deadline(1e300).is_over());
  CHECK_FALSE(demo::Deadline(0).is_over());
}
