// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "test/support/session_pair.hpp"

using namespace tickwire;
using namespace std::chrono_literals;
using test::SessionPair;

TEST_CASE("two sessions come up and each says so once") {
  SessionPair pair;
  pair.connect();
  CHECK(pair.dialler.session.is_open());
  CHECK(pair.acceptor.session.is_open());
  CHECK(pair.dialler.count(EventType::connected) == 1);
  CHECK(pair.acceptor.count(EventType::connected) == 1);
}

TEST_CASE("messages of every delivery arrive, in order within their channel") {
  SessionPair pair;
  pair.connect();
  for (const Delivery delivery : {Delivery::reliable, Delivery::sequenced, Delivery::unreliable}) {
    CAPTURE(static_cast<int>(delivery));
    pair.acceptor.events.clear();
    for (const char* text : {"one", "two", "three"}) {
      CHECK(pair.dialler.send(text, delivery, 2) == ErrorCode::none);
    }
    pair.pump();
    CHECK(pair.acceptor.texts() == std::vector<std::string>{"one", "two", "three"});
    CHECK(pair.acceptor.events.front().type_id == 77);
    CHECK(pair.acceptor.events.front().channel == 2);
  }
}

TEST_CASE("what is sent between two flushes shares a packet") {
  SessionPair pair;
  pair.connect();
  pair.advance(20ms);
  const auto packets = pair.dialler.session.stats().packets_sent;
  for (int i = 0; i < 100; ++i)
    CHECK(pair.dialler.send("12345") == ErrorCode::none);
  pair.pump();
  CHECK(pair.dialler.session.stats().packets_sent == packets + 1);
  CHECK(pair.acceptor.texts().size() == 100);
}

TEST_CASE("a small object costs at most 8 bytes, and a packet at most 8 more") {
  SessionPair pair;
  pair.connect();
  pair.advance(20ms);
  for (const std::size_t size : {0u, 1u, 80u, 123u, 200u, 1000u}) {
    CAPTURE(size);
    const auto before = pair.dialler.sink.bytes_sent;
    CHECK(pair.dialler.send(std::string(size, 'x')) == ErrorCode::none);
    pair.dialler.session.flush(pair.dialler.sink, pair.now);
    CHECK(pair.dialler.sink.bytes_sent - before <= size + 8 + 8);
    pair.pump();
  }
}

TEST_CASE(
    "a message of 16 MiB arrives unharmed, in slices, with small ones on other channels in "
    "between") {
  SessionPair pair;
  pair.connect();
  std::string large(16 * 1024 * 1024, '\0');
  for (std::size_t i = 0; i < large.size(); ++i)
    large[i] = static_cast<char>(i * 2654435761u >> 13);
  CHECK(pair.dialler.send(large, Delivery::reliable, 1) == ErrorCode::none);
  CHECK(pair.dialler.send("small", Delivery::reliable, 0) == ErrorCode::none);
  pair.pump();
  CHECK(pair.acceptor.texts() == std::vector<std::string>{"small"});
  pair.advance(200ms);
  REQUIRE(pair.acceptor.texts().size() == 2);
  CHECK(pair.acceptor.texts()[1] == large);
}

TEST_CASE("a message above the limit is refused and changes nothing") {
  SessionPair pair;
  pair.connect();
  CHECK(pair.dialler.send(std::string(16 * 1024 * 1024 + 1, 'x')) == ErrorCode::message_too_large);
  CHECK(pair.dialler.send(std::string(1101, 'x'), Delivery::sequenced) ==
        ErrorCode::message_too_large);
  CHECK(pair.dialler.send(std::string(1100, 'x'), Delivery::unreliable) == ErrorCode::none);
  CHECK(pair.dialler.session.stats().drops.refused_too_large == 2);
  CHECK(pair.dialler.send("x", Delivery::reliable, 8) == ErrorCode::no_such_channel);
}

TEST_CASE("a receipt names the message and says what became of it") {
  SessionPair pair;
  pair.connect();
  CHECK(pair.dialler.send("kept") == ErrorCode::none);
  CHECK(pair.dialler.send("thrown", Delivery::sequenced) == ErrorCode::none);
  pair.advance(30ms);
  REQUIRE(pair.dialler.count(EventType::data_sent) == 2);
  for (const auto& event : pair.dialler.events) {
    if (event.type != EventType::data_sent) continue;
    CHECK(event.receipt == (event.id == 1 ? Receipt::acknowledged : Receipt::handed_over));
  }
}

