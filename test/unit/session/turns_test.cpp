// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "test/support/packet_kit.hpp"
#include "test/support/session_pair.hpp"

/// Messages that come in and receipts for those that went out, when there are many of both.
using namespace tickwire;
using namespace std::chrono_literals;
using test::ByteKit;
using test::SessionEnd;
using test::SessionPair;

TEST_CASE("for each packet of messages come as many receipts, so that neither starves the other") {
  SessionEnd end(SessionPair::settings(Direction::dialled), TimePoint(1h));
  test::forge_open(end, Direction::dialled);
  constexpr std::uint32_t kMessages = 600;
  for (std::uint32_t i = 0; i < kMessages; ++i)
    REQUIRE(end.send("out") == ErrorCode::none);
  static_cast<void>(test::flushed(end));
  test::inject(end, test::control_packet().record(0x30, ByteKit().u8(0).u32(kMessages)));
  constexpr std::uint32_t kPacket = 100;
  for (std::uint32_t packet = 0; packet < kMessages / kPacket; ++packet) {
    ByteKit kit = test::reliable_packet(0, static_cast<std::uint16_t>(packet * kPacket));
    for (std::uint32_t i = 0; i < kPacket; ++i)
      kit.record(0x02, {});
    test::inject(end, kit);
  }

  end.take_events();
  REQUIRE(end.events.size() == 2 * kMessages);
  for (std::size_t i = 0; i < end.events.size(); i += 2 * kPacket) {
    const auto turn = end.events.begin() + static_cast<std::ptrdiff_t>(i);
    CHECK(std::count_if(turn, turn + 2 * kPacket, [](const test::SeenEvent& event) {
            return event.type == EventType::data_sent;
          }) == kPacket);
  }
}
