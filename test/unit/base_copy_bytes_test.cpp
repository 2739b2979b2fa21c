// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include <tickwire/copy_bytes.hpp>

using tickwire::detail::copy_bytes;

namespace {

constexpr std::byte kGuard{0xEE};

/// Bytes that tell their place, with a few pages before and behind.
std::vector<std::byte> numbered(std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i)
    bytes[i] = static_cast<std::byte>(i * 31 + i / 256);
  return bytes;
}

bool copies(std::size_t size, std::size_t from_offset, std::size_t to_offset) {
  static const std::vector<std::byte> source = numbered(40'000);
  static std::vector<std::byte> target(40'000);
  std::fill(target.begin(), target.end(), kGuard);
  copy_bytes(target.data() + to_offset, source.data() + from_offset, size);
  const auto begin = target.begin() + static_cast<std::ptrdiff_t>(to_offset);
  const auto end = begin + static_cast<std::ptrdiff_t>(size);
  const auto is_guard = [](std::byte byte) { return byte == kGuard; };
  return std::equal(begin, end, source.begin() + static_cast<std::ptrdiff_t>(from_offset)) &&
         std::all_of(target.begin(), begin, is_guard) && std::all_of(end, target.end(), is_guard);
}

}  // namespace

TEST_CASE("bytes are copied, all and no others, wherever the two blocks lie to each other") {
  for (const std::size_t size : {1u, 2047u, 2048u, 2049u, 3071u, 3072u, 20'000u}) {
    for (std::size_t offset = 0; offset < 200; offset += 3) {
      INFO(size << " bytes, offset " << offset);
      REQUIRE(copies(size, 5'000, 5'000 + offset));
      REQUIRE(copies(size, 5'000 + offset, 5'000));
      REQUIRE(copies(size, 5'000, 4'000 + offset));
    }
  }
}

TEST_CASE("no bytes may come from nowhere and go nowhere") {
  copy_bytes(nullptr, nullptr, 0);
}
