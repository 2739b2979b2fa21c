// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include <cereal/types/vector.hpp>
#include <tickwire/archive.hpp>

#include "lib/host/encode_buffer.hpp"
#include "test/support/counting_resource.hpp"

/// Where a host encodes what it sends.
using namespace tickwire;
using detail::BufferRef;
using detail::EncodeBuffer;

namespace {

struct Rig {
  test::CountingResource memory;
  detail::PoolOwner pool{&memory};
  EncodeBuffer buffer{*pool};

  std::span<const std::byte> encode(std::size_t bytes, std::byte value) {
    buffer.clear();
    REQUIRE(tickwire::encode(std::vector<std::byte>(bytes, value), buffer));
    return buffer.bytes();
  }
};

bool ends_with(std::span<const std::byte> encoded, std::size_t bytes, std::byte value) {
  const auto end = encoded.last(bytes);
  return std::all_of(end.begin(), end.end(), [&](std::byte each) { return each == value; });
}

}  // namespace

TEST_CASE("a small object's memory stays for the next one") {
  Rig rig;
  const auto first = rig.encode(100, std::byte{1});
  CHECK_FALSE(rig.buffer.take_large());
  CHECK(ends_with(rig.buffer.bytes(), 100, std::byte{1}));
  CHECK(rig.encode(50, std::byte{2}).data() == first.data());
}

TEST_CASE("a large object's memory goes with it") {
  Rig rig;
  const auto encoded = rig.encode(1'000'000, std::byte{1});
  const BufferRef taken = rig.buffer.take_large();
  REQUIRE(taken);
  CHECK(taken.bytes() == encoded.data());
  CHECK(rig.buffer.bytes().empty());
  static_cast<void>(rig.encode(1'000'000, std::byte{2}));
  CHECK(ends_with(encoded, 1'000'000, std::byte{1}));
}

TEST_CASE("large objects one after the other use the same memory again") {
  Rig rig;
  const auto send = [&] {
    static_cast<void>(rig.encode(1'000'000, std::byte{3}));
    CHECK(rig.buffer.take_large());
  };
  send();
  const auto before = rig.memory.allocations();
  for (int i = 0; i < 10; ++i)
    send();
  CHECK(rig.memory.allocations() == before);
}

TEST_CASE("no block goes with a message that is much larger than it") {
  Rig rig;
  static_cast<void>(rig.encode(1'000'000, std::byte{1}));
  CHECK(rig.buffer.take_large());
  // The next one is expected to be as large.
  static_cast<void>(rig.encode(20'000, std::byte{2}));
  CHECK_FALSE(rig.buffer.take_large());
  CHECK(ends_with(rig.buffer.bytes(), 20'000, std::byte{2}));
  // From now on it is not.
  static_cast<void>(rig.encode(20'000, std::byte{3}));
  CHECK(rig.buffer.take_large());
}
