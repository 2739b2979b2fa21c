// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <sys/mman.h>

#include <chrono>
#include <functional>
#include <memory_resource>
#include <string>

#include "test/support/packet_kit.hpp"
#include "test/support/placed_tail.hpp"
#include "test/support/resident_bytes.hpp"

/// Packets that no correct peer sends, one rule after the other.
using namespace tickwire;
using namespace std::chrono_literals;
using detail::wire::PacketLane;
using test::ByteKit;
using test::Bytes;
using test::SessionEnd;
using test::SessionPair;

namespace {

test::SessionPlan small_settings() {
  auto settings = SessionPair::settings(Direction::accepted);
  settings.limits.max_message_bytes = 10'000;
  settings.limits.max_reassembly_bytes = 20'100;
  settings.limits.max_host_reassembly_bytes = 20'100;
  settings.limits.receive_window_bytes = 128 * 1024;
  return settings;
}

/// An open session that packets are tried on, and another one that gets them as from a stream: it
/// has to come to the same, where nothing but packets is given to either.
struct Target {
  Target() : end(small_settings(), TimePoint(1h)), streamed(small_settings(), TimePoint(1h)) {
    test::forge_open(end, Direction::accepted);
    test::forge_open(streamed, Direction::accepted);
  }

  Target& give(const Bytes& packet) {
    test::inject(end, packet);
    detail::Packet same(*streamed.pool, packet.size());
    same.append(packet);
    test::receive_in_place(streamed.session, std::move(same), 24, streamed.now);
    return *this;
  }
  [[nodiscard]] bool survives() {
    end.take_events();
    streamed.take_events();
    if (only_packets) CHECK(streamed.session.is_open() == end.session.is_open());
    if (only_packets) CHECK(streamed.texts() == end.texts());
    return end.session.is_open();
  }
  /// The sentence in which the connection ended; empty when it lives on.
  [[nodiscard]] std::string verdict() {
    const std::string verdict = verdict_of(end);
    if (only_packets) CHECK(verdict_of(streamed) == verdict);
    return verdict;
  }

  SessionEnd end;
  SessionEnd streamed;
  bool only_packets = true;

 private:
  static std::string verdict_of(SessionEnd& end) {
    end.take_events();
    if (end.session.is_open() || end.count(EventType::disconnected) != 1) return {};
    if (end.events.back().error.code != ErrorCode::protocol_violation) return {};
    return end.events.back().error.message();
  }
};

std::string verdict_on(const Bytes& packet) {
  return Target().give(packet).verdict();
}

Bytes slice_first(std::uint32_t kind, std::uint32_t total, std::size_t piece) {
  return ByteKit().u8(kind).u32(total).bytes(Bytes(piece));
}

Bytes reliable(std::uint32_t kind, const Bytes& body) {
  return test::reliable_packet(0, 0).record(kind, body);
}

}  // namespace

TEST_CASE("a packet without a whole header, or with unknown bits, ends the connection") {
  CHECK(verdict_on({}).find("broken header") != std::string::npos);
  CHECK(verdict_on(ByteKit().u8(1).u8(0)).find("broken header") != std::string::npos);
  CHECK(verdict_on(ByteKit().u32(0x80)).find("broken header") != std::string::npos);
}

TEST_CASE("an empty packet is harmless but on the reliable lane, where it would cost nothing") {
  CHECK(Target().give(test::control_packet()).survives());
  CHECK(Target().give(test::data_packet(PacketLane::unreliable, 7, 9)).survives());
  CHECK_FALSE(verdict_on(test::reliable_packet(7, 0)).empty());
}

TEST_CASE("what has no records cannot wait for memory") {
  SessionEnd end(SessionPair::settings(Direction::accepted), TimePoint(1h));
  test::forge_open(end, Direction::accepted);
  for (std::uint8_t channel = 0; channel < 3; ++channel) {
    test::inject(end,
                 test::reliable_packet(channel, 0).record(0x05, slice_first(0x02, 16 << 20, 1)));
  }
  REQUIRE(end.session.has_parked());
  test::inject(end, test::reliable_packet(2, 0));
  CHECK_FALSE(end.session.is_open());
}

