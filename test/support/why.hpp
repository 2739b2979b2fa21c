// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <tickwire/error.hpp>

namespace tickwire::test {

/// For messages of checks, which doctest's `--success` writes out for those that hold, too.
template <class T>
[[nodiscard]] std::string why(const Result<T>& result) {
  return result ? std::string("it has") : result.error().message();
}

}  // namespace tickwire::test
