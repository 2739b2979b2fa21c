// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "lib/base/packet.hpp"

using namespace tickwire::detail;

namespace {

std::span<const std::byte> raw(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string text(const Packet& packet) {
  const auto bytes = packet.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

TEST_CASE("packet: begins empty with the room that was asked for") {
  PoolOwner pool(std::pmr::new_delete_resource());
  const Packet nothing;
  CHECK_FALSE(nothing);
  CHECK(nothing.size() == 0);
  const Packet packet(*pool, 100);
  CHECK(packet);
  CHECK(packet.size() == 0);
  CHECK(packet.room() == 100);
}

TEST_CASE("packet: what is appended follows, and takes room") {
  PoolOwner pool(std::pmr::new_delete_resource());
  Packet packet(*pool, 10);
  packet.append(raw("hello"));
  packet.append(raw(""));
  std::memcpy(packet.append(1), "!", 1);
  CHECK(text(packet) == "hello!");
  CHECK(packet.room() == 4);
  packet.drop_back(1);
  CHECK(text(packet) == "hello");
  CHECK(packet.room() == 5);
  packet.drop_front(2);
  CHECK(text(packet) == "llo");
  CHECK(packet.room() == 5);
}

TEST_CASE("packet: headroom and tailroom take what layers below add, without moving a byte") {
  PoolOwner pool(std::pmr::new_delete_resource());
  // 456 is what fits the smallest block exactly: a byte too many is then the next block's.
  for (const std::size_t capacity : {0u, 1u, 456u, 1200u, 16384u}) {
    CAPTURE(capacity);
    Packet packet(*pool, capacity);
    std::memset(packet.append(capacity), 'x', capacity);
    CHECK(packet.room() == 0);
    const std::byte* payload = packet.bytes().data();
    std::memset(packet.prepend(kPacketHeaderBytes), 'h', kPacketHeaderBytes);
    std::memset(packet.prepend(kProtectorHeadroomBytes), 'n', kProtectorHeadroomBytes);
    std::memset(packet.append(kProtectorTailroomBytes), 't', kProtectorTailroomBytes);
    std::memset(packet.prepend(kFrameHeadroomBytes), 'f', kFrameHeadroomBytes);
    CHECK(packet.bytes().data() + kHeadroomBytes == payload);
    CHECK(text(packet) == std::string(8, 'f') + std::string(16, 'n') + std::string(8, 'h') +
                              std::string(capacity, 'x') + std::string(24, 't'));
    packet.drop_front(kHeadroomBytes);
    packet.drop_back(kProtectorTailroomBytes);
    CHECK(text(packet) == std::string(capacity, 'x'));
  }
}

TEST_CASE("packet: its slices keep the bytes alive") {
  PoolOwner pool(std::pmr::new_delete_resource());
  Slice kept;
  {
    Packet packet(*pool, 20);
    packet.append(raw("0123456789"));
    packet.drop_front(2);
    kept = packet.slice(1, 3);
  }
  REQUIRE(kept.bytes().size() == 3);
  CHECK(std::ranges::equal(kept.bytes(), raw("345")));
}

TEST_CASE("packet: can be moved, copied to share its bytes, and give its block away") {
  PoolOwner pool(std::pmr::new_delete_resource());
  Packet packet(*pool, 20);
  packet.append(raw("shared"));
  Packet moved(std::move(packet));
  CHECK_FALSE(packet);
  const Packet copy = moved;
  CHECK(copy.bytes().data() == moved.bytes().data());
  const std::byte* payload = copy.bytes().data();
  const BufferRef block = moved.take_buffer();
  CHECK_FALSE(moved);
  CHECK(block.bytes() + kHeadroomBytes == payload);
  CHECK(text(copy) == "shared");
}
