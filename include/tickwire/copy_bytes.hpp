// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstring>

#include <tickwire/export.hpp>

namespace tickwire::detail {

inline constexpr std::size_t kManyBytes = 2048;

/// For `copy_bytes`. Pre: at least `kManyBytes`.
TICKWIRE_API void copy_many_bytes(void* to, const void* from, std::size_t size) noexcept;

/// What `std::memcpy` does, without the fifteen times slower case that the C library has on some
/// processors; also for no bytes at all, of which there may be no address.
inline void copy_bytes(void* to, const void* from, std::size_t size) noexcept {
  if (size >= kManyBytes) return copy_many_bytes(to, from, size);
  if (size != 0) std::memcpy(to, from, size);
}

}  // namespace tickwire::detail
