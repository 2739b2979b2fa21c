// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "test/support/counting_resource.hpp"
#include "test/support/packet_kit.hpp"
#include "test/support/session_pair.hpp"

/// Small messages that wait in large blocks: a stream's connections all read into one, and a peer
/// may see to it that little of each block is his.
using namespace tickwire;
using namespace std::chrono_literals;
using detail::wire::PacketLane;
using test::ByteKit;
using test::Bytes;
using test::SessionEnd;
using test::SessionPair;

namespace {

constexpr std::size_t kBlockBytes = 70 * 1024;
constexpr std::uint32_t kMessages = 3000;

/// An accepted end that counts its memory, and gets every packet in a large block of its own.
struct Waiting {
  explicit Waiting(const Limits& limits = {}) : end(plan(limits), TimePoint(1h), &memory) {
    test::forge_open(end, Direction::accepted);
    before = memory.bytes_out();
  }
  static test::SessionPlan plan(const Limits& limits) {
    auto plan = SessionPair::settings(Direction::accepted);
    plan.limits = limits;
    return plan;
  }
  void inject(const Bytes& bytes) {
    detail::Packet packet(*end.pool, kBlockBytes);
    packet.append(bytes);
    end.session.receive(std::move(packet), end.now);
  }
  [[nodiscard]] std::size_t bytes() const { return memory.bytes_out() - before; }
  [[nodiscard]] std::vector<std::string> texts() {
    end.take_events();
    std::vector<std::string> texts;
    for (const auto& event : end.events)
      if (event.type == EventType::data_received) texts.push_back(event.text);
    return texts;
  }

  test::CountingResource memory;
  SessionEnd end;
  std::size_t before = 0;
};

Bytes small_packet(PacketLane lane, std::uint32_t i) {
  const std::string text = std::to_string(i);
  return test::data_packet(lane, 0, static_cast<std::uint16_t>(i))
      .record(0x02, ByteKit().text(text));
}

std::vector<std::string> all_texts() {
  std::vector<std::string> texts;
  for (std::uint32_t i = 0; i < kMessages; ++i)
    texts.push_back(std::to_string(i));
  return texts;
}

}  // namespace

TEST_CASE("small messages that wait do not keep the large blocks that they came in") {
  Waiting waiting({.max_unreliable_queue = {.bytes = 1024 * 1024}});
  PacketLane lane = PacketLane::reliable;
  SUBCASE("reliable") {}
  SUBCASE("sequenced") {
    lane = PacketLane::sequenced;
  }
  for (std::uint32_t i = 0; i < kMessages; ++i)
    waiting.inject(small_packet(lane, i));
  CHECK(waiting.bytes() < 400'000);
  CHECK(waiting.texts() == all_texts());
  CHECK(waiting.end.session.is_open());
}

TEST_CASE("what fills a good part of its block stays where it is") {
  Waiting waiting;
  std::vector<std::string> expected;
  for (std::uint16_t i = 0; i < 40; ++i) {
    expected.emplace_back(kBlockBytes / 3, 'a');
    waiting.inject(test::reliable_packet(0, i).record(0x02, ByteKit().text(expected.back())));
  }
  CHECK(waiting.bytes() > 40 * kBlockBytes);
  CHECK(waiting.texts() == expected);
}

TEST_CASE("small messages stay whole where there is no memory to move them") {
  Waiting waiting;
  waiting.memory.leave(200 * (kBlockBytes + 4096));
  for (std::uint32_t i = 0; i < 2; ++i)
    waiting.inject(small_packet(PacketLane::reliable, i));
  waiting.memory.leave(kBlockBytes + 4096);
  for (std::uint32_t i = 2; i < 3; ++i)
    waiting.inject(small_packet(PacketLane::reliable, i));
  waiting.memory.lift_limit();
  for (std::uint32_t i = 3; i < kMessages; ++i)
    waiting.inject(small_packet(PacketLane::reliable, i));
  CHECK(waiting.texts() == all_texts());
}

TEST_CASE("small messages behind one that has no memory do not keep their blocks") {
  Waiting waiting({.max_message_bytes = 1 << 20, .max_reassembly_bytes = (1 << 20) + 64});
  const auto begins = [](std::uint8_t channel) {
    return test::reliable_packet(channel, 0)
        .record(0x05, ByteKit().u8(0x02).u32(1 << 20).bytes(Bytes(1)));
  };
  waiting.inject(begins(1));
  waiting.inject(begins(0));
  REQUIRE(waiting.end.session.has_parked());
  const std::size_t before = waiting.bytes();
  for (std::uint32_t i = 1; i < kMessages; ++i)
    waiting.inject(small_packet(PacketLane::reliable, i));
  CHECK(waiting.end.session.is_open());
  CHECK(waiting.bytes() - before < 400'000);
}

TEST_CASE("messages that come in slices although they are small are bounded too") {
  Waiting waiting({.max_message_bytes = 60'000, .max_reassembly_bytes = 100'000});
  const Bytes slice = ByteKit().u8(0x02).u32(1).bytes(Bytes(1));
  for (std::uint16_t i = 0; i < 6000; ++i) {
    test::inject(waiting.end, test::reliable_packet(0, i).record(0x05, slice));
    if (i % 1000 == 0) static_cast<void>(test::flushed(waiting.end));
  }
  CHECK(waiting.end.session.has_parked());
  CHECK(waiting.bytes() < 600'000);
  waiting.end.take_events();
  CHECK(waiting.end.count(EventType::data_received) <= 100'000 / 1024);
  for (int i = 0; i < 70; ++i) {
    waiting.end.session.retry_parked(waiting.end.now);
    waiting.end.take_events();
  }
  CHECK(waiting.end.count(EventType::data_received) == 6000);
  CHECK(waiting.end.session.is_open());
  CHECK_FALSE(waiting.end.session.has_parked());
}
