// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/bytes.hpp"
#include "lib/session/raw_session.hpp"
#include "test/support/counting_resource.hpp"
#include "test/support/host_pair.hpp"
#include "test/support/session_pair.hpp"

/// The session of a plain byte stream, with a test for its socket.
using namespace tickwire;
using namespace std::chrono_literals;
using detail::OutMessage;
using detail::SessionState;

namespace {

struct RawEnd {
  explicit RawEnd(Direction direction = Direction::dialled, const Limits& limits = {},
                  EventMask events = EventMask::all())
      : session(settings(limits, events), {.direction = direction, .connect_timeout = 5s}, *pool,
                now) {}

  [[nodiscard]] static std::shared_ptr<const detail::SessionSettings> settings(const Limits& limits,
                                                                               EventMask events) {
    detail::SessionSettings settings;
    settings.channels.resize(8);
    settings.limits = limits;
    settings.events = events;
    return std::make_shared<const detail::SessionSettings>(std::move(settings));
  }

  void come_up() {
    session.link_up({.max_packet_bytes = 64 * 1024, .max_datagram_bytes = 1280});
    REQUIRE(take() == EventType::connected);
  }
  void receive(std::string_view text) {
    detail::Packet packet(*pool, text.size());
    packet.append(detail::as_bytes(text));
    session.receive(std::move(packet), now);
  }
  ErrorCode send(std::string_view text) {
    OutMessage message;
    message.body.payload = detail::as_bytes(text);
    return send(message);
  }
  ErrorCode send(OutMessage message) {
    message.id = last_id + 1;
    const ErrorCode code = session.send(message, {}, 0, now);
    if (code == ErrorCode::none) ++last_id;
    return code;
  }
  /// Lets everything leave that has room, and returns it.
  std::string flush() {
    session.flush(sink, now);
    std::string sent;
    while (!sink.packets.empty())
      sent += detail::as_text(sink.packets.take_front().packet.bytes());
    return sent;
  }
  /// The next event as `last`; the program takes it at once.
  EventType take() {
    REQUIRE(session.has_event());
    last = Event();
    detail::Held held;
    REQUIRE(session.take_event(last, held));
    session.release(held);
    return last.type;
  }
  [[nodiscard]] std::string_view text() const { return detail::as_text(last.bytes()); }

  TimePoint now{1h};
  test::CountingResource memory;
  detail::PoolOwner pool{&memory};
  test::CapturingSink sink;
  MessageId last_id = 0;
  Event last;
  detail::RawSession session;
};

Limits small_limits() {
  Limits limits;
  limits.max_message_bytes = 100'000;
  limits.max_send_queue_bytes = 150'000;
  limits.receive_window_bytes = 128 * 1024;
  return limits;
}

}  // namespace

TEST_CASE("a raw session is up with its link, hands bytes out as they come, and ends once") {
  RawEnd end;
  CHECK(end.session.state() == SessionState::waiting_for_link);
  CHECK_FALSE(end.session.has_event());
  CHECK(end.send("early") == ErrorCode::not_connected);
  end.session.link_up({.max_packet_bytes = 64 * 1024, .max_datagram_bytes = 1280});
  CHECK(end.session.is_open());
  end.receive("one");
  end.receive("two");
  end.session.link_down({ErrorCode::connection_reset, 104, "Cut."}, end.now);
  CHECK(end.take() == EventType::connected);
  CHECK(end.take() == EventType::data_received);
  CHECK(end.text() == "one");
  CHECK(end.take() == EventType::data_received);
  CHECK(end.text() == "two");
  CHECK(end.take() == EventType::disconnected);
  CHECK(end.last.error.code == ErrorCode::connection_reset);
  CHECK(end.last.error.system_code == 104);
  CHECK_FALSE(end.session.has_event());
  end.session.link_down({ErrorCode::connection_lost, 0, {}}, end.now);
  end.session.fail({ErrorCode::out_of_resources, 0, {}});
  end.receive("late");
  CHECK_FALSE(end.session.has_event());
}

TEST_CASE("a raw session that nobody answers ends in one error, at its time") {
  RawEnd end;
  CHECK(end.session.next_deadline() == end.now + 5s);
  end.session.advance(end.now + 5s - 1ns);
  CHECK_FALSE(end.session.has_event());
  end.session.advance(end.now + 5s);
  CHECK(end.take() == EventType::error);
  CHECK(end.last.error.code == ErrorCode::connect_timed_out);
  CHECK_FALSE(end.session.has_event());
  CHECK(end.session.wants_link_closed());
}