TEST_CASE("an acknowledgement travels with an answer") {
  SessionPair pair;
  pair.connect();
  pair.advance(20ms);
  CHECK(pair.dialler.send("question") == ErrorCode::none);
  pair.pump();
  const auto packets = pair.acceptor.session.stats().packets_sent;
  CHECK(pair.acceptor.send("answer") == ErrorCode::none);
  pair.pump();
  CHECK(pair.dialler.count(EventType::data_sent) == 1);
  CHECK(pair.acceptor.session.stats().packets_sent == packets + 1);
}

TEST_CASE("what has been acknowledged is not acknowledged again") {
  SessionPair pair;
  pair.connect();
  for (int i = 0; i < 5000; ++i) {
    REQUIRE(pair.dialler.send("x") == ErrorCode::none);
    if (i % 50 == 0) pair.pump();
  }
  pair.advance(100ms);
  REQUIRE(pair.dialler.count(EventType::data_sent) == 5000);
  const auto packets = pair.acceptor.session.stats().packets_sent;
  pair.advance(100ms);
  CHECK(pair.acceptor.session.stats().packets_sent - packets <= 2);
}

TEST_CASE("the credit bounds what a receiver that takes nothing can be made to hold") {
  SessionPair pair;
  pair.connect();
  const std::string text(1000, 'x');
  for (int i = 0; i < 4000; ++i)
    CHECK(pair.dialler.send(text) == ErrorCode::none);
  for (int i = 0; i < 50; ++i) {
    pair.dialler.session.flush(pair.dialler.sink, pair.now);
    pair.deliver(pair.dialler, pair.acceptor);
  }
  const auto window = SessionPair::settings(Direction::dialled).limits.receive_window_bytes;
  CHECK(pair.acceptor.session.stats().bytes_received < window + 4096);
  CHECK(pair.dialler.session.stats().queued_bytes > 2'000'000);
  pair.advance(100ms);
  CHECK(pair.acceptor.texts().size() == 4000);
}

TEST_CASE("a full send queue refuses, and what was queued still arrives") {
  auto dialled = SessionPair::settings(Direction::dialled);
  dialled.limits.max_message_bytes = 10'000;
  dialled.limits.max_send_queue_bytes = 20'000;
  SessionPair pair(dialled, SessionPair::settings(Direction::accepted));
  pair.connect();
  std::size_t taken = 0;
  while (pair.dialler.send(std::string(1000, 'x')) == ErrorCode::none)
    ++taken;
  CHECK(taken == 19);
  CHECK(pair.dialler.session.stats().drops.refused_queue_full == 1);
  pair.pump();
  CHECK(pair.acceptor.texts().size() == taken);
}

TEST_CASE("a close lets what is queued go out, and both ends say who closed") {
  SessionPair pair;
  pair.connect();
  for (int i = 0; i < 3000; ++i)
    CHECK(pair.dialler.send(std::string(1000, 'x')) == ErrorCode::none);
  pair.dialler.session.close({4242, "enough"}, pair.now);
  CHECK(pair.dialler.send("late") == ErrorCode::not_connected);
  pair.advance(200ms);
  CHECK(pair.acceptor.texts().size() == 3000);
  REQUIRE(pair.acceptor.count(EventType::disconnected) == 1);
  CHECK(pair.acceptor.events.back().error.code == ErrorCode::closed_by_peer);
  CHECK(pair.acceptor.events.back().error.system_code == 4242);
  CHECK(pair.acceptor.events.back().error.message() == "enough");
  REQUIRE(pair.dialler.count(EventType::disconnected) == 1);
  CHECK(pair.dialler.events.back().error.code == ErrorCode::closed_locally);
  CHECK(pair.dialler.count(EventType::data_sent) == 3000);
  CHECK(pair.dialler.session.wants_link_closed());
  CHECK(pair.acceptor.session.wants_link_closed());
}

