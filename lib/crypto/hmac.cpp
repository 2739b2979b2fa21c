// SPDX-License-Identifier: MIT
#include "lib/crypto/hmac.hpp"

#include <new>

#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace tickwire::crypto {
namespace {

const unsigned char* letters(std::span<const std::byte> bytes) noexcept {
  // OpenSSL takes a null key for "the one from before".
  static constexpr unsigned char nothing = 0;
  return bytes.empty() ? &nothing : reinterpret_cast<const unsigned char*>(bytes.data());
}

}  // namespace

Sha256Digest hmac_sha256(std::span<const std::byte> key, std::span<const std::byte> bytes) {
  Sha256Digest digest{};
  auto* out = reinterpret_cast<unsigned char*>(digest.data());
  if (HMAC(EVP_sha256(), letters(key), static_cast<int>(key.size()), letters(bytes), bytes.size(),
           out, nullptr) == nullptr) {
    throw std::bad_alloc();
  }
  return digest;
}

Sha256Digest pbkdf2_sha256(std::span<const std::byte> password, std::span<const std::byte> salt,
                           std::uint32_t iterations) {
  Sha256Digest digest{};
  const int answer = PKCS5_PBKDF2_HMAC(
      reinterpret_cast<const char*>(letters(password)), static_cast<int>(password.size()),
      letters(salt), static_cast<int>(salt.size()), static_cast<int>(iterations), EVP_sha256(),
      static_cast<int>(digest.size()), reinterpret_cast<unsigned char*>(digest.data()));
  if (answer != 1) throw std::bad_alloc();
  return digest;
}

}  // namespace tickwire::crypto
