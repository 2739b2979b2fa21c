// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/bytes.hpp"
#include "lib/transport/stream/frame_reader.hpp"
#include "test/support/counting_resource.hpp"
#include "test/support/host_pair.hpp"

/// A stream cut into reads of any size, and put together again.
using namespace tickwire;
using detail::BufferPool;
using detail::FrameReader;
using detail::Packet;
using detail::PacketTaker;
using detail::PoolOwner;
using detail::ReadBlock;
using detail::TailPlace;

namespace {

std::string prefix(std::uint32_t length) {
  std::string bytes(detail::kFramePrefixBytes, '\0');
  detail::store(reinterpret_cast<std::byte*>(bytes.data()), length);
  return bytes;
}

std::string frame(std::string_view body) {
  return prefix(static_cast<std::uint32_t>(body.size())).append(body);
}

std::string text_of(const Packet& packet) {
  return std::string(detail::as_text(packet.bytes()));
}

/// A reader with what its transport gives it, and what it takes from there.
struct Reading : PacketTaker {
  explicit Reading(BufferPool& shared, ReadBlock& among) : pool(shared), block(among) {}

  bool take_packet(Packet packet) override {
    bodies.push_back(text_of(packet));
    packets.push_back(std::move(packet));
    return packets.size() < wanted;
  }
  TailPlace place_tail(std::span<const std::byte> front, std::size_t packet_bytes) override {
    questions.push_back(packet_bytes);
    if (front.size() < front_bytes || front_bytes == 0) return {};
    placed_front = detail::as_text(front.first(front_bytes));
    const auto size = static_cast<std::uint32_t>(packet_bytes - front_bytes);
    placed = {pool.allocate(kPlaceOffset + size), kPlaceOffset, size};
    return {front_bytes, placed};
  }
  bool take_tail() override {
    bodies.push_back(placed_front + std::string(detail::as_text(placed.bytes())));
    placed = {};
    return bodies.size() < wanted;
  }

  /// One read of the socket, as much of the bytes as has room. Returns how much that was.
  std::size_t read(std::string_view bytes) {
    const auto rest = frames.rest();
    const auto room = block.room();
    const std::size_t taken = std::min(bytes.size(), rest.size() + room.size());
    const std::size_t to_rest = std::min(taken, rest.size());
    std::copy_n(detail::as_bytes(bytes).begin(), to_rest, rest.begin());
    std::copy_n(detail::as_bytes(bytes).begin() + static_cast<std::ptrdiff_t>(to_rest),
                taken - to_rest, room.begin());
    frames.take(taken, pool, block, *this);
    return taken;
  }
  void read_all(std::string_view bytes) {
    while (!bytes.empty())
      bytes.remove_prefix(read(bytes));
  }
  [[nodiscard]] std::vector<std::string> texts() const {
    std::vector<std::string> all;
    for (const Packet& packet : packets)
      all.push_back(text_of(packet));
    return all;
  }

  static constexpr std::uint32_t kPlaceOffset = 100;
  BufferPool& pool;
  ReadBlock& block;
  FrameReader frames;
  std::vector<Packet> packets;
  std::vector<std::string> bodies;     // as they came, also of those whose tails were placed
  std::vector<std::size_t> questions;  // where a tail of so large a packet belongs
  std::size_t front_bytes = 0;         // 0: no tail has a place
  std::string placed_front;
  detail::Slice placed;
  std::size_t wanted = 1'000'000;
};

/// A pool and a block, for one reader or several.
struct Ground {
  test::CountingResource memory;
  PoolOwner pool{&memory};
  ReadBlock block{*pool};
  Reading reading{*pool, block};
};

const std::vector<std::string> few = {"a", "hello, world", std::string(300, 'x'), "end"};

std::string stream_of(const std::vector<std::string>& bodies) {
  std::string stream;
  for (const std::string& body : bodies)
    stream += frame(body);
  return stream;
}

}  // namespace

TEST_CASE("frames that come in one read are all found in it") {
  Ground ground;
  ground.reading.read_all(stream_of(few));
  CHECK(ground.reading.texts() == few);
  CHECK_FALSE(ground.reading.frames.is_inside());
}

TEST_CASE("frames survive being cut at any place") {
  const std::string stream = stream_of(few);
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    INFO("cut at " << cut);
    Ground ground;
    ground.reading.read_all(std::string_view(stream).substr(0, cut));
    ground.reading.read_all(std::string_view(stream).substr(cut));
    REQUIRE(ground.reading.texts() == few);
    REQUIRE_FALSE(ground.reading.frames.is_inside());
  }
}

