// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "lib/crypto/sha256.hpp"

namespace tickwire::crypto {

/// HMAC-SHA-256.
///
/// Source: RFC 2104; its test vectors for SHA-256 are in RFC 4231.
[[nodiscard]] Sha256Digest hmac_sha256(std::span<const std::byte> key,
                                       std::span<const std::byte> bytes);

/// PBKDF2 with HMAC-SHA-256: slow on purpose, about 0.15 s for 600,000 iterations.
///
/// Pre:    at least one iteration; the salt and the password are shorter than 2 GiB.
/// Source: RFC 8018, section 5.2.
/// Thread: any, and none that has something else to do meanwhile.
[[nodiscard]] Sha256Digest pbkdf2_sha256(std::span<const std::byte> password,
                                         std::span<const std::byte> salt, std::uint32_t iterations);

}  // namespace tickwire::crypto
