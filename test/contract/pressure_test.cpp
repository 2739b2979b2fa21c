// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "test/support/counting_resource.hpp"
#include "test/support/host_pair.hpp"

/// What happens when one side is faster than the other.
using namespace tickwire;
using namespace std::chrono_literals;
using test::EventLog;
using test::HostPair;
using test::PairOptions;

CONTRACT_CASE("every refused send is counted under its cause") {
  HostPair pair(scheme);
  pair.connect();
  const auto drops = [&] { return pair.caller.stats().drops; };
  CHECK_FALSE(test::send_text(pair.caller, "nowhere", test::on_channel(200)));
  CHECK(drops().refused_invalid == 1);
  SendOptions replaced;
  replaced.replace_key = 1;
  CHECK_FALSE(test::send_text(pair.caller, "reliable ones replace nothing", replaced));
  CHECK(drops().refused_invalid == 2);
  CHECK(drops().refused_not_open == 0);
  pair.caller.close();
  CHECK_FALSE(test::send_text(pair.caller, "too late"));
  CHECK(drops().refused_not_open == 1);
  CHECK(drops().refused_invalid == 2);
}

CONTRACT_CASE("a program that takes nothing bounds its peer, and then is given everything") {
  PairOptions options;
  options.server.event_capacity = 16;
  HostPair pair(scheme, std::move(options));
  pair.connect();
  constexpr std::size_t count = 4000;
  for (std::size_t i = 0; i < count; ++i)
    REQUIRE(test::send_text(pair.caller, std::to_string(i) + std::string(1000, 'x')));
  // The server's sockets are read all the time, but one event is taken in a long while.
  pair.server.awake = false;
  for (int i = 0; i < 2000; ++i) {
    if (i % 200 == 0) {
      if (const auto event = pair.server->poll()) pair.server.log.add(*event);
    }
    pair.step();
  }
  CHECK(pair.callee.stats().bytes_received < 1'200'000);
  CHECK(pair.caller.stats().queued_bytes > 2'500'000);
  CHECK(pair.caller.is_open());
  pair.server.awake = true;
  REQUIRE(pair.until([&] { return pair.server.log.messages() == count; }));
  const auto texts = pair.server.log.texts();
  for (std::size_t i = 0; i < count; ++i)
    REQUIRE(texts[i].starts_with(std::to_string(i) + "x"));
}

CONTRACT_CASE("a full queue refuses, changes nothing, and takes again when it has room") {
  PairOptions options;
  options.client.limits.max_message_bytes = 100'000;
  options.client.limits.max_send_queue_bytes = 200'000;
  HostPair pair(scheme, std::move(options));
  pair.connect();
  const std::string text(1000, 'x');
  std::size_t taken = 0;
  Result<MessageId> sent(MessageId{0});
  while ((sent = test::send_text(pair.caller, text)))
    ++taken;
  CHECK(sent.error().code == ErrorCode::send_queue_full);
  CHECK(taken > 150);
  CHECK(taken < 200);
  CHECK(pair.caller.stats().queued_bytes <= 200'000);
  CHECK(pair.caller.stats().messages_sent == taken);
  CHECK(pair.caller.stats().drops.refused_queue_full == 1);
  REQUIRE(pair.until([&] { return pair.server.log.messages() == taken; }));
  CHECK(pair.caller.stats().queued_bytes == 0);
  CHECK(test::send_text(pair.caller, text));
  REQUIRE(pair.until([&] { return pair.server.log.messages() == taken + 1; }));
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::data_sent) == taken + 1; }));
}

