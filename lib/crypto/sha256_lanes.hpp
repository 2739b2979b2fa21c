// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <span>

#include "lib/crypto/sha256.hpp"

namespace tickwire::crypto {

/// `sha256_each` by the processor's vectors, which hash many pieces at once. False: this build or
/// this processor has none.
///
/// Errors: throws `std::bad_alloc`.
[[nodiscard]] bool sha256_by_lanes(std::span<const std::byte> bytes, std::size_t piece_bytes,
                                   std::span<Sha256Digest> digests);

}  // namespace tickwire::crypto