TEST_CASE("frames survive being cut at any two places") {
  const std::vector<std::string> bodies = {"a", "bcdef", "gh"};
  const std::string stream = stream_of(bodies);
  for (std::size_t first = 0; first <= stream.size(); ++first) {
    for (std::size_t second = first; second <= stream.size(); ++second) {
      INFO("cut at " << first << " and " << second);
      Ground ground;
      ground.reading.read_all(std::string_view(stream).substr(0, first));
      ground.reading.read_all(std::string_view(stream).substr(first, second - first));
      ground.reading.read_all(std::string_view(stream).substr(second));
      REQUIRE(ground.reading.texts() == bodies);
    }
  }
}

TEST_CASE("frames survive coming one byte at a time") {
  Ground ground;
  const std::string stream = stream_of(few);
  for (std::size_t i = 0; i < stream.size(); ++i) {
    ground.reading.read_all(std::string_view(stream).substr(i, 1));
    REQUIRE(ground.reading.frames.is_inside() ==
            !(stream_of(ground.reading.texts()).size() == i + 1));
  }
  CHECK(ground.reading.texts() == few);
}

TEST_CASE("frames of all sizes survive random cuts") {
  for (const std::uint32_t seed : {1u, 2u, 3u, 4u}) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    std::vector<std::string> bodies = {"first"};
    for (int i = 0; i < 60; ++i) {
      const std::size_t most = i % 10 == 0 ? detail::kMaxFrameBytes : 400;
      bodies.push_back(test::pattern(1 + random() % most, static_cast<std::uint32_t>(i)));
    }
    const std::string stream = stream_of(bodies);
    Ground ground;
    for (std::string_view left = stream; !left.empty();) {
      const std::size_t most = random() % 4 == 0 ? 100'000 : 50;
      left.remove_prefix(ground.reading.read(left.substr(0, 1 + random() % most)));
    }
    REQUIRE(ground.reading.texts() == bodies);
  }
}

TEST_CASE("the largest frame may come, and one byte more may not") {
  const std::string largest = test::pattern(detail::kMaxFrameBytes);
  Ground ground;
  ground.reading.read_all(frame("first") + frame(largest));
  REQUIRE(ground.reading.packets.size() == 2);
  CHECK(text_of(ground.reading.packets[1]) == largest);
  ground.reading.read_all(prefix(static_cast<std::uint32_t>(detail::kMaxFrameBytes + 1)));
  CHECK(ground.reading.frames.violated());
}

TEST_CASE("the first frame has a limit of its own") {
  Ground fits;
  fits.reading.read_all(frame(std::string(detail::kMaxFirstFrameBytes, 'g')));
  CHECK(fits.reading.packets.size() == 1);
  Ground exceeds;
  const std::size_t before = exceeds.memory.bytes_out();
  exceeds.reading.read_all(prefix(static_cast<std::uint32_t>(detail::kMaxFirstFrameBytes + 1)));
  CHECK(exceeds.reading.frames.violated());
  CHECK(exceeds.reading.packets.empty());
  CHECK(exceeds.memory.blocks_out() <= 2);  // the pool's own, and the block read into
  CHECK(exceeds.memory.bytes_out() - before < 80 * 1024);
}

