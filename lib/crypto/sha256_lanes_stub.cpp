// SPDX-License-Identifier: MIT
#include "lib/crypto/sha256_lanes.hpp"

/// Without Intel's multi-buffer library.
namespace tickwire::crypto {

bool sha256_by_lanes(std::span<const std::byte>, std::size_t, std::span<Sha256Digest>) {
  return false;
}

}  // namespace tickwire::crypto
