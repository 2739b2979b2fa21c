// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

#include "test/support/packet_kit.hpp"
#include "test/support/session_pair.hpp"

/// Packets that wait for reassembly memory.
using namespace tickwire;
using namespace std::chrono_literals;
using test::ByteKit;
using test::Bytes;
using test::SessionEnd;
using test::SessionPair;

namespace {

constexpr std::uint32_t kLarge = 900'000;

ByteKit large_begins(std::uint8_t channel) {
  return test::reliable_packet(channel, 0)
      .record(0x05, ByteKit().u8(0x02).u32(kLarge).bytes(Bytes(1)));
}

/// An accepted end whose memory a first message on channel 0 has taken.
struct Short {
  Short() : end(plan(), TimePoint(1h)) {
    test::forge_open(end, Direction::accepted);
    test::inject(end, large_begins(0));
    static_cast<void>(test::flushed(end));
  }
  static test::SessionPlan plan() {
    auto plan = SessionPair::settings(Direction::accepted);
    plan.limits.max_message_bytes = 1 << 20;
    plan.limits.max_reassembly_bytes = 1 << 20;
    return plan;
  }
  /// What a large message lacks, as fast as its credit comes back; then all events.
  void finish(std::uint8_t channel, std::uint16_t sequence, std::size_t bytes) {
    constexpr std::size_t most = 200'000;
    for (; bytes > 0; bytes -= std::min(bytes, most)) {
      test::inject(
          end, test::reliable_packet(channel, sequence).record(0x06, Bytes(std::min(bytes, most))));
      static_cast<void>(test::flushed(end));
    }
    end.take_events();
    end.take_events();  // what went on for that
  }
  [[nodiscard]] bool tells_credit() {
    for (const Bytes& packet : test::flushed(end)) {
      detail::ByteCursor cursor(std::span<const std::byte>(packet).subspan(4));
      while (const auto record = detail::wire::next_record(cursor)) {
        if (record->kind == 0x31) return true;
      }
    }
    return false;
  }

  SessionEnd end;
};

}  // namespace

TEST_CASE("a packet that still waits is not counted again: its bytes are not even looked at") {
  Short shortage;
  SessionEnd& end = shortage.end;
  ByteKit kit = large_begins(1);
  for (int i = 0; i < 10'000; ++i)
    kit.record(0x02, {});
  const Bytes bytes = kit;
  detail::Packet packet(*end.pool, bytes.size());
  packet.append(bytes);
  const detail::BufferRef block = packet.share();
  const std::span<std::byte> tail = packet.bytes().last(2);
  end.session.receive(std::move(packet), end.now);
  REQUIRE(end.session.has_parked());

  // What waits gives a third of the window back. A tail that is no record would count as nothing.
  tail[1] = std::byte{0x7f};
  end.session.retry_parked(end.now);
  CHECK(shortage.tells_credit());
  CHECK(end.session.has_parked());
  CHECK(end.session.is_open());
}

TEST_CASE("what goes on and waits again at a later place has its cost counted from there") {
  Short shortage;
  SessionEnd& end = shortage.end;
  const Bytes small(2000);
  ByteKit kit =
      test::reliable_packet(1, 0).record(0x05, ByteKit().u8(0x02).u32(1000).bytes(Bytes(1000)));
  kit.record(0x02, small).record(0x05, ByteKit().u8(0x02).u32(kLarge).bytes(Bytes(1)));
  // All memory is taken but for the first one's.
  constexpr std::uint32_t kMiddle = (1 << 20) - kLarge - 500;
  test::inject(end, test::reliable_packet(2, 0).record(
                        0x05, ByteKit().u8(0x02).u32(kMiddle).bytes(Bytes(1))));
  test::inject(end, kit);
  REQUIRE(end.session.has_parked());
  shortage.finish(2, 0, kMiddle - 1);
  CHECK(end.count(EventType::data_received) == 3);
  CHECK(end.session.has_parked());
  // The first of all is complete: now the last one has memory.
  shortage.finish(0, 0, kLarge - 1);
  CHECK(end.count(EventType::data_received) == 4);
  CHECK_FALSE(end.session.has_parked());
  shortage.finish(1, 2, kLarge - 1);
  CHECK(end.count(EventType::data_received) == 5);
  CHECK(end.session.is_open());
}

TEST_CASE("a session that has ended holds no half a message, and has nothing that waits") {
  Short shortage;
  SessionEnd& end = shortage.end;
  test::inject(end, large_begins(1));
  REQUIRE(end.session.has_parked());
  end.session.fail({ErrorCode::socket_failed, 0, {}});
  CHECK_FALSE(end.session.has_parked());
  std::vector<detail::Unfinished> unfinished;
  end.session.list_unfinished(unfinished);
  CHECK(unfinished.empty());
  CHECK(end.budget.reserve(Short::plan().limits.max_host_reassembly_bytes));
}

TEST_CASE("a large message that waits is not kept from memory by small ones that come later") {
  auto plan = Short::plan();
  plan.limits.max_reassembly_bytes = 4 << 20;
  plan.limits.max_host_reassembly_bytes = 1 << 20;
  SessionEnd end(plan, TimePoint(1h));
  test::forge_open(end, Direction::accepted);
  const auto small = [&](std::uint8_t channel, std::uint16_t number) {
    const auto whole = ByteKit().u8(0x02).u32(2000).bytes(Bytes(2000));
    test::inject(end, test::reliable_packet(channel, number).record(0x05, whole));
    end.take_events();
    return end.count(EventType::data_received);
  };
  test::inject(end, large_begins(0));
  CHECK(small(2, 0) == 1);
  test::inject(end, large_begins(1));
  REQUIRE(end.session.has_parked());
  // There is room for it, but it would be taken from the one that waits.
  CHECK(small(2, 1) == 1);
  end.session.retry_parked(end.now);
  end.take_events();
  CHECK(end.count(EventType::data_received) == 1);

  // With the memory of the first it is the turn of the second, and then of all that waited.
  test::inject(end, test::reliable_packet(0, 0).record(0x06, Bytes(kLarge - 1)));
  end.take_events();
  end.session.retry_parked(end.now);
  end.take_events();
  CHECK_FALSE(end.session.has_parked());
  CHECK(end.count(EventType::data_received) == 3);
  CHECK(small(2, 2) == 4);
}