CONTRACT_CASE("a flooding peer delays another by no more than its turn") {
  PairOptions options;
  options.keep = EventLog::Keep::no_messages;
  options.server.event_capacity = 64;
  options.server.max_events_per_pass = 64;
  HostPair pair(scheme, std::move(options));
  pair.connect();
  const Connection flooder = pair.caller;
  test::LoggedHost& quiet_host = pair.add();
  const Connection quiet = pair.connect(quiet_host);
  pair.run(20ms);
  for (int i = 0; i < 20'000; ++i)
    REQUIRE(test::send_text(flooder, std::string(40, 'f')));
  pair.run(20ms);
  REQUIRE(test::send_text(quiet, "me too"));
  quiet_host.poll();
  // Found among the next two rings' worth of events, though thousands wait before it.
  pair.server.awake = false;
  std::size_t before = 0;
  bool found = false;
  REQUIRE(pair.until([&] {
    while (const auto event = pair.server->poll()) {
      pair.server.log.add(*event);
      if (event->type != EventType::object_received) continue;
      found = found || event->connection.stats().messages_received == 1;
      before += found ? 0 : 1;
    }
    return found;
  }));
  CHECK(before < 64 * 4);
}

CONTRACT_CASE("receipts come through a flood of messages") {
  PairOptions options;
  options.keep = EventLog::Keep::no_messages;
  options.server.event_capacity = 32;
  options.server.max_events_per_pass = 32;
  HostPair pair(scheme, std::move(options));
  pair.connect();
  REQUIRE(test::send_text(pair.callee, "got it?"));
  std::size_t messages = 0;
  const bool told = pair.until(
      [&] {
        // More than the server's program takes, at all times.
        for (int i = 0; i < 64; ++i)
          messages += test::send_text(pair.caller, std::string(20, 'f')) ? 1u : 0u;
        return pair.server.log.count(EventType::data_sent) == 1;
      },
      1ms, 5s);
  CHECK(told);
  CHECK(messages > 0);
}

CONTRACT_CASE("a full ring delays data but never a disconnect") {
  PairOptions options;
  options.server.event_capacity = 8;
  options.server.max_events_per_pass = 1;
  HostPair pair(scheme, std::move(options));
  pair.connect();
  const Connection talker = pair.caller;
  test::LoggedHost& leaver = pair.add();
  const Connection leaving = pair.connect(leaver);
  pair.run(50ms);
  REQUIRE(pair.server.log.count(EventType::connected) == 2);
  for (int i = 0; i < 500; ++i)
    REQUIRE(test::send_text(talker, "x"));
  pair.run(5ms);
  CHECK(leaving.close({0x1003, "bye"}) == ErrorCode::none);
  // One event for each pass: the ring stays full all along.
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::disconnected) == 1; }));
  CHECK(pair.server.log.messages() < 100);
  CHECK(pair.server.log.last(EventType::disconnected).error.system_code == 0x1003);
  REQUIRE(pair.until([&] { return pair.server.log.messages() == 500; }));
}

CONTRACT_CASE("a pass hands out no more events than it may") {
  PairOptions options;
  options.server.max_events_per_pass = 10;
  HostPair pair(scheme, std::move(options));
  pair.connect();
  pair.run(20ms);
  for (int i = 0; i < 95; ++i)
    REQUIRE(test::send_text(pair.caller, "x"));
  pair.client.poll();
  pair.server.awake = false;
  std::vector<std::size_t> passes;
  std::size_t all = 0;
  REQUIRE(pair.until([&] {
    std::size_t count = 0;
    while (const auto event = pair.server->poll())
      ++count;
    passes.push_back(count);
    all += count;
    return all == 95;
  }));
  CHECK(std::all_of(passes.begin(), passes.end(), [](std::size_t count) { return count <= 10; }));
  CHECK(std::count(passes.begin(), passes.end(), 10u) >= 9);
}