TEST_CASE("a length that nobody sends ends it, whatever comes behind") {
  for (const std::uint32_t length : {0u, 65'537u, 0x7fffffffu, 0xffffffffu, 0x50545448u}) {
    INFO("length " << length);
    Ground ground;
    ground.reading.read_all(frame("first") + prefix(length) + frame("never"));
    CHECK(ground.reading.frames.violated());
    CHECK(ground.reading.texts() == std::vector<std::string>{"first"});
    CHECK(detail::load<std::uint32_t>(ground.reading.frames.claim().data()) == length);
    ground.reading.read_all(frame("never"));
    CHECK(ground.reading.packets.size() == 1);
  }
}

TEST_CASE("nothing is handed out after the reader of packets has had enough") {
  Ground ground;
  ground.reading.wanted = 2;
  ground.reading.read_all(stream_of(few));
  CHECK(ground.reading.texts() == std::vector<std::string>{few[0], few[1]});
}

TEST_CASE("packets stay what they are while others are read") {
  Ground ground;
  std::vector<std::string> bodies;
  for (std::uint32_t i = 0; i < 500; ++i)
    bodies.push_back(test::pattern(1 + (i * 37) % 1500, i));
  const std::string stream = stream_of(bodies);
  for (std::string_view left = stream; !left.empty();)
    left.remove_prefix(ground.reading.read(left.substr(0, 1000)));
  CHECK(ground.reading.texts() == bodies);
}

TEST_CASE("two streams that share a block keep their bytes apart") {
  Ground ground;
  Reading other(*ground.pool, ground.block);
  const std::string one = stream_of(few);
  const std::string two = stream_of({"second stream", "of bytes", std::string(307, 'y')});
  for (std::size_t i = 0; i < std::max(one.size(), two.size()); i += 7) {
    if (i < one.size()) ground.reading.read_all(std::string_view(one).substr(i, 7));
    if (i < two.size()) other.read_all(std::string_view(two).substr(i, 7));
  }
  CHECK(ground.reading.texts() == few);
  CHECK(other.texts() ==
        std::vector<std::string>{"second stream", "of bytes", std::string(307, 'y')});
}

TEST_CASE("a stream at rest holds no memory, and one inside a packet holds that packet") {
  Ground ground;
  std::vector<Reading> many(1000, Reading(*ground.pool, ground.block));
  many.front().read_all(frame("warm"));
  many.front().packets.clear();
  const std::size_t rest = ground.memory.bytes_out();
  for (Reading& each : many) {
    each.read_all(frame("hello") + prefix(3).substr(0, 2));  // half a length is kept inside
    each.packets.clear();
  }
  CHECK(ground.memory.bytes_out() == rest);
  many[7].read_all(prefix(3).substr(2) + "a");
  CHECK(ground.memory.bytes_out() > rest);
  CHECK(ground.memory.bytes_out() < rest + 4096);
  many[7].read_all("bc");
  CHECK(many[7].texts() == std::vector<std::string>{"abc"});
}

TEST_CASE("there is always room for a read, and a block that somebody keeps is not read into") {
  Ground ground;
  std::vector<Packet> kept;
  for (int i = 0; i < 100; ++i) {
    const auto room = ground.block.room();
    REQUIRE(room.size() >= 16 * 1024);
    const std::string text = test::pattern(5000, static_cast<std::uint32_t>(i));
    std::copy_n(detail::as_bytes(text).begin(), text.size(), room.begin());
    kept.push_back(ground.block.packet(0, text.size()));
    ground.block.advance(text.size());
  }
  for (std::size_t i = 0; i < kept.size(); ++i)
    REQUIRE(text_of(kept[i]) == test::pattern(5000, static_cast<std::uint32_t>(i)));
}

TEST_CASE("the tail of a large packet is read to its place, wherever the stream is cut") {
  const std::vector<std::string> bodies = {"small", test::pattern(detail::kLeastPlacedBytes, 1),
                                           test::pattern(20'000, 2), "between",
                                           test::pattern(detail::kMaxFrameBytes, 3)};
  const std::string stream = stream_of(bodies);
  std::mt19937 random(11);
  for (const std::size_t front : {1u, 9u, 14u}) {
    for (int trial = 0; trial < 60; ++trial) {
      Ground ground;
      ground.reading.front_bytes = front;
      for (std::string_view left = stream; !left.empty();) {
        const bool placed_before = ground.reading.frames.is_placed();
        REQUIRE(placed_before == (ground.reading.placed.size > 0));
        const std::size_t most = trial % 3 == 0 ? 40 : trial % 3 == 1 ? 5'000 : 100'000;
        left.remove_prefix(ground.reading.read(left.substr(0, 1 + random() % most)));
      }
      REQUIRE(ground.reading.bodies == bodies);
      REQUIRE_FALSE(ground.reading.frames.is_inside());
    }
  }
}

TEST_CASE("a tail goes where it belongs byte for byte, and no further") {
  Ground ground;
  ground.reading.front_bytes = 10;
  const std::string body = test::pattern(detail::kLeastPlacedBytes, 5);
  ground.reading.read_all(frame("first") + frame(body).substr(0, 30));
  REQUIRE(ground.reading.frames.is_placed());
  REQUIRE(ground.reading.questions == std::vector<std::size_t>{body.size()});
  const auto rest = ground.reading.frames.rest();
  CHECK(rest.data() == ground.reading.placed.bytes().data() + 26 - 10);
  CHECK(rest.size() == body.size() - 26);
  ground.reading.read_all(frame(body).substr(30) + frame("next"));
  CHECK(ground.reading.bodies == std::vector<std::string>{"first", body, "next"});
}

TEST_CASE("who has no place for a tail gets the packet whole, and small ones are not asked about") {
  Ground ground;
  const std::string large = test::pattern(detail::kLeastPlacedBytes, 5);
  const std::string small = test::pattern(detail::kLeastPlacedBytes - 1, 6);
  ground.reading.read_all(frame("first") + frame(large).substr(0, 100));
  ground.reading.read_all(frame(large).substr(100) + frame(small).substr(0, 100));
  ground.reading.read_all(frame(small).substr(100));
  CHECK(ground.reading.texts() == std::vector<std::string>{"first", large, small});
  CHECK(ground.reading.questions == std::vector<std::size_t>{large.size()});
}

TEST_CASE("a placed tail keeps its memory when the one who placed it is gone") {
  Ground ground;
  ground.reading.front_bytes = 4;
  const std::string body = test::pattern(10'000, 7);
  ground.reading.read_all(frame("first") + frame(body).substr(0, 500));
  ground.reading.placed = {};
  for (std::string_view left = std::string_view(body).substr(496, 9'000); !left.empty();)
    left.remove_prefix(ground.reading.read(left));
  CHECK(ground.reading.frames.is_inside());
}