TEST_CASE("a raw session that was dialled in vain, or given up, says so with an error") {
  RawEnd refused;
  refused.session.link_down({ErrorCode::connection_refused, 111, {}}, refused.now);
  CHECK(refused.take() == EventType::error);
  CHECK(refused.last.error.code == ErrorCode::connection_refused);
  RawEnd given_up;
  given_up.session.close({7, "changed my mind"}, given_up.now);
  CHECK(given_up.take() == EventType::error);
  CHECK(given_up.last.error.code == ErrorCode::closed_locally);
  CHECK_FALSE(given_up.session.has_event());
}

TEST_CASE("a caller whom a raw session turns away makes no event") {
  RawEnd end(Direction::accepted);
  end.session.link_up({.max_packet_bytes = 64 * 1024, .max_datagram_bytes = 1280});
  end.session.refuse(ErrorCode::server_full);
  CHECK_FALSE(end.session.has_event());
  CHECK(end.session.was_refused());
  CHECK_FALSE(end.session.was_open());
  CHECK(end.session.wants_link_closed());
  CHECK(end.flush().empty());
}

TEST_CASE("small raw sends leave together, and none of their bytes is lost or out of place") {
  RawEnd end;
  end.come_up();
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    REQUIRE(end.send(std::to_string(i)) == ErrorCode::none);
    expected += std::to_string(i);
  }
  end.session.flush(end.sink, end.now);
  CHECK(end.sink.packets.size() == 1);
  std::string sent;
  while (!end.sink.packets.empty())
    sent += detail::as_text(end.sink.packets.take_front().packet.bytes());
  CHECK(sent == expected);
  for (MessageId id = 1; id <= 1000; ++id) {
    REQUIRE(end.take() == EventType::data_sent);
    REQUIRE(end.last.message_id == id);
    REQUIRE(end.last.receipt == Receipt::handed_over);
  }
  CHECK_FALSE(end.session.has_event());
}

TEST_CASE("a large raw send leaves in what the transport takes at a time") {
  RawEnd end;
  end.come_up();
  const std::string large = test::pattern(1'000'000);
  REQUIRE(end.send("head ") == ErrorCode::none);
  REQUIRE(end.send(large) == ErrorCode::none);
  REQUIRE(end.send(" tail") == ErrorCode::none);
  CHECK(end.session.stats().queued_bytes == large.size() + 10);
  end.sink.capacity = 1;
  end.session.flush(end.sink, end.now);
  while (!end.sink.packets.empty()) {
    const std::size_t bytes = end.sink.packets.take_front().packet.size();
    CHECK(bytes <= 64 * 1024);
  }
}