CONTRACT_CASE("every pass runs the ticks that are due and sends what is queued") {
  PairOptions options;
  options.server.tick_rate_hz = 100;
  HostPair pair(scheme, std::move(options));
  pair.connect();
  pair.run(50ms);
  std::vector<std::uint64_t> ticks;
  std::vector<std::string> order;
  pair.server->on_update([&](const Tick& tick) {
    ticks.push_back(tick.index);
    CHECK(tick.delta == 10ms);
    order.emplace_back("tick");
    CHECK(test::send_text(pair.callee, "tick " + std::to_string(tick.index)));
  });
  REQUIRE(test::send_text(pair.caller, "input"));
  pair.client.poll();
  pair.client.log.clear();
  pair.clock.advance(10ms);
  bool taken = false;
  for (int i = 0; i < 100 && !taken; ++i) {
    while (const auto event = pair.server->poll()) {
      if (event->type != EventType::object_received) continue;
      order.emplace_back("input");
      taken = true;
    }
  }
  // Input that came before a tick is handed out before it; the pass sends what the tick sent.
  CHECK(order == std::vector<std::string>{"input", "tick"});
  for (int i = 0; i < 100 && pair.client.log.messages() == 0; ++i)
    pair.client.poll();
  REQUIRE(ticks.size() == 1);
  CHECK(pair.client.log.texts() == std::vector<std::string>{"tick " + std::to_string(ticks[0])});
  pair.run(1s, 10ms);
  CHECK(ticks.size() >= 100);
  CHECK(ticks.size() <= 102);
}

CONTRACT_CASE("what is sent after the loop leaves with flush()") {
  HostPair pair(scheme);
  pair.connect();
  pair.run(50ms);
  REQUIRE(test::send_text(pair.caller, "now"));
  pair.client->flush();
  pair.client.awake = false;
  CHECK(pair.until([&] { return pair.server.log.messages() == 1; }, 0ms));
}

CONTRACT_CASE("the counters of a host add up") {
  HostPair pair(scheme);
  pair.connect();
  for (int i = 0; i < 50; ++i) {
    REQUIRE(test::send_text(pair.caller, "x"));
    REQUIRE(test::send_text(pair.callee, "y", test::with(Delivery::unreliable)));
  }
  REQUIRE(pair.until([&] {
    return pair.server.log.messages() == 50 && pair.client.log.messages() == 50 &&
           pair.client.log.count(EventType::data_sent) == 50;
  }));
  pair.run(3s, 10ms);
  REQUIRE(pair.until([&] {
    return pair.caller.stats().packets_sent == pair.callee.stats().packets_received &&
           pair.callee.stats().packets_sent == pair.caller.stats().packets_received;
  }));
  const ConnectionStats here = pair.caller.stats();
  const ConnectionStats there = pair.callee.stats();
  CHECK(here.messages_sent == 50);
  CHECK(there.messages_received == 50);
  CHECK(here.messages_received == 50);
  CHECK(there.messages_sent == 50);
  CHECK(here.bytes_sent == there.bytes_received);
  CHECK(there.bytes_sent == here.bytes_received);
  CHECK(here.queued_bytes == 0);
  CHECK(here.packet_loss_ratio.has_value() == scheme.loses_datagrams);
  if (here.packet_loss_ratio) CHECK(*here.packet_loss_ratio == 0);
  CHECK(here.rtt > 0s);
  const HostStats all = pair.client->stats();
  CHECK(all.connections.messages_sent == 50);
  CHECK(all.connections.bytes_sent == here.bytes_sent);
  CHECK(all.events_delivered == pair.client.log.all().size());
  CHECK(all.transport_errors == 0);
  CHECK(all.malformed_datagrams == 0);
}

CONTRACT_CASE("a program that was refused for a full queue is told once when half of it is free") {
  PairOptions options;
  options.client.limits.max_message_bytes = 100'000;
  options.client.limits.max_send_queue_bytes = 400'000;
  HostPair pair(scheme, std::move(options));
  pair.connect();
  pair.server.awake = false;
  const std::string text(50'000, 'x');
  std::size_t taken = 0;
  while (test::send_text(pair.caller, text)) {
    ++taken;
    pair.step();
    REQUIRE(taken < 1000);
  }
  CHECK_FALSE(test::send_text(pair.caller, text));
  pair.run(50ms);
  CHECK(pair.client.log.count(EventType::writable) == 0);
  pair.server.awake = true;
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::writable) == 1; }));
  CHECK(pair.caller.stats().queued_bytes <= 200'000);
  CHECK(test::send_text(pair.caller, text));
  REQUIRE(pair.until([&] { return pair.server.log.messages() == taken + 1; }));
  CHECK(pair.client.log.count(EventType::writable) == 1);
}

