// SPDX-License-Identifier: MIT
#include <windows.h>
// After windows.h, which it needs.
#include <bcrypt.h>

#include <algorithm>
#include <limits>

#include "lib/platform/random.hpp"

namespace tickwire::detail {

bool fill_random(std::span<std::byte> bytes) noexcept {
  constexpr std::size_t most_per_call = std::numeric_limits<int>::max();
  while (!bytes.empty()) {
    const std::size_t count = std::min(bytes.size(), most_per_call);
    auto* const place = reinterpret_cast<PUCHAR>(bytes.data());
    if (BCryptGenRandom(nullptr, place, static_cast<ULONG>(count),
                        BCRYPT_USE_SYSTEM_PREFERRED_RNG) != 0) {
      return false;
    }
    bytes = bytes.subspan(count);
  }
  return true;
}

}  // namespace tickwire::detail
