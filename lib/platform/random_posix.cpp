// SPDX-License-Identifier: MIT
#include "lib/platform/random.hpp"

#include <sys/random.h>

#include <algorithm>

namespace tickwire::detail {

bool fill_random(std::span<std::byte> bytes) noexcept {
  constexpr std::size_t most_per_call = 256;  // what getentropy promises to give whole
  while (!bytes.empty()) {
    const std::size_t count = std::min(bytes.size(), most_per_call);
    if (::getentropy(bytes.data(), count) != 0) return false;
    bytes = bytes.subspan(count);
  }
  return true;
}

}  // namespace tickwire::detail