TEST_CASE("all that can be owed at once fits the packet of a goodbye") {
  const auto with_all_channels = [](Direction direction) {
    test::SessionPlan plan = SessionPair::settings(direction);
    plan.channels.resize(detail::kMaxChannels);
    plan.self.channels = detail::kMaxChannels;
    return plan;
  };
  SessionPair pair(with_all_channels(Direction::dialled), with_all_channels(Direction::accepted));
  pair.connect();
  const std::string text(2000, 'x');
  for (std::uint8_t channel = 0; channel < detail::kMaxChannels; ++channel) {
    CHECK(pair.dialler.send(text, Delivery::reliable, channel) == ErrorCode::none);
    CHECK(pair.acceptor.send(text, Delivery::reliable, channel) == ErrorCode::none);
  }
  pair.acceptor.session.flush(pair.acceptor.sink, pair.now);
  pair.dialler.session.flush(pair.dialler.sink, pair.now);
  pair.deliver(pair.dialler, pair.acceptor);
  pair.acceptor.take_events();
  CHECK(pair.acceptor.texts().size() == detail::kMaxChannels);
  pair.acceptor.session.close({4242, std::string(300, 'y')}, pair.now);
  const std::size_t before = pair.acceptor.sink.packets.size();
  pair.acceptor.session.flush(pair.acceptor.sink, pair.now);
  REQUIRE(pair.acceptor.sink.packets.size() > before);
  pair.advance(100ms);
  CHECK(pair.dialler.texts().size() == detail::kMaxChannels);
  REQUIRE(pair.dialler.count(EventType::disconnected) == 1);
  CHECK(pair.dialler.events.back().error.message() == std::string(200, 'y'));
  CHECK(pair.dialler.count(EventType::data_sent) == detail::kMaxChannels);
}

TEST_CASE("a goodbye that overtakes data waits for it") {
  SessionPair pair;
  pair.connect();
  CHECK(pair.dialler.send("last words", Delivery::reliable, 3) == ErrorCode::none);
  pair.dialler.session.close({}, pair.now);
  pair.dialler.session.flush(pair.dialler.sink, pair.now);
  // Data, the goodbye, and an echo.
  REQUIRE(pair.dialler.sink.packets.size() == 3);
  REQUIRE(pair.dialler.sink.packets.front().lane == detail::Lane::reliable);
  auto data = pair.dialler.sink.packets.take_front();
  pair.pump();
  CHECK(pair.acceptor.count(EventType::disconnected) == 0);
  pair.acceptor.session.receive(std::move(data.packet), pair.now);
  pair.pump();
  CHECK(pair.acceptor.texts() == std::vector<std::string>{"last words"});
  CHECK(pair.acceptor.count(EventType::disconnected) == 1);
  CHECK(pair.dialler.count(EventType::disconnected) == 1);
}

TEST_CASE("a goodbye whose totals never come true holds a connection for the idle time only") {
  SessionPair pair;
  pair.connect();
  detail::Packet packet(*pair.dialler.pool, 64);
  std::byte* at = detail::wire::append_record(packet, detail::wire::Kind::close, 8);
  detail::store<std::uint16_t>(at, 0);
  at[2] = std::byte{0};
  at[3] = std::byte{0};
  detail::store<std::uint32_t>(at + 4, 1'000'000);
  detail::wire::prepend_header(packet, {});
  pair.acceptor.session.receive(std::move(packet), pair.now);
  pair.advance(9s, 100ms);
  CHECK(pair.acceptor.session.state() == detail::SessionState::draining);
  pair.advance(1100ms, 100ms);
  REQUIRE(pair.acceptor.count(EventType::disconnected) == 1);
  CHECK(pair.acceptor.events.back().error.code == ErrorCode::closed_by_peer);
}

TEST_CASE("both ends may close at once") {
  SessionPair pair;
  pair.connect();
  pair.dialler.session.close({}, pair.now);
  pair.acceptor.session.close({}, pair.now);
  pair.advance(50ms);
  CHECK(pair.dialler.count(EventType::disconnected) == 1);
  CHECK(pair.acceptor.count(EventType::disconnected) == 1);
  CHECK(pair.dialler.session.wants_link_closed());
}

