// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <memory_resource>
#include <string>
#include <vector>

#include "lib/base/bytes.hpp"
#include "test/support/host_pair.hpp"
#include "test/support/packet_kit.hpp"

/// In which order a session sends, and what it keeps count of.
using namespace tickwire;
using namespace std::chrono_literals;
using test::ByteKit;
using test::Bytes;
using test::SessionEnd;
using test::SessionPair;

namespace {

/// An open end whose packets go nowhere but to the test.
struct Sender {
  explicit Sender(test::SessionPlan settings = SessionPair::settings(Direction::dialled))
      : end(std::move(settings), TimePoint(1h)) {
    test::forge_open(end, Direction::dialled);
  }
  /// The channels of all packets that leave now, as digits.
  [[nodiscard]] std::string channels() {
    std::string order;
    for (const Bytes& packet : test::flushed(end)) {
      if ((packet.at(0) & std::byte{3}) == std::byte{0}) continue;
      order += static_cast<char>('0' + std::to_integer<int>(packet.at(1)));
    }
    return order;
  }
  void fill(std::uint8_t channel, std::size_t packets) {
    for (std::size_t i = 0; i < packets; ++i)
      REQUIRE(end.send(std::string(1000, 'x'), Delivery::reliable, channel) == ErrorCode::none);
  }
  void acknowledge(std::uint8_t channel, std::uint32_t taken) {
    test::inject(end, test::control_packet().record(0x30, ByteKit().u8(channel).u32(taken)));
  }
  [[nodiscard]] std::size_t queued() const { return end.session.stats().queued_bytes; }

  SessionEnd end;
};

}  // namespace

