// SPDX-License-Identifier: MIT
#include "lib/crypto/base64.hpp"

#include <openssl/evp.h>

#include <cstddef>

namespace tickwire::crypto {

std::string to_base64(std::span<const std::byte> bytes) {
  // OpenSSL puts a zero behind.
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

std::optional<std::vector<std::byte>> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::vector<std::byte> bytes(text.size() / 4 * 3);
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && text.ends_with(std::string(padding + 1, '=')))
    ++padding;
  if (padding > bytes.size()) return std::nullopt;
  // resize would make gcc 12 warn at -O1 of what it might add.
  bytes.erase(bytes.end() - static_cast<std::ptrdiff_t>(padding), bytes.end());
  // OpenSSL forgives spaces and bits beyond the end.
  if (to_base64(bytes) != text) return std::nullopt;
  return bytes;
}

}  // namespace tickwire::crypto
