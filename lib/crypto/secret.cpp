// SPDX-License-Identifier: MIT
#include "lib/crypto/secret.hpp"

#include <openssl/crypto.h>

namespace tickwire::crypto {

void wipe(std::span<std::byte> bytes) noexcept {
  OPENSSL_cleanse(bytes.data(), bytes.size());
}

bool equal_in_constant_time(std::span<const std::byte> a, std::span<const std::byte> b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace tickwire::crypto