TEST_CASE("where little leaves at a time, equal channels share it by bytes") {
  Sender sender;
  sender.end.sink.capacity = 0;
  sender.end.sink.fills_up = true;
  for (int i = 0; i < 90; ++i) {
    REQUIRE(sender.end.send(std::string(1000, 'x'), Delivery::reliable, 0) == ErrorCode::none);
    REQUIRE(sender.end.send(std::string(500, 'x'), Delivery::unreliable, 1) == ErrorCode::none);
    REQUIRE(sender.end.send(std::string(250, 'x'), Delivery::reliable, 2) == ErrorCode::none);
  }
  std::size_t bytes[3] = {};
  for (int i = 0; i < 60; ++i) {
    sender.end.sink.capacity = 1;  // a packet at a time
    for (const Bytes& packet : test::flushed(sender.end)) {
      if ((packet.at(0) & std::byte{3}) == std::byte{0}) continue;
      bytes[std::to_integer<std::size_t>(packet.at(1))] += packet.size();
    }
  }
  for (const std::size_t each : bytes) {
    CHECK(each >= 15'000);
    CHECK(each <= 25'000);
  }
}

TEST_CASE("what a higher priority has sent does not set its lower ones back against each other") {
  auto settings = SessionPair::settings(Direction::dialled);
  settings.channels[4].priority = 7;
  Sender sender(settings);
  sender.fill(0, 60);
  sender.end.sink.capacity = 0;
  static_cast<void>(sender.channels());
  sender.fill(4, 100);
  sender.end.sink.capacity = 1 << 20;
  sender.end.sink.fills_up = true;
  sender.end.sink.capacity = 100 * 1000;  // all of the high one, and next to nothing else
  static_cast<void>(sender.channels());
  sender.fill(1, 20);  // comes late, beside one that has waited all along
  sender.end.sink.capacity = 20 * 1000;
  const std::string order = sender.channels();
  CHECK(std::count(order.begin(), order.end(), '0') >= 8);
  CHECK(std::count(order.begin(), order.end(), '1') >= 8);
}

TEST_CASE("a higher priority leaves first, equal ones take turns by weight") {
  auto settings = SessionPair::settings(Direction::dialled);
  settings.channels[1].weight = 3;
  settings.channels[4].priority = 7;
  Sender sender(settings);
  sender.fill(0, 3);
  sender.fill(1, 6);
  sender.fill(4, 2);
  CHECK(sender.channels() == "44011101110");
}

TEST_CASE("a channel that was idle has saved nothing up") {
  Sender sender;
  sender.fill(0, 30);
  REQUIRE(sender.channels().size() == 30);
  sender.fill(0, 10);
  sender.fill(1, 10);
  const std::string order = sender.channels().substr(0, 10);
  CHECK(std::count(order.begin(), order.end(), '0') >= 4);
}

TEST_CASE("a channel of higher priority overtakes a large message between two slices") {
  auto settings = SessionPair::settings(Direction::dialled);
  settings.channels[2].priority = 1;
  Sender sender(settings);
  REQUIRE(sender.end.send(std::string(10'000, 'x'), Delivery::reliable, 0) == ErrorCode::none);
  sender.end.sink.capacity = 1;
  CHECK_FALSE(sender.channels().empty());
  sender.fill(2, 1);
  const std::string order = sender.channels();
  CHECK(order.front() == '2');
}

TEST_CASE("nothing leaves into a transport that is full, and goodbyes still do") {
  Sender sender;
  sender.end.sink.capacity = 0;
  sender.fill(0, 2);
  CHECK(sender.channels().empty());
  CHECK(sender.end.session.wants_capacity());
  sender.end.sink.capacity = 1 << 20;
  CHECK(sender.channels() == "00");
  CHECK_FALSE(sender.end.session.wants_capacity());
}

TEST_CASE("what waits is counted byte for byte, until it has left") {
  Sender sender;
  CHECK(sender.queued() == 0);
  REQUIRE(sender.end.send("1234", Delivery::reliable, 0) == ErrorCode::none);
  CHECK(sender.queued() == 10);  // with kind, length and type
  REQUIRE(sender.end.send(std::string(5000, 'x'), Delivery::reliable, 0) == ErrorCode::none);
  CHECK(sender.queued() == 10 + 5007);
  REQUIRE(sender.end.send("12", Delivery::unreliable, 3) == ErrorCode::none);
  CHECK(sender.queued() == 10 + 5007 + 8);
  static_cast<void>(test::flushed(sender.end));
  CHECK(sender.queued() == 0);
}

TEST_CASE("without credit reliable messages wait, and the others go") {
  Sender sender;
  for (int i = 0; i < 1200; ++i)
    REQUIRE(sender.end.send(std::string(1000, 'x')) == ErrorCode::none);
  REQUIRE(sender.end.send("quick", Delivery::unreliable, 1) == ErrorCode::none);
  const std::string order = sender.channels();
  CHECK(order.back() != '1');
  CHECK(std::count(order.begin(), order.end(), '1') == 1);
  const auto sent = static_cast<std::size_t>(std::count(order.begin(), order.end(), '0'));
  // One MiB of credit at 1,000 bytes of text, 4 of type and 32 of cost each.
  CHECK(sent == (1 << 20) / 1036);
  CHECK_FALSE(sender.end.session.wants_capacity());
  test::inject(sender.end, test::control_packet().record(0x31, ByteKit().u64((1 << 20) + 1036)));
  CHECK(sender.channels().size() == 1);
  // A limit below one that was told changes nothing.
  test::inject(sender.end, test::control_packet().record(0x31, ByteKit().u64(5)));
  CHECK(sender.channels().empty());
  test::inject(sender.end, test::control_packet().record(0x31, ByteKit().u64(1 << 30)));
  CHECK(sender.channels().size() == 1200 - sent - 1);
}

TEST_CASE("a limit below the credit of the greeting takes nothing back") {
  Sender sender;
  test::inject(sender.end, test::control_packet().record(0x31, ByteKit().u64(0)));
  sender.fill(0, 1);
  CHECK(sender.channels() == "0");
}

TEST_CASE("a link that gathers is sent the same bytes, from where the message lies") {
  const auto sent = [](bool gathers, std::vector<const std::byte*>& bodies,
                       const detail::BufferRef& block) {
    SessionEnd end(SessionPair::settings(Direction::dialled), TimePoint(1h));
    end.session.link_up({16 * 1024, 1200, false, gathers});
    static_cast<void>(test::flushed(end));
    test::inject(
        end, test::control_packet().record(0x11, ByteKit().u8(2).u32(1 << 20).u32(1 << 20).u8(8)));
    detail::OutMessage large;
    large.id = 1;
    large.body.payload = {block.bytes(), block.capacity()};
    large.payload_block = block;
    REQUIRE(end.session.send(large, Delivery::reliable, 0, end.now) == ErrorCode::none);
    auto packets = test::flushed(end);
    bodies = end.sink.bodies;
    CHECK(end.session.stats().queued_bytes == 0);
    return packets;
  };
  detail::PoolOwner pool(std::pmr::new_delete_resource());
  const detail::BufferRef block = (*pool).allocate(72 * 1024);
  const std::string text = test::pattern(block.capacity());
  std::copy_n(detail::as_bytes(text).begin(), text.size(), block.bytes());
  std::vector<const std::byte*> none;
  std::vector<const std::byte*> bodies;
  const auto whole = sent(false, none, block);
  const auto apart = sent(true, bodies, block);
  CHECK(none.empty());
  CHECK(bodies.size() == 5);
  for (const std::byte* each : bodies)
    CHECK((each >= block.bytes() && each < block.bytes() + block.capacity()));
  CHECK(whole == apart);
}

TEST_CASE("bundles of the smallest messages cost no more than the least window gives") {
  auto settings = SessionPair::settings(Direction::dialled);
  SessionEnd end(settings, TimePoint(1h));
  end.session.link_up({16 * 1024, 1200, false});
  static_cast<void>(test::flushed(end));
  test::inject(
      end, test::control_packet().record(0x11, ByteKit().u8(2).u32(128 * 1024).u32(1000).u8(8)));
  detail::OutMessage nothing;
  for (MessageId id = 1; id <= 10'000; ++id) {
    nothing.id = id;
    REQUIRE(end.session.send(nothing, Delivery::reliable, 0, end.now) == ErrorCode::none);
  }
  std::size_t messages = 0;
  for (const Bytes& packet : test::flushed(end)) {
    if (packet.at(0) != std::byte{1}) continue;
    CHECK((packet.size() - 4) / 2 * 32 <= 96 * 1024);
    messages += (packet.size() - 4) / 2;
  }
  CHECK(messages * 32 <= 128 * 1024);
  CHECK(messages * 32 >= 64 * 1024);
}

TEST_CASE("receipts follow the acknowledgements of their channel, in order") {
  Sender sender;
  for (int i = 0; i < 5; ++i)
    REQUIRE(sender.end.send("x", Delivery::reliable, static_cast<std::uint8_t>(i % 2)) ==
            ErrorCode::none);
  static_cast<void>(test::flushed(sender.end));
  const auto told = [&] {
    sender.end.take_events();
    std::vector<MessageId> ids;
    for (const test::SeenEvent& event : sender.end.events)
      ids.push_back(event.id);
    return ids;
  };
  sender.acknowledge(1, 1);
  CHECK(told() == std::vector<MessageId>{2});
  sender.acknowledge(0, 2);
  sender.acknowledge(0, 1);  // an older packet that came late
  CHECK(told() == std::vector<MessageId>{2, 1, 3});
  sender.acknowledge(0, 3);
  sender.acknowledge(1, 2);
  CHECK(told() == std::vector<MessageId>{2, 1, 3, 5, 4});
}

TEST_CASE("among lossy messages that wait the oldest of all channels gives way first") {
  auto settings = SessionPair::settings(Direction::dialled);
  settings.limits.max_unreliable_queue.bytes = 4400;
  Sender sender(settings);
  sender.end.sink.capacity = 0;
  const auto say = [&](std::uint8_t channel) {
    sender.end.now += 1ms;
    CHECK(sender.end.send(std::string(1000, 'x'), Delivery::sequenced, channel) == ErrorCode::none);
  };
  for (const int channel : {5, 2, 7, 1, 2, 6})
    say(static_cast<std::uint8_t>(channel));
  CHECK(sender.queued() <= 4400);
  CHECK(sender.end.session.stats().drops.unreliable_queue_full == 2);
  sender.end.take_events();
  REQUIRE(sender.end.events.size() == 2);
  CHECK(sender.end.events[0].channel == 5);
  CHECK(sender.end.events[1].channel == 2);
  sender.end.sink.capacity = 1 << 20;
  CHECK(sender.channels() == "1267");
}

TEST_CASE("ids of messages that are never acknowledged are bounded, too") {
  auto settings = SessionPair::settings(Direction::dialled);
  settings.limits.max_message_bytes = 1000;
  settings.limits.max_send_queue_bytes = 64 * 1024;
  Sender sender(std::move(settings));
  test::inject(sender.end, test::control_packet().record(0x31, ByteKit().u64(~std::uint64_t{0})));
  std::uint32_t sent = 0;
  while (sent < 10'000 && sender.end.send("x") == ErrorCode::none) {
    ++sent;
    ++sender.end.last_id;  // another connection's
    static_cast<void>(test::flushed(sender.end));
  }
  CHECK(sender.queued() == 0);
  CHECK(sent == 64 * 1024 / 16 + 1);
  sender.acknowledge(0, sent);
  CHECK(sender.end.send("x") == ErrorCode::none);
}
