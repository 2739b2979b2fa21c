// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "test/support/host_pair.hpp"

/// What became of each message that was sent.
using namespace tickwire;
using namespace std::chrono_literals;
using test::HostPair;
using test::PairOptions;

CONTRACT_CASE("a reliable message is acknowledged, a lossy one handed over") {
  HostPair pair(scheme);
  pair.connect();
  const auto kept = test::send_text(pair.caller, "kept", test::on_channel(5));
  const auto state = test::send_text(pair.caller, "state", test::with(Delivery::sequenced, 5));
  const auto noise = test::send_text(pair.caller, "noise", test::with(Delivery::unreliable, 5));
  REQUIRE(kept);
  REQUIRE(state);
  REQUIRE(noise);
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::data_sent) == 3; }));
  CHECK(pair.client.log.receipt(*kept) == Receipt::acknowledged);
  CHECK(pair.client.log.receipt(*state) == Receipt::handed_over);
  CHECK(pair.client.log.receipt(*noise) == Receipt::handed_over);
  CHECK(pair.client.log.last(EventType::data_sent).channel == 5);
}

CONTRACT_CASE("ids rise and belong to the host, not to the connection") {
  HostPair pair(scheme);
  pair.connect();
  const Connection first = pair.caller;
  pair.connect();
  MessageId last = 0;
  for (const Connection& to : {first, pair.caller, first}) {
    const auto sent = test::send_text(to, "x");
    REQUIRE(sent);
    CHECK(*sent > last);
    last = *sent;
  }
}

CONTRACT_CASE("an acknowledgement that is lost with a datagram comes again") {
  HostPair pair(scheme);
  pair.connect();
  pair.run(100ms);
  const auto sent = test::send_text(pair.caller, "question");
  REQUIRE(sent);
  pair.client.poll();
  // The answer, and what it carries, is lost: that the far end has it all shows later.
  NetworkConditions bad;
  bad.loss_ratio = 1;
  pair.network->set_conditions(bad);
  REQUIRE(pair.until([&] {
    pair.server.poll();
    return pair.server.log.messages() == 1;
  }));
  REQUIRE(test::send_text(pair.callee, "answer", test::with(Delivery::unreliable)));
  pair.run(10ms);
  pair.network->set_conditions(NetworkConditions{});
  CHECK(pair.until([&] { return pair.client.log.receipt(*sent) == Receipt::acknowledged; }, 1ms,
                   10s));
}

CONTRACT_CASE("what never left is reported as dropped, and what may have left as handed over") {
  HostPair pair(scheme);
  pair.connect();
  pair.run(100ms);
  pair.server.awake = false;
  const auto gone = test::send_text(pair.caller, "gone");
  REQUIRE(gone);
  pair.client.poll();
  // Far more than a window: the end of it waits in the queue.
  MessageId last = 0;
  for (int i = 0; i < 25; ++i) {
    const auto sent = test::send_text(pair.caller, std::string(100'000, 'x'));
    REQUIRE(sent);
    last = *sent;
  }
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::disconnected) == 1; }, 50ms));
  CHECK(pair.client.log.receipt(*gone) == Receipt::handed_over);
  CHECK(pair.client.log.receipt(last) == Receipt::dropped);
  CHECK(pair.client.log.count(EventType::data_sent) == 26);
  CHECK(pair.caller.stats().drops.unsent_at_close > 0);
}

CONTRACT_CASE("lossy messages that wait too long are dropped, counted and reported") {
  PairOptions options;
  options.client.limits.max_unreliable_queue.age = 20ms;
  HostPair pair(scheme, std::move(options));
  pair.connect();
  pair.run(100ms);
  pair.server.awake = false;
  // The stream is full from here on: its window is used up.
  const std::string block(100'000, 'x');
  for (int i = 0; i < 25; ++i)
    REQUIRE(pair.caller.send_bytes(std::as_bytes(std::span(block))));
  pair.run(500ms, 5ms);
  std::size_t refused = 0;
  for (int i = 0; i < 200; ++i) {
    const auto sent =
        test::send_text(pair.caller, std::string(1000, 'y'), test::with(Delivery::unreliable, 2));
    refused += sent ? 0u : 1u;
  }
  CHECK(refused == 0);
  const DropCounters queued = pair.caller.stats().drops;
  pair.run(100ms, 5ms);
  const DropCounters later = pair.caller.stats().drops;
  const std::size_t told = pair.client.log.count(EventType::data_sent);
  CHECK(told == 200);
  CHECK(queued.unreliable_queue_full + later.unreliable_too_old <= 200);
}

CONTRACT_CASE("a host that does not want receipts is not told, and everything else goes on") {
  PairOptions options;
  options.client.events = EventMask::all().without(EventType::data_sent);
  HostPair pair(scheme, std::move(options));
  pair.connect();
  for (int i = 0; i < 100; ++i)
    REQUIRE(test::send_text(pair.caller, "x"));
  REQUIRE(pair.until([&] { return pair.server.log.messages() == 100; }));
  pair.run(50ms);
  CHECK(pair.client.log.count(EventType::data_sent) == 0);
}

CONTRACT_CASE("events outside the mask are not made, counted, and hold up nothing") {
  PairOptions options;
  options.server.events = EventMask::none();
  options.server.limits.receive_window_bytes = 128 * 1024;
  HostPair pair(scheme, std::move(options));
  pair.connect();
  constexpr std::size_t count = 3000;
  for (std::size_t i = 0; i < count; ++i)
    REQUIRE(test::send_text(pair.caller, std::string(100, 'x')));
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::data_sent) == count; }));
  CHECK(pair.until([&] { return pair.callee.stats().drops.masked_events == count; }));
  CHECK(pair.caller.close() == ErrorCode::none);
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::disconnected) == 1; }));
  CHECK(pair.server.log.all().size() == 2);
}

CONTRACT_CASE("under one key only the newest of what waits is sent, and the others are reported") {
  HostPair pair(scheme);
  pair.connect();
  pair.run(100ms);
  SendOptions latest = test::with(Delivery::sequenced, 3);
  latest.replace_key = 7;
  // Between two passes everything waits.
  std::vector<MessageId> ids;
  for (int i = 0; i < 50; ++i) {
    const auto sent = test::send_text(pair.caller, "position " + std::to_string(i), latest);
    REQUIRE(sent);
    ids.push_back(*sent);
  }
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::data_sent) == 50; }));
  REQUIRE(pair.until([&] { return pair.server.log.messages() == 1; }));
  CHECK(pair.server.log.texts().front() == "position 49");
  CHECK(pair.client.log.receipt(ids.front()) == Receipt::dropped);
  CHECK(pair.client.log.receipt(ids.back()) == Receipt::handed_over);
  CHECK(pair.caller.stats().drops.unreliable_replaced == 49);
  latest.delivery = Delivery::reliable;
  const auto refused = test::send_text(pair.caller, "never", latest);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::invalid_argument);
}