TEST_CASE("a close that nobody confirms ends after the linger time") {
  SessionPair pair;
  pair.connect();
  pair.passes = [](const auto&) { return false; };
  CHECK(pair.dialler.send("into the void") == ErrorCode::none);
  pair.dialler.session.close({}, pair.now);
  pair.advance(1900ms, 100ms);
  CHECK(pair.dialler.count(EventType::disconnected) == 0);
  pair.advance(200ms, 100ms);
  REQUIRE(pair.dialler.count(EventType::disconnected) == 1);
  CHECK(pair.dialler.events.back().error.code == ErrorCode::closed_locally);
}

TEST_CASE("a queue that does not leave in the linger time leaves the goodbye as long again") {
  SessionPair pair;
  pair.connect();
  const Duration linger = SessionPair::settings(Direction::dialled).timeouts.linger;
  pair.passes = [](const auto&) { return false; };
  pair.dialler.sink.capacity = 0;
  REQUIRE(pair.dialler.send("stuck") == ErrorCode::none);
  pair.dialler.session.close({7, "bye"}, pair.now);
  pair.advance(linger + 5ms);
  CHECK(pair.dialler.session.state() == detail::SessionState::closing);
  CHECK(pair.dialler.count(EventType::disconnected) == 0);
  pair.advance(linger);
  CHECK(pair.dialler.count(EventType::disconnected) == 1);
}

TEST_CASE("another application or schema is refused, and the dialling end is told both names") {
  auto dialled = SessionPair::settings(Direction::dialled);
  SUBCASE("application") {
    dialled.self.application = "test/2";
    SessionPair pair(dialled, SessionPair::settings(Direction::accepted));
    pair.connect();
    REQUIRE(pair.dialler.events.size() == 1);
    const Error& error = pair.dialler.events.front().error;
    CHECK(pair.dialler.events.front().type == EventType::error);
    CHECK(error.code == ErrorCode::application_mismatch);
    CHECK(error.message() == "The other end runs 'test/1', this program is 'test/2'.");
    CHECK(pair.acceptor.events.empty());
    CHECK(pair.acceptor.session.was_refused());
  }
  SUBCASE("schema") {
    auto accepted = SessionPair::settings(Direction::accepted);
    dialled.self.schema = "a";
    accepted.self.schema = "b";
    SessionPair pair(dialled, accepted);
    pair.connect();
    REQUIRE(pair.dialler.events.size() == 1);
    CHECK(pair.dialler.events.front().error.code == ErrorCode::schema_mismatch);
  }
  SUBCASE("a schema on one end only is no mismatch") {
    dialled.self.schema = "a";
    SessionPair pair(dialled, SessionPair::settings(Direction::accepted));
    pair.connect();
    CHECK(pair.dialler.session.is_open());
  }
}

TEST_CASE("a program may refuse a dialler with its own words") {
  auto accepted = SessionPair::settings(Direction::accepted);
  std::string asked;
  accepted.start.authenticate = [&](const detail::HandshakeSelf& self) -> Result<void> {
    asked = self.name;
    return Error{ErrorCode::refused_by_application, 0, "not today"};
  };
  auto dialled = SessionPair::settings(Direction::dialled);
  dialled.start.name = "ann";
  SessionPair pair(dialled, accepted);
  pair.connect();
  CHECK(asked == "ann");
  REQUIRE(pair.dialler.events.size() == 1);
  CHECK(pair.dialler.events.front().error.code == ErrorCode::refused_by_application);
  CHECK(pair.dialler.events.front().error.message().find("not today") != std::string::npos);
}

TEST_CASE("a dialled session that nobody answers ends in one error") {
  SessionPair pair;
  pair.passes = [](const auto&) { return false; };
  pair.advance(6s, 50ms);
  REQUIRE(pair.dialler.events.size() == 1);
  CHECK(pair.dialler.events.front().type == EventType::error);
  CHECK(pair.dialler.events.front().error.code == ErrorCode::handshake_timed_out);
  CHECK(pair.acceptor.events.empty());
  CHECK(pair.acceptor.session.state() == detail::SessionState::ended);
}

