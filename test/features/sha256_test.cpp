// SPDX-License-Identifier: MIT
#include "lib/crypto/sha256.hpp"

#include <span>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace {

using tickwire::crypto::Sha256;

std::string hex(const tickwire::crypto::Sha256Digest& digest) {
  std::string text;
  for (const std::byte each : digest) {
    text += "0123456789abcdef"[std::to_integer<unsigned>(each) >> 4];
    text += "0123456789abcdef"[std::to_integer<unsigned>(each) & 15];
  }
  return text;
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

TEST_CASE("SHA-256 gives the digests of FIPS 180-4, however the bytes are cut") {
  const std::string wanted = "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1";
  const std::string_view text = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
  CHECK(hex(tickwire::crypto::sha256(bytes_of(text))) == wanted);
  Sha256 sum;
  sum.update(bytes_of(text.substr(0, 3)));
  CHECK(hex(sum.digest()) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Sha256 rest;
  for (const char& letter : text)
    rest.update(bytes_of(std::string_view(&letter, 1)));
  CHECK(hex(rest.digest()) == wanted);
}

}  // namespace
