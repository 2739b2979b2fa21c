// SPDX-License-Identifier: MIT
#include "demos/shared/secret.hpp"

#include <random>

namespace demo {

std::uint64_t random_secret() {
  std::random_device random;
  const std::uint64_t high = random();
  return high << 32 | random() | 1u;
}

}  // namespace demo
