// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "lib/features/transfer/checksum.hpp"
#include "test/features/transfer_pair.hpp"

/// What says that a transfer is whole.
using namespace tickwire;
using crypto::Sha256Digest;
using detail::TransferChecksum;

namespace {

constexpr std::size_t kLeaf = TransferChecksum::leaf_bytes;

std::vector<std::byte> some_bytes(std::size_t count) {
  std::vector<std::byte> bytes(count);
  std::uint32_t state = 1;
  for (std::byte& each : bytes) {
    state = state * 1664525 + 1013904223;
    each = static_cast<std::byte>(state >> 24);
  }
  return bytes;
}

/// As docs/wire-format.md has it, leaf by leaf.
Sha256Digest by_the_book(std::span<const std::byte> bytes) {
  std::vector<std::byte> digests;
  for (std::size_t at = 0; at < bytes.size(); at += kLeaf) {
    const auto digest =
        crypto::sha256(bytes.subspan(at, std::min<std::size_t>(kLeaf, bytes.size() - at)));
    digests.insert(digests.end(), digest.begin(), digest.end());
  }
  return crypto::sha256(digests);
}

}  // namespace

TEST_CASE("pieces that are hashed at once have the digests that each has alone") {
  const auto bytes = some_bytes(100 * 1000);
  for (const std::size_t size : {1u, 55u, 56u, 64u, 119u, 1000u, 8192u, 32'768u}) {
    for (const std::size_t count : {0u, 1u, 2u, 7u, 8u, 15u, 16u, 17u, 33u, 100u}) {
      if (size * count > bytes.size()) continue;
      CAPTURE(size);
      CAPTURE(count);
      std::vector<Sha256Digest> digests(count);
      crypto::sha256_each(std::span(bytes).first(size * count), size, digests);
      for (std::size_t i = 0; i < count; ++i)
        REQUIRE(digests[i] == crypto::sha256(std::span(bytes).subspan(i * size, size)));
    }
  }
}

TEST_CASE("so they have on several threads at the same time") {
  const auto bytes = some_bytes(64 * kLeaf);
  const Sha256Digest wanted = by_the_book(bytes);
  std::vector<Sha256Digest> found(4);
  std::vector<std::thread> threads;
  for (Sha256Digest& each : found)
    threads.emplace_back([&] { each = test::checksum_of(bytes); });
  for (std::thread& each : threads)
    each.join();
  for (const Sha256Digest& each : found)
    CHECK(each == wanted);
}

TEST_CASE("a transfer's checksum is the same however its bytes are cut") {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kLeaf - 1, kLeaf, kLeaf + 1,
                                 3 * kLeaf + 17, 70 * kLeaf, 130 * kLeaf + 1}) {
    CAPTURE(size);
    const auto bytes = some_bytes(size);
    const Sha256Digest wanted = by_the_book(bytes);
    for (const std::size_t piece :
         {std::size_t{777}, kLeaf - 1, kLeaf, kLeaf + 1, 5 * kLeaf + 3, 200 * kLeaf}) {
      CAPTURE(piece);
      TransferChecksum sum;
      for (std::size_t at = 0; at < size; at += piece) {
        const auto until = std::min(at + piece, size);
        sum.update(std::span(bytes).subspan(at, until - at));
        // It may be asked for at any time, which changes nothing.
        if (at < 3 * piece) CHECK(sum.digest() == by_the_book(std::span(bytes).first(until)));
      }
      CHECK(sum.digest() == wanted);
    }
  }
}

TEST_CASE("every byte and its place count for a transfer's checksum") {
  auto bytes = some_bytes(20 * kLeaf + 100);
  const Sha256Digest whole = test::checksum_of(bytes);
  for (const std::size_t at : {std::size_t{0}, kLeaf - 1, kLeaf, 16 * kLeaf, bytes.size() - 1}) {
    CAPTURE(at);
    bytes[at] ^= std::byte{1};
    CHECK(test::checksum_of(bytes) != whole);
    bytes[at] ^= std::byte{1};
  }
  std::swap_ranges(bytes.begin(), bytes.begin() + kLeaf, bytes.begin() + kLeaf);
  CHECK(test::checksum_of(bytes) != whole);
  // Nor are the leaves' digests, sent as content, what they are digests of.
  const auto leaf = std::span(bytes).first(kLeaf);
  CHECK(test::checksum_of(crypto::sha256(leaf)) != test::checksum_of(leaf));
}