TEST_CASE("a silent peer is dead after the idle time and a quarter, and not before the former") {
  SessionPair pair;
  pair.connect();
  pair.advance(60s, 100ms);
  CHECK(pair.dialler.session.is_open());
  pair.passes = [](const auto&) { return false; };
  pair.advance(10s, 100ms);
  CHECK(pair.dialler.session.is_open());
  pair.advance(2600ms, 100ms);
  REQUIRE(pair.dialler.count(EventType::disconnected) == 1);
  CHECK(pair.dialler.events.back().error.code == ErrorCode::connection_lost);
}

TEST_CASE("who says nothing echoes rarely, and each second again as soon as there is a message") {
  SessionPair pair;
  pair.connect();
  pair.advance(10s, 100ms);
  const auto echoes_in = [&](Duration time) {
    const auto before = pair.dialler.session.stats().packets_sent;
    pair.advance(time, 100ms);
    return pair.dialler.session.stats().packets_sent - before;
  };
  // A ping and the answer to the other end's travel in two packets at most.
  CHECK(echoes_in(60s) <= 2 * 60 * 4 / 10);
  CHECK(pair.dialler.send("well") == ErrorCode::none);
  CHECK(echoes_in(1100ms) >= 2);
}

TEST_CASE("an hour of play at 60 ticks a second passes in no time and loses nothing") {
  SessionPair pair;
  pair.connect();
  std::size_t sent = 0;
  for (int tick = 0; tick < 60 * 60 * 60; ++tick) {
    if (tick % 6 == 0) {
      REQUIRE(pair.dialler.send("state") == ErrorCode::none);
      REQUIRE(pair.acceptor.send("move", Delivery::sequenced) == ErrorCode::none);
      ++sent;
    }
    pair.now += 16'666'667ns;
    pair.pump();
  }
  pair.advance(100ms);
  CHECK(pair.acceptor.count(EventType::object_received) == sent);
  CHECK(pair.dialler.count(EventType::object_received) == sent);
  CHECK(pair.dialler.count(EventType::data_sent) == sent);
}

TEST_CASE("a sequenced packet that is older than the newest seen is dropped and counted") {
  SessionPair pair;
  pair.connect();
  CHECK(pair.dialler.send("old", Delivery::sequenced) == ErrorCode::none);
  pair.dialler.session.flush(pair.dialler.sink, pair.now);
  auto old = pair.dialler.sink.packets.take_front();
  CHECK(pair.dialler.send("new", Delivery::sequenced) == ErrorCode::none);
  pair.pump();
  pair.acceptor.session.receive(std::move(old.packet), pair.now);
  pair.pump();
  CHECK(pair.acceptor.texts() == std::vector<std::string>{"new"});
  CHECK(pair.acceptor.session.stats().drops.stale_sequenced == 1);
}

TEST_CASE("unreliable messages that wait too long, or are too many, give way and are reported") {
  SessionPair pair;
  pair.connect();
  pair.dialler.sink.capacity = 0;
  SUBCASE("too many") {
    for (int i = 0; i < 100; ++i) {
      CHECK(pair.dialler.send(std::string(1000, 'x'), Delivery::unreliable) == ErrorCode::none);
    }
    CHECK(pair.dialler.session.stats().drops.unreliable_queue_full > 30);
    CHECK(pair.dialler.session.stats().queued_bytes <= 64 * 1024);
  }
  SUBCASE("too old") {
    CHECK(pair.dialler.send("x", Delivery::unreliable) == ErrorCode::none);
    pair.advance(300ms);
    CHECK(pair.dialler.session.stats().drops.unreliable_too_old == 1);
    CHECK(pair.dialler.session.stats().queued_bytes == 0);
  }
  pair.pump();
  const auto& events = pair.dialler.events;
  CHECK(std::any_of(events.begin(), events.end(), [](const auto& event) {
    return event.type == EventType::data_sent && event.receipt == Receipt::dropped;
  }));
}