TEST_CASE("a raw send that is counted already is shared and not copied") {
  RawEnd end;
  end.come_up();
  const std::string large = test::pattern(200'000);
  detail::BufferRef block = (*end.pool).allocate(large.size());
  std::copy_n(detail::as_bytes(large).begin(), large.size(), block.bytes());
  OutMessage message;
  message.body.payload = {block.bytes(), large.size()};
  message.payload_block = block;
  const std::size_t before = end.memory.bytes_out();
  REQUIRE(end.send(message) == ErrorCode::none);
  REQUIRE(end.send("tail") == ErrorCode::none);
  CHECK(end.memory.bytes_out() < before + 40'000);
  CHECK(end.flush() == large + "tail");
  CHECK(detail::as_text({block.bytes(), large.size()}) == large);
}

TEST_CASE("a raw session gives the transport no more than it has room for") {
  RawEnd end;
  end.come_up();
  end.sink.capacity = 0;
  REQUIRE(end.send("waits") == ErrorCode::none);
  CHECK(end.flush().empty());
  CHECK(end.session.wants_capacity());
  CHECK_FALSE(end.session.has_event());
  CHECK(end.session.stats().queued_bytes == 5);
  end.sink.capacity = 1;
  CHECK(end.flush() == "waits");
  CHECK_FALSE(end.session.wants_capacity());
  CHECK(end.session.stats().queued_bytes == 0);
  CHECK(end.take() == EventType::data_sent);
}

TEST_CASE("a raw session refuses what a plain stream cannot carry, and nothing changes") {
  RawEnd end;
  end.come_up();
  OutMessage message;
  message.body.payload = detail::as_bytes("text");
  const auto refuses = [&](const OutMessage& what, std::optional<Delivery> delivery = {},
                           std::uint8_t channel = 0) {
    return end.session.send(what, delivery, channel, end.now);
  };
  OutMessage object = message;
  object.body.is_object = true;
  CHECK(refuses(object) == ErrorCode::not_supported);
  OutMessage labelled = message;
  labelled.body.metadata = detail::as_bytes("label");
  CHECK(refuses(labelled) == ErrorCode::not_supported);
  OutMessage keyed = message;
  keyed.replace_key = 1;
  CHECK(refuses(keyed) == ErrorCode::invalid_argument);
  CHECK(refuses(message, Delivery::unreliable) == ErrorCode::not_supported);
  CHECK(refuses(message, Delivery::sequenced) == ErrorCode::not_supported);
  CHECK(refuses(message, Delivery::reliable, 1) == ErrorCode::no_such_channel);
  CHECK(end.flush().empty());
  CHECK(end.session.stats().messages_sent == 0);
  CHECK(refuses(message, Delivery::reliable) == ErrorCode::none);
  CHECK(end.flush() == "text");
}

TEST_CASE("a raw session's queue has a limit, and what is refused is counted") {
  RawEnd end(Direction::dialled, small_limits());
  end.come_up();
  end.sink.capacity = 0;
  const std::string most(100'000, 'm');
  CHECK(end.send(most + "x") == ErrorCode::message_too_large);
  CHECK(end.send(most) == ErrorCode::none);
  CHECK(end.send(most) == ErrorCode::send_queue_full);
  CHECK(end.send(std::string(50'000, 's')) == ErrorCode::none);
  CHECK(end.send("x") == ErrorCode::send_queue_full);
  CHECK(end.session.stats().queued_bytes == 150'000);
  CHECK(end.session.stats().drops.refused_too_large == 1);
  CHECK(end.session.stats().drops.refused_queue_full == 2);
  end.sink.capacity = 1 << 20;
  CHECK(end.flush().size() == 150'000);
  CHECK(end.send("x") == ErrorCode::none);
}

TEST_CASE("an empty raw send is a message without bytes, and has its receipt") {
  RawEnd end;
  end.come_up();
  REQUIRE(end.send("") == ErrorCode::none);
  REQUIRE(end.send("") == ErrorCode::none);
  // No transport is given an empty packet.
  end.session.flush(end.sink, end.now);
  CHECK(end.sink.packets.empty());
  CHECK(end.session.stats().packets_sent == 0);
  CHECK(end.take() == EventType::data_sent);
  CHECK(end.last.message_id == 1);
  CHECK(end.take() == EventType::data_sent);
  CHECK(end.last.message_id == 2);
  REQUIRE(end.send("") == ErrorCode::none);
  REQUIRE(end.send("text") == ErrorCode::none);
  REQUIRE(end.send("") == ErrorCode::none);
  CHECK(end.flush() == "text");
  for (MessageId id = 3; id <= 5; ++id) {
    CHECK(end.take() == EventType::data_sent);
    CHECK(end.last.message_id == id);
  }
  CHECK_FALSE(end.session.has_event());
}

TEST_CASE("a raw send that finds no memory for all of it leaves no part of it behind") {
  RawEnd end;
  end.come_up();
  REQUIRE(end.send("head ") == ErrorCode::none);
  const std::string large = test::pattern(200'000);
  end.memory.leave(100'000);  // a packet, and not a second one
  CHECK_THROWS_AS(static_cast<void>(end.send(large)), std::bad_alloc);
  CHECK(end.session.stats().queued_bytes == 5);
  CHECK(end.session.stats().messages_sent == 1);
  CHECK(end.flush() == "head ");
  CHECK(end.session.stats().queued_bytes == 0);
  CHECK_THROWS_AS(static_cast<void>(end.send(large)), std::bad_alloc);
  CHECK(end.flush().empty());
  end.memory.lift_limit();
  REQUIRE(end.send(large) == ErrorCode::none);
  CHECK(end.flush() == large);
  CHECK(end.session.stats().queued_bytes == 0);
  CHECK(end.take() == EventType::data_sent);
  CHECK(end.take() == EventType::data_sent);
  CHECK(end.last.message_id == 2);
  CHECK_FALSE(end.session.has_event());
}

TEST_CASE("a raw session stops reading when its window is full, and goes on when it is taken") {
  RawEnd end(Direction::accepted, small_limits());
  end.come_up();
  const std::string piece(64 * 1024, 'p');
  end.receive(piece);
  CHECK(end.session.wants_input());
  end.receive(piece);
  CHECK_FALSE(end.session.wants_input());
  end.take();
  CHECK(end.session.wants_input());
  end.receive(piece);
  CHECK_FALSE(end.session.wants_input());
}

TEST_CASE("many small reads that nobody takes hold little more than their bytes") {
  RawEnd end(Direction::accepted, small_limits());
  end.come_up();
  std::size_t events = 0;
  for (; end.session.wants_input(); ++events)
    end.receive("x");
  // Whatever holds one byte costs more than that byte: the window counts it.
  CHECK(events < 10'000);
}

TEST_CASE("after its last bytes are taken, a half-closed stream can be answered, then it ends") {
  RawEnd end(Direction::accepted);
  end.come_up();
  end.receive("question");
  end.session.end_of_stream(end.now);
  CHECK(end.flush().empty());
  CHECK(end.session.is_open());
  CHECK(end.take() == EventType::data_received);
  end.sink.capacity = 0;
  REQUIRE(end.send("answer") == ErrorCode::none);
  CHECK(end.flush().empty());
  CHECK(end.session.is_open());
  end.sink.capacity = 100;
  CHECK(end.flush() == "answer");
  CHECK(end.take() == EventType::data_sent);
  CHECK(end.take() == EventType::disconnected);
  CHECK(end.last.error.code == ErrorCode::closed_by_peer);
  CHECK(end.send("more") == ErrorCode::not_connected);
}

TEST_CASE("a raw close lets what is queued leave first") {
  RawEnd end;
  end.come_up();
  end.sink.capacity = 0;
  REQUIRE(end.send("goodbye") == ErrorCode::none);
  end.session.close({9, "done"}, end.now);
  end.session.close({10, "again"}, end.now);
  CHECK(end.send("more") == ErrorCode::not_connected);
  CHECK(end.flush().empty());
  CHECK_FALSE(end.session.wants_link_closed());
  end.receive("still coming in");
  end.sink.capacity = 100;
  CHECK(end.flush() == "goodbye");
  CHECK(end.session.wants_link_closed());
  CHECK(end.take() == EventType::data_received);
  CHECK(end.take() == EventType::data_sent);
  CHECK(end.last.receipt == Receipt::handed_over);
  CHECK(end.take() == EventType::disconnected);
  CHECK(end.last.error.code == ErrorCode::closed_locally);
  CHECK(end.last.error.system_code == 9);
}

TEST_CASE("a raw close waits no longer than it may linger, and says what was dropped") {
  RawEnd end;
  end.come_up();
  end.sink.capacity = 1;
  const std::string piece(60'000, 'p');
  REQUIRE(end.send(piece) == ErrorCode::none);
  end.session.flush(end.sink, end.now);
  end.sink.capacity = 0;
  for (int i = 0; i < 3; ++i)
    REQUIRE(end.send(piece) == ErrorCode::none);
  end.session.close({}, end.now);
  CHECK(end.session.next_deadline() == end.now + 2s);
  end.session.advance(end.now + 2s - 1ns);
  CHECK_FALSE(end.session.gives_up_link());
  end.session.advance(end.now + 2s);
  // Closed, it would look as if there had been no more.
  CHECK_FALSE(end.session.wants_link_closed());
  CHECK(end.session.gives_up_link());
  CHECK(end.session.next_deadline() == TimePoint::max());
  for (const Receipt expected :
       {Receipt::handed_over, Receipt::dropped, Receipt::dropped, Receipt::dropped}) {
    CHECK(end.take() == EventType::data_sent);
    CHECK(end.last.receipt == expected);
  }
  CHECK(end.take() == EventType::disconnected);
  CHECK(end.session.stats().drops.unsent_at_close == 3);
  CHECK(end.session.stats().queued_bytes == 0);
}

TEST_CASE("bytes that come in and receipts take turns, so that neither waits for all the other") {
  RawEnd end;
  end.come_up();
  for (int i = 0; i < 3; ++i) {
    REQUIRE(end.send("out") == ErrorCode::none);
    end.receive("in");
  }
  end.flush();
  std::vector<EventType> order;
  while (end.session.has_event())
    order.push_back(end.take());
  const auto in = EventType::data_received;
  const auto out = EventType::data_sent;
  CHECK(order == std::vector{in, out, in, out, in, out});
}

TEST_CASE("a raw session keeps no receipts for a program that does not want them") {
  RawEnd end(Direction::dialled, {}, EventMask::all().without(EventType::data_sent));
  end.come_up();
  REQUIRE(end.send("quiet") == ErrorCode::none);
  CHECK(end.flush() == "quiet");
  CHECK_FALSE(end.session.has_event());
}

TEST_CASE("small reads of a raw stream that wait do not keep the large blocks that they came in") {
  RawEnd end;
  end.come_up();
  const std::size_t before = end.memory.bytes_out();
  std::string sent;
  for (int i = 0; i < 1000; ++i) {
    const std::string text = std::to_string(i);
    sent += text;
    detail::Packet packet(*end.pool, std::size_t{70} * 1024);
    packet.append(detail::as_bytes(text));
    end.session.receive(std::move(packet), end.now);
  }
  CHECK(end.memory.bytes_out() - before < 400'000);
  std::string received;
  while (end.session.has_event()) {
    end.take();
    received += end.text();
  }
  CHECK(received == sent);
  CHECK(end.session.wants_input());
}
