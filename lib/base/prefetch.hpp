// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace tickwire::detail {

/// What a processor moves at a time; most have it so.
inline constexpr std::size_t kCacheLineBytes = 64;

/// Has the processor fetch the cache line at this address, which need not be anybody's.
inline void prefetch([[maybe_unused]] const void* address) noexcept {
#ifdef __GNUC__
  __builtin_prefetch(address);
#endif
}

}  // namespace tickwire::detail