TEST_CASE(
    "under one key only the newest waits, in the place of the first, and they share a packet") {
  SessionPair pair;
  pair.connect();
  pair.advance(20ms);
  const auto send = [&](std::uint64_t key, std::string_view text) {
    detail::OutMessage message;
    message.body.is_object = true;
    message.body.type = 77;
    message.body.payload = detail::as_bytes(text);
    message.id = ++pair.dialler.last_id;
    message.replace_key = key;
    return pair.dialler.session.send(message, Delivery::sequenced, 0, pair.now);
  };
  CHECK(send(1, "a old") == ErrorCode::none);
  CHECK(send(2, "b") == ErrorCode::none);
  CHECK(pair.dialler.send("plain", Delivery::sequenced) == ErrorCode::none);
  CHECK(send(1, "a, which is longer") == ErrorCode::none);
  CHECK(send(3, "c") == ErrorCode::none);
  CHECK(send(1, "a new") == ErrorCode::none);
  pair.pump();
  CHECK(pair.acceptor.texts() == std::vector<std::string>{"a new", "b", "plain", "c"});
  CHECK(pair.dialler.session.stats().drops.unreliable_replaced == 2);
  CHECK(pair.dialler.session.stats().queued_bytes == 0);
  pair.pump();
  std::vector<MessageId> dropped;
  std::vector<MessageId> left;
  for (const auto& event : pair.dialler.events) {
    if (event.type != EventType::data_sent) continue;
    (event.receipt == Receipt::dropped ? dropped : left).push_back(event.id);
  }
  CHECK(dropped == std::vector<MessageId>{1, 4});
  CHECK(left == std::vector<MessageId>{6, 2, 3, 5});

  detail::OutMessage reliable;
  reliable.replace_key = 1;
  CHECK(pair.dialler.session.send(reliable, Delivery::reliable, 0, pair.now) ==
        ErrorCode::invalid_argument);
}

TEST_CASE("a channel of higher priority leaves first, however much waits on another") {
  auto dialled = SessionPair::settings(Direction::dialled);
  dialled.channels[5].priority = 9;
  SessionPair pair(dialled, SessionPair::settings(Direction::accepted));
  pair.connect();
  CHECK(pair.dialler.send(std::string(100'000, 'x'), Delivery::reliable, 0) == ErrorCode::none);
  CHECK(pair.dialler.send("first", Delivery::reliable, 5) == ErrorCode::none);
  pair.dialler.session.flush(pair.dialler.sink, pair.now);
  CHECK(pair.dialler.sink.packets.front().channel == 5);
}

TEST_CASE("the round-trip time is measured without what the other end held") {
  SessionPair pair;
  pair.connect();
  // The wire itself takes no time here; the passes do, one way.
  pair.advance(5s, 10ms);
  CHECK(pair.dialler.session.stats().rtt <= 20ms);
  CHECK(pair.dialler.session.stats().rtt > 0ms);
}

TEST_CASE("the loss that is reported is the loss that was") {
  SessionPair pair;
  pair.connect();
  int count = 0;
  pair.passes = [&](const test::InFlight& packet) {
    return packet.lane != detail::Lane::datagram || ++count % 10 != 0;
  };
  for (int i = 0; i < 3000; ++i) {
    CHECK(pair.dialler.send("x", Delivery::unreliable) == ErrorCode::none);
    pair.now += 10ms;
    pair.pump();
  }
  REQUIRE(pair.dialler.session.stats().packet_loss_ratio);
  CHECK(*pair.dialler.session.stats().packet_loss_ratio == doctest::Approx(0.1).epsilon(0.15));
}

TEST_CASE("a link that is cut ends the connection once, with the receipts that are still open") {
  SessionPair pair;
  pair.connect();
  pair.passes = [](const auto&) { return false; };
  CHECK(pair.dialler.send("sent") == ErrorCode::none);
  pair.pump();
  CHECK(pair.dialler.send("never sent") == ErrorCode::none);
  pair.dialler.session.link_down({ErrorCode::connection_reset, 0, "cut"}, pair.now);
  pair.dialler.take_events();
  REQUIRE(pair.dialler.count(EventType::data_sent) == 2);
  CHECK(pair.dialler.events[1].receipt == Receipt::handed_over);
  CHECK(pair.dialler.events[2].receipt == Receipt::dropped);
  CHECK(pair.dialler.events.back().type == EventType::disconnected);
  CHECK(pair.dialler.events.back().error.code == ErrorCode::connection_reset);
  pair.pump();
  CHECK(pair.dialler.count(EventType::disconnected) == 1);
}
