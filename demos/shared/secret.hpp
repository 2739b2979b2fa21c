// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace demo {

/// A number that nobody guesses, and never 0: by it a client that comes back is known.
[[nodiscard]] std::uint64_t random_secret();

}  // namespace demo