CONTRACT_CASE("small messages of a paused connection keep little more memory than they count") {
  test::CountingResource memory;
  PairOptions options;
  options.server.memory = &memory;
  HostPair pair(scheme, std::move(options));
  pair.connect();
  REQUIRE(pair.server->set_receiving(pair.callee, Receiving::paused) == ErrorCode::none);
  const std::size_t before = memory.bytes_out();
  constexpr std::size_t kMessages = 4000;
  for (std::size_t i = 0; i < kMessages; ++i) {
    REQUIRE(test::send_text(pair.caller, "x"));
    pair.step();  // each in a packet of its own
  }
  CHECK(memory.bytes_out() - before < 800'000);
  pair.server->set_receiving(pair.callee, Receiving::on);
  REQUIRE(pair.until([&] { return pair.server.log.messages() == kMessages; }));
}

CONTRACT_CASE("messages of a paused connection wait with their credit, and its end behind them") {
  test::PairOptions options;
  options.server.limits.receive_window_bytes = 128 * 1024;
  HostPair pair(scheme, std::move(options));
  pair.connect();
  Host& server = *pair.server;
  CHECK(server.set_receiving(pair.callee, Receiving::paused) == ErrorCode::none);
  for (int i = 0; i < 500; ++i)
    REQUIRE(test::send_text(pair.caller, std::to_string(i) + std::string(700, '.')));
  REQUIRE(test::send_text(pair.callee, "the other way"));
  REQUIRE(pair.until([&] { return pair.client.log.messages() == 1; }));
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::data_sent) == 1; }));
  pair.run(500ms);
  CHECK(pair.server.log.messages() == 0);
  CHECK(pair.callee.stats().bytes_received < 200'000);
  CHECK(server.set_receiving(pair.callee, Receiving::on) == ErrorCode::none);
  REQUIRE(pair.until([&] { return pair.server.log.messages() == 500; }));
  CHECK(server.set_receiving(pair.callee, Receiving::paused) == ErrorCode::none);
  REQUIRE(test::send_text(pair.caller, "last words"));
  CHECK(pair.caller.close() == ErrorCode::none);
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::disconnected) == 1; }));
  pair.run(100ms);
  CHECK(pair.server.log.count(EventType::disconnected) == 0);
  CHECK(server.set_receiving(pair.callee, Receiving::on) == ErrorCode::none);
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::disconnected) == 1; }));
  CHECK(pair.server.log.texts().back() == "last words");
  CHECK(server.set_receiving(Connection(), Receiving::on) == ErrorCode::not_connected);
}

CONTRACT_CASE("a pause in the middle of a packet holds back the rest of it, and no receipts") {
  HostPair pair(scheme);
  pair.connect();
  Host& server = *pair.server;
  for (int i = 0; i < 8; ++i)
    REQUIRE(test::send_text(pair.caller, std::to_string(i)));
  REQUIRE(test::send_text(pair.callee, "the other way"));
  pair.server.awake = false;
  const auto take = [&] {
    while (const auto event = server.poll()) {
      pair.server.log.add(*event);
      if (pair.server.log.messages() == 3) server.set_receiving(pair.callee, Receiving::paused);
    }
  };
  REQUIRE(pair.until([&] {
    take();
    return pair.server.log.messages() >= 3 && pair.server.log.count(EventType::data_sent) == 1;
  }));
  REQUIRE(test::send_text(pair.caller, "8"));
  pair.server.awake = true;
  pair.run(100ms);
  CHECK(pair.server.log.messages() == 3);
  CHECK(server.set_receiving(pair.callee, Receiving::on) == ErrorCode::none);
  REQUIRE(pair.until([&] { return pair.server.log.messages() == 9; }));
  for (std::size_t i = 0; i < 9; ++i)
    CHECK(pair.server.log.texts()[i] == std::to_string(i));
}