TEST_CASE("records whose length does not fit end the connection on every lane") {
  for (const PacketLane lane :
       {PacketLane::control, PacketLane::reliable, PacketLane::sequenced, PacketLane::unreliable}) {
    CAPTURE(static_cast<int>(lane));
    const auto header = [&] { return test::data_packet(lane, 0, 0); };
    CHECK_FALSE(verdict_on(header().u8(0x82)).empty());
    CHECK_FALSE(verdict_on(header().u8(0x82).u8(1)).empty());
    CHECK_FALSE(verdict_on(header().u8(0x82).varint(5).text("four")).empty());
    CHECK_FALSE(verdict_on(header().u8(0x82).varint(0xffffffff)).empty());
    CHECK_FALSE(verdict_on(header().u8(0x82).u8(0x80).u8(0)).empty());
    CHECK_FALSE(verdict_on(header().record(0x82, {}).u8(0x82)).empty());
  }
}

TEST_CASE("an unknown record is skipped and counted when it may be, and ends it all otherwise") {
  for (const PacketLane lane :
       {PacketLane::control, PacketLane::reliable, PacketLane::sequenced, PacketLane::unreliable}) {
    CAPTURE(static_cast<int>(lane));
    Target target;
    target.give(test::data_packet(lane, 0, 0).record(0xff, Bytes(20)).record(0x80, {}));
    CHECK(target.survives());
    CHECK(target.end.session.stats().drops.unknown_records == 2);
    CHECK_FALSE(verdict_on(test::data_packet(lane, 0, 0).record(0x7f, Bytes(20))).empty());
    CHECK_FALSE(verdict_on(test::data_packet(lane, 0, 0).record(0x00, {})).empty());
  }
}

TEST_CASE("records of the wrong lane end the connection") {
  for (const std::uint32_t kind : {0x01u, 0x02u, 0x03u, 0x04u, 0x05u, 0x06u}) {
    CAPTURE(kind);
    CHECK_FALSE(verdict_on(test::control_packet().record(kind, Bytes(20))).empty());
  }
  for (const std::uint32_t kind : {0x10u, 0x13u, 0x20u, 0x21u, 0x30u, 0x31u, 0x32u, 0x33u}) {
    CAPTURE(kind);
    for (const PacketLane lane :
         {PacketLane::reliable, PacketLane::sequenced, PacketLane::unreliable}) {
      CHECK_FALSE(verdict_on(test::data_packet(lane, 0, 0).record(kind, Bytes(20))).empty());
    }
  }
  for (const std::uint32_t kind : {0x05u, 0x06u}) {
    CAPTURE(kind);
    const Bytes body = slice_first(0x02, 10, 5);
    CHECK_FALSE(
        verdict_on(test::data_packet(PacketLane::sequenced, 0, 0).record(kind, body)).empty());
  }
}

TEST_CASE("every record kind with a body that is too short ends the connection") {
  const std::pair<std::uint32_t, std::size_t> shortest[] = {{0x20, 3},  {0x31, 8}, {0x32, 4},
                                                            {0x33, 16}, {0x34, 1}, {0x35, 1}};
  for (const auto& each : shortest) {
    const std::uint32_t kind = each.first;
    for (std::size_t size = 0; size < each.second; ++size) {
      CAPTURE(kind);
      CAPTURE(size);
      CHECK_FALSE(verdict_on(test::control_packet().record(kind, Bytes(size))).empty());
    }
  }
  for (std::size_t size = 1; size < 5; ++size)
    CHECK_FALSE(verdict_on(test::control_packet().record(0x30, Bytes(size))).empty());
  const std::pair<std::uint32_t, std::size_t> shortest_data[] = {
      {0x01, 4}, {0x03, 5}, {0x04, 1}, {0x05, 6}};
  for (const auto& each : shortest_data) {
    const std::uint32_t kind = each.first;
    for (std::size_t size = 0; size < each.second; ++size) {
      CAPTURE(kind);
      CAPTURE(size);
      CHECK_FALSE(verdict_on(reliable(kind, Bytes(size))).empty());
    }
  }
  CHECK_FALSE(verdict_on(reliable(0x04, ByteKit().varint(3).text("ab"))).empty());
  CHECK_FALSE(verdict_on(reliable(0x03, ByteKit().u32(1).varint(3).text("ab"))).empty());
}

TEST_CASE("what is wrong with a message is found behind good ones, too") {
  const auto good = [] {
    return test::reliable_packet(0, 0)
        .record(0x02, ByteKit().text("one"))
        .record(0x01, ByteKit().u32(77).text("two"))
        .record(0x02, {});
  };
  CHECK(Target().give(good()).survives());
  for (const std::size_t size : {126u, 127u, 128u, 129u}) {
    Target target;
    CHECK(target.give(good().record(0x02, Bytes(size)).record(0x01, Bytes(size))).survives());
    CHECK(target.end.count(EventType::object_received) == 2);
    CHECK(target.end.count(EventType::data_received) == 3);
  }
  for (const std::uint32_t kind : {0x00u, 0x20u, 0x7Fu})
    CHECK_FALSE(verdict_on(good().record(kind, Bytes(4))).empty());
  for (std::size_t size = 0; size < 4; ++size)
    CHECK_FALSE(verdict_on(good().record(0x01, Bytes(size))).empty());
  CHECK_FALSE(verdict_on(good().u8(0x01)).empty());
  CHECK_FALSE(verdict_on(good().u8(0x02).u8(127).bytes(Bytes(126))).empty());
  CHECK_FALSE(verdict_on(good().u8(0x02).varint(128).bytes(Bytes(127))).empty());
  CHECK_FALSE(verdict_on(good().record(0x02, Bytes(10'001))).empty());
}

TEST_CASE("of messages that are alike, each has to be whole") {
  for (const std::uint32_t kind : {0x01u, 0x02u}) {
    CAPTURE(kind);
    auto alike = test::reliable_packet(0, 0);
    for (std::size_t count = 1; count <= 5; ++count) {
      CAPTURE(count);
      alike.record(kind, Bytes(20));
      Target target;
      CHECK(target.give(alike).survives());
      CHECK(target.end.events.size() == count);
      for (std::size_t cut = 0; cut < 20; ++cut)
        CHECK_FALSE(verdict_on(ByteKit(alike).u8(kind).u8(20).bytes(Bytes(cut))).empty());
      CHECK_FALSE(verdict_on(ByteKit(alike).u8(kind)).empty());
      CHECK_FALSE(verdict_on(ByteKit(alike).bytes(Bytes(22))).empty());
    }
    alike.record(3 - kind, Bytes(20)).record(kind, Bytes(20)).record(kind, Bytes(19));
    Target mixed;
    CHECK(mixed.give(alike).survives());
    CHECK(mixed.end.events.size() == 8);
  }
}

TEST_CASE("a channel that is not configured ends the connection") {
  CHECK(Target().give(test::reliable_packet(7, 0).record(0x02, {})).survives());
  CHECK_FALSE(verdict_on(test::reliable_packet(8, 0).record(0x02, {})).empty());
  CHECK_FALSE(verdict_on(test::reliable_packet(255, 0)).empty());
  CHECK_FALSE(verdict_on(test::data_packet(PacketLane::sequenced, 8, 0).record(0x02, {})).empty());
}

TEST_CASE("a reliable packet out of sequence ends the connection") {
  CHECK_FALSE(verdict_on(test::reliable_packet(0, 1).record(0x02, {})).empty());
  CHECK_FALSE(verdict_on(test::reliable_packet(0, 0xffff).record(0x02, {})).empty());
  Target target;
  target.give(test::reliable_packet(0, 0).record(0x02, {}).record(0x02, {}));
  CHECK(target.survives());
  CHECK_FALSE(target.give(test::reliable_packet(0, 1).record(0x02, {})).verdict().empty());
}

TEST_CASE("the sequence of a channel goes on beyond 65,535") {
  Target target;
  target.only_packets = false;
  for (std::uint32_t i = 0; i < 70'000; i += 10) {
    ByteKit packet = test::reliable_packet(3, static_cast<std::uint16_t>(i));
    for (int n = 0; n < 10; ++n)
      packet.record(0x02, {});
    target.give(packet);
    target.end.take_events();
    target.end.events.clear();
    static_cast<void>(test::flushed(target.end));
  }
  CHECK(target.survives());
}

TEST_CASE("credit that is overdrawn ends the connection, by one byte") {
  const std::size_t window = small_settings().limits.receive_window_bytes;
  const auto spend = [&](Target& target, std::size_t bytes) {
    std::uint16_t sequence = 0;
    for (; bytes >= 2064; bytes -= 1032)
      target.give(test::reliable_packet(0, sequence++).record(0x02, Bytes(1000)));
    target.give(test::reliable_packet(0, sequence++).record(0x02, Bytes(bytes - 32)));
  };
  Target exact;
  spend(exact, window);
  CHECK(exact.end.session.is_open());
  Target over;
  spend(over, window + 1);
  CHECK_FALSE(over.verdict().empty());

  // With small ones, many of them in a packet.
  const auto spend_small = [&](Target& target, std::size_t last_bytes) {
    ByteKit packet = test::reliable_packet(0, 0);
    for (std::size_t cost = 128; cost < window; cost += 128)
      packet.record(0x02, Bytes(128 - 32));
    target.give(packet.record(0x02, Bytes(last_bytes - 32)));
  };
  Target exact_small;
  spend_small(exact_small, 128);
  CHECK(exact_small.end.session.is_open());
  Target over_small;
  spend_small(over_small, 129);
  CHECK_FALSE(over_small.verdict().empty());
}

TEST_CASE("a message above the announced size ends the connection, cut or whole, on every lane") {
  CHECK(Target().give(reliable(0x02, Bytes(10'000))).survives());
  CHECK_FALSE(verdict_on(reliable(0x02, Bytes(10'001))).empty());
  CHECK_FALSE(
      verdict_on(test::data_packet(PacketLane::unreliable, 0, 0).record(0x02, Bytes(10'001)))
          .empty());
  CHECK_FALSE(verdict_on(reliable(0x05, slice_first(0x02, 10'017, 100))).empty());
  CHECK_FALSE(verdict_on(reliable(0x05, slice_first(0x02, 0xffff'ffff, 100))).empty());
}

TEST_CASE("metadata counts towards the announced size") {
  const auto with_metadata = [](std::size_t metadata, std::size_t payload) {
    return reliable(0x04, ByteKit().block(Bytes(metadata)).bytes(Bytes(payload)));
  };
  CHECK(Target().give(with_metadata(5'000, 4'000)).survives());
  CHECK_FALSE(verdict_on(with_metadata(6'000, 6'000)).empty());
}

TEST_CASE("slices that make no sense end the connection") {
  const auto first = [](std::uint32_t total, std::size_t piece) {
    return test::reliable_packet(0, 0).record(0x05, slice_first(0x02, total, piece));
  };
  CHECK_FALSE(verdict_on(first(0, 1)).empty());
  CHECK_FALSE(verdict_on(first(0, 0)).empty());
  CHECK_FALSE(verdict_on(first(10, 0)).empty());
  CHECK_FALSE(verdict_on(first(10, 11)).empty());
  CHECK_FALSE(verdict_on(reliable(0x06, Bytes(10))).empty());
  for (const std::uint32_t inner : {0x00u, 0x05u, 0x06u, 0x10u, 0x30u, 0x82u}) {
    CAPTURE(inner);
    CHECK_FALSE(verdict_on(reliable(0x05, slice_first(inner, 20, 10))).empty());
  }
  CHECK_FALSE(verdict_on(first(20, 10).record(0x06, {})).empty());
  CHECK_FALSE(verdict_on(first(20, 10).record(0x06, Bytes(11))).empty());
  CHECK_FALSE(verdict_on(first(20, 10).record(0x05, slice_first(0x02, 20, 10))).empty());
  CHECK_FALSE(verdict_on(first(20, 10).record(0x02, Bytes(3))).empty());
  // An object of three bytes has no room for its type; metadata is longer than all of it.
  CHECK_FALSE(verdict_on(reliable(0x05, slice_first(0x01, 3, 3))).empty());
  CHECK_FALSE(verdict_on(reliable(0x05, ByteKit().u8(4).u32(2).varint(9).u8(0))).empty());
}

TEST_CASE("slices that fit make a message, also when one slice is all of it") {
  Target target;
  target.give(test::reliable_packet(0, 0)
                  .record(0x05, slice_first(0x02, 20, 10))
                  .record(0x06, Bytes(4))
                  .record(0x80, Bytes(7)));
  target.give(test::reliable_packet(0, 0).record(0x06, Bytes(6)).record(0x02, Bytes(3)));
  target.give(test::reliable_packet(0, 2).record(0x05, slice_first(0x02, 5, 5)));
  CHECK(target.survives());
  REQUIRE(target.end.count(EventType::data_received) == 3);
  CHECK(target.end.events[0].text.size() == 20);
  CHECK(target.end.events[1].text.size() == 3);
  CHECK(target.end.events[2].text.size() == 5);
}

TEST_CASE("an acknowledgement of what was never sent ends the connection, wherever it stands") {
  CHECK(Target().give(test::control_packet().record(0x30, ByteKit().u8(0).u32(0))).survives());
  CHECK_FALSE(verdict_on(test::control_packet().record(0x30, ByteKit().u8(0).u32(1))).empty());
  CHECK_FALSE(verdict_on(test::control_packet().record(0x30, ByteKit().u8(200).u32(1))).empty());
  CHECK_FALSE(verdict_on(ByteKit().u8(5).u8(0).u16(0).u32(1)).empty());
  Target target;
  target.only_packets = false;
  CHECK(target.end.send("a") == ErrorCode::none);
  CHECK(target.end.send("b") == ErrorCode::none);
  static_cast<void>(test::flushed(target.end));
  CHECK(target.end.send("c") == ErrorCode::none);  // still here
  target.give(test::control_packet().record(0x30, ByteKit().u8(0).u32(2)));
  target.give(test::control_packet().record(0x30, ByteKit().u8(0).u32(1)));
  CHECK(target.survives());
  CHECK(target.end.count(EventType::data_sent) == 2);
  target.give(test::control_packet().record(0x30, ByteKit().u8(0).u32(3)));
  CHECK_FALSE(target.verdict().empty());
}

TEST_CASE("a hold of a channel that was never used ends the connection") {
  CHECK_FALSE(verdict_on(test::control_packet().record(0x34, ByteKit().u8(0))).empty());
  CHECK_FALSE(verdict_on(test::control_packet().record(0x35, ByteKit().u8(200))).empty());
  Target target;
  target.only_packets = false;
  CHECK(target.end.send("a") == ErrorCode::none);
  target.give(test::control_packet().record(0x34, ByteKit().u8(0)));
  target.give(test::control_packet().record(0x34, ByteKit().u8(0)));
  CHECK(test::flushed(target.end).empty());
  target.give(test::control_packet().record(0x35, ByteKit().u8(0)));
  CHECK(test::flushed(target.end).size() == 1);
  CHECK(target.survives());
}

TEST_CASE("what is sent on a held channel is kept up to a window, and then ends the connection") {
  Target target;
  // Two messages take all the memory; the third has to wait, and all that is behind it.
  target.give(test::reliable_packet(0, 0).record(0x05, slice_first(0x02, 10'000, 10)));
  target.give(test::reliable_packet(1, 0).record(0x05, slice_first(0x02, 10'000, 10)));
  target.give(test::reliable_packet(2, 0).record(0x05, slice_first(0x02, 10'000, 10)));
  CHECK(target.end.session.has_parked());
  std::size_t taken = 0;
  for (; taken < 200 && target.end.session.is_open(); ++taken) {
    target.give(test::reliable_packet(2, 0).record(0x06, Bytes(1000)));
    static_cast<void>(test::flushed(target.end));
  }
  CHECK(taken > 120);
  CHECK(taken < 130);
  CHECK_FALSE(target.verdict().empty());
}

TEST_CASE("goodbyes that make no sense end the connection at once") {
  CHECK_FALSE(verdict_on(test::control_packet().record(0x21, {})).empty());
  CHECK_FALSE(
      verdict_on(test::control_packet().record(0x20, ByteKit().u16(0).block(std::string(201, 'x'))))
          .empty());
  CHECK_FALSE(
      verdict_on(test::control_packet().record(0x20, ByteKit().u16(0).block("").u8(1).u16(0)))
          .empty());
  const Bytes waits = ByteKit().u16(0).block("").u8(1).u32(5);
  CHECK_FALSE(verdict_on(test::control_packet().record(0x20, waits).record(0x20, waits)).empty());
}

TEST_CASE("a goodbye whose totals never come true ends after the idle time") {
  Target target;
  target.give(test::control_packet().record(0x20, ByteKit().u16(9).block("x").u8(200).u32(5)));
  CHECK(target.end.session.state() == detail::SessionState::draining);
  for (int i = 0; i < 120; ++i) {
    target.end.now += 100ms;
    target.give(test::control_packet().record(0x32, ByteKit().u32(1)));
    target.end.session.advance(target.end.now);
    static_cast<void>(test::flushed(target.end));
  }
  target.end.take_events();
  REQUIRE(target.end.count(EventType::disconnected) == 1);
  CHECK(target.end.events.back().error.code == ErrorCode::closed_by_peer);
  CHECK(target.end.events.back().error.system_code == 9);
}

TEST_CASE("echoes that lie teach nothing") {
  Target target;
  target.end.now += 1s;
  target.give(test::control_packet().record(0x33, ByteKit()
                                                      .u32(0xfffffff0)
                                                      .u32(0xffffffff)
                                                      .u32(0xffffffff)
                                                      .u32(0xffffffff)
                                                      .u64(0xffffffff'ffffffff)));
  target.give(test::control_packet().record(
      0x33, ByteKit().u32(0).u32(0).u32(5).u32(0x80000000).u64(0x7fffffff'ffffffff)));
  CHECK(target.survives());
  const ConnectionStats stats = target.end.session.stats();
  CHECK(stats.rtt >= 0s);
  CHECK(stats.rtt <= 60s);
  REQUIRE(stats.packet_loss_ratio);
  CHECK(*stats.packet_loss_ratio >= 0);
  CHECK(*stats.packet_loss_ratio <= 1);
}

TEST_CASE("an echo that claims to have been held for longer than it was away teaches nothing") {
  Target target;
  target.end.now += 1s;
  const auto stamp =
      std::chrono::duration_cast<std::chrono::microseconds>(target.end.now.time_since_epoch());
  const auto sent = static_cast<std::uint32_t>(stamp.count()) - 1000;
  target.give(
      test::control_packet().record(0x33, ByteKit().u32(sent).u32(5000).u32(0).u32(0).u64(0)));
  CHECK(target.survives());
  CHECK(target.end.session.stats().rtt == 0s);
}

TEST_CASE("what a hostile peer announces takes of the budget what fits, and the rest waits") {
  auto settings = SessionPair::settings(Direction::accepted);
  SessionEnd end(settings, TimePoint(1h));
  test::forge_open(end, Direction::accepted);
  // Messages of 16 MiB, one byte of each: the budget of the connection has room for two.
  for (std::uint8_t channel = 0; channel < 4; ++channel) {
    test::inject(end,
                 test::reliable_packet(channel, 0).record(0x05, slice_first(0x02, 16 << 20, 1)));
  }
  CHECK(end.session.is_open());
  CHECK(end.session.has_parked());
  CHECK_FALSE(end.budget.reserve(settings.limits.max_host_reassembly_bytes));
  end.budget.begin_turn();
  CHECK(end.budget.reserve(settings.limits.max_host_reassembly_bytes - (32u << 20)));
}

TEST_CASE("what is announced and does not come takes no memory") {
  // Pages for large blocks that nobody has used before.
  class FreshPages final : public std::pmr::memory_resource {
   public:
    ~FreshPages() override = default;
    std::byte* block = nullptr;  // the last large one
    std::size_t block_bytes = 0;

   private:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override {
      if (bytes < 1 << 20) return std::pmr::new_delete_resource()->allocate(bytes, alignment);
      void* const place = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS, /*fd=*/-1, /*offset=*/0);
      REQUIRE(place != MAP_FAILED);
#ifdef MADV_NOHUGEPAGE
      static_cast<void>(::madvise(place, bytes, MADV_NOHUGEPAGE));
#endif
      block = static_cast<std::byte*>(place);
      block_bytes = bytes;
      return place;
    }
    void do_deallocate(void* place, std::size_t bytes, std::size_t alignment) override {
      if (bytes < 1 << 20)
        return std::pmr::new_delete_resource()->deallocate(place, bytes, alignment);
      ::munmap(place, bytes);
    }
    [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
      return this == &other;
    }
  };
  constexpr std::size_t kSlice = 1000;
  for (const std::uint32_t announced : {12u << 20, 16u << 20}) {
    FreshPages memory;
    SessionEnd end(SessionPair::settings(Direction::accepted), TimePoint(1h), &memory);
    test::forge_open(end, Direction::accepted);
    test::inject(end,
                 test::reliable_packet(0, 0).record(0x05, slice_first(0x02, announced, kSlice)));
    CHECK(end.session.is_open());
    REQUIRE(memory.block_bytes >= announced);
    CHECK(test::resident_bytes(memory.block, memory.block_bytes) <= kSlice + (1 << 20));
  }
}

TEST_CASE("unreliable messages that nobody takes are bounded, and the oldest goes first") {
  Target target;
  for (std::uint32_t i = 0; i < 2000; ++i) {
    target.give(test::data_packet(PacketLane::unreliable, 0, static_cast<std::uint16_t>(i))
                    .record(0x02, ByteKit().u32(i).bytes(Bytes(996))));
  }
  target.end.take_events();
  const std::size_t kept = target.end.count(EventType::data_received);
  CHECK(kept <= 64);
  CHECK(kept >= 60);
  CHECK(target.end.session.stats().drops.unreliable_not_polled == 2000 - kept);
  CHECK(target.survives());
}

TEST_CASE("of several messages in an unreliable packet as many go as have to") {
  Target target;
  for (std::uint32_t i = 0; i < 400; ++i) {
    auto packet = test::data_packet(PacketLane::unreliable, 0, static_cast<std::uint16_t>(i));
    for (std::uint32_t k = 0; k < 5; ++k)
      packet.record(0x02, ByteKit().u32(5 * i + k).bytes(Bytes(196)));
    target.give(packet);
  }
  target.end.take_events();
  const std::size_t kept = target.end.count(EventType::data_received);
  CHECK(kept > 64 * 1024 / 250);
  CHECK(kept <= 64 * 1024 / 200);
  CHECK(kept % 5 != 0);
  CHECK(target.end.session.stats().drops.unreliable_not_polled == 2000 - kept);
  CHECK(target.survives());
}

TEST_CASE("unreliable messages that were taken make room for as many more") {
  auto settings = SessionPair::settings(Direction::accepted);
  settings.limits.max_unreliable_queue.bytes = 4400;
  SessionEnd end(settings, TimePoint(1h));
  test::forge_open(end, Direction::accepted);
  std::uint16_t sequence = 0;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 3; ++i) {
      test::inject(
          end, test::data_packet(PacketLane::unreliable, 0, sequence++).record(0x02, Bytes(600)));
    }
    end.take_events();
  }
  CHECK(end.count(EventType::data_received) == 60);
  CHECK(end.session.stats().drops.unreliable_not_polled == 0);
}
