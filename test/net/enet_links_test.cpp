// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>

#include "test/net/enet_proxied_pair.hpp"
#include "test/net/enet_raw_socket.hpp"
#include "test/net/enet_rig.hpp"
#include "test/support/host_pair.hpp"

namespace tickwire::test {
namespace {

TEST_CASE("enet: a dialled link comes up at both ends, and each knows the other's address") {
  EnetPair pair;
  CHECK(pair.address.port != 0);
  const auto [caller, callee] = pair.connect();
  CHECK(caller->link->peer() == pair.address);
  CHECK(callee->link->peer().scheme == "enet");
  CHECK(callee->link->peer().host == "127.0.0.1");
  CHECK(callee->link->peer().port != 0);
  for (const RecordingLink* end : {caller, callee}) {
    CHECK(end->link->traits().max_datagram_bytes >= 1180);
    CHECK(end->link->traits().max_packet_bytes >= 1180);
    CHECK(end->link->traits().loses_datagrams);
  }
  pair.run(100ms);
  CHECK(caller->ups == 1);
  CHECK(caller->downs == 0);
  CHECK(callee->ups == 0);  // an accepted link is up from the start
}

TEST_CASE("enet: packets of every lane and size arrive whole, in both directions") {
  EnetPair pair;
  const auto [caller, callee] = pair.connect();
  const auto& traits = caller->link->traits();
  const std::size_t most = traits.max_packet_bytes;
  const std::size_t most_datagram = traits.max_datagram_bytes;
  std::vector<std::string> sent;
  for (const std::size_t size : {std::size_t{1}, std::size_t{2}, std::size_t{456}, std::size_t{457},
                                 std::size_t{1180}, most - 1, most}) {
    for (const Lane lane : {Lane::control, Lane::reliable, Lane::datagram}) {
      if (lane == Lane::datagram && size > most_datagram) continue;
      sent.push_back(noise(size, static_cast<std::uint32_t>(sent.size())));
      caller->send(sent.back(), lane, 7);
      callee->send(sent.back(), lane, 7);
      pair.step();
    }
  }
  std::sort(sent.begin(), sent.end());
  for (RecordingLink* end : {caller, callee}) {
    CHECK(pair.run_until([&] { return end->arrived.size() == sent.size(); }));
    auto texts = end->texts();
    std::sort(texts.begin(), texts.end());
    CHECK(texts == sent);
  }
  CHECK(pair.client.transport->counters().malformed_datagrams == 0);
  CHECK(pair.server.transport->counters().malformed_datagrams == 0);
  CHECK(pair.server.transport->counters().socket_errors == 0);
}

TEST_CASE("enet: a datagram of full size crosses as a datagram, not as a reliable packet") {
  ProxiedPair pair;
  RecordingLink& caller = pair.connect();
  for (int i = 0; i < 200; ++i)
    pair.step();

  std::size_t largest = 0;
  pair.proxy.to_listener = [&](Datagram& datagram) {
    largest = std::max(largest, datagram.size());
    return datagram.size() < 1000;
  };
  caller.send(noise(caller.link->traits().max_datagram_bytes, 1), Lane::datagram);
  pair.step();
  caller.send("small", Lane::datagram);
  for (int i = 0; i < 2000; ++i)  // were it reliable, it would be sent again in this time
    pair.step();
  CHECK(largest > 4000);
  CHECK(largest <= kProbeBytes);
  CHECK(pair.server.accepted[0]->texts() == std::vector<std::string>{"small"});
  CHECK(caller.downs == 0);
}

TEST_CASE("enet: each reliable lane keeps its order among thousands of packets") {
  EnetPair pair;
  const auto [caller, callee] = pair.connect();
  constexpr int count = 3000;
  int sent = 0;
  const auto all_there = [&, end = callee] { return end->arrived.size() == count; };
  const auto step = [&, end = caller] {
    while (sent < count && end->link->capacity_bytes(Lane::reliable) > 0) {
      const int channel = sent % 4;
      end->send(std::to_string(channel) + ":" + std::to_string(sent),
                channel == 3 ? Lane::control : Lane::reliable, static_cast<std::uint8_t>(channel));
      ++sent;
    }
    pair.step();
  };
  REQUIRE(wait_until(step, all_there));
  std::vector<int> last(4, -1);
  for (const auto& text : callee->texts()) {
    const auto channel = static_cast<std::size_t>(text[0] - '0');
    const int number = std::stoi(text.substr(2));
    CHECK(number > last[channel]);
    last[channel] = number;
  }
}

TEST_CASE("enet: a loss on one channel holds up no other channel") {
  ProxiedPair pair;
  RecordingLink& caller = pair.connect();
  RecordingLink& callee = *pair.server.accepted[0];
  for (int i = 0; i < 200; ++i)
    pair.step();

  pair.proxy.to_listener = [](Datagram& datagram) {
    const std::string_view text(reinterpret_cast<const char*>(datagram.data()), datagram.size());
    return text.find("lost once") == std::string_view::npos;
  };
  caller.send("lost once", Lane::reliable, 1);
  pair.client.flush();
  pair.proxy.step();
  pair.proxy.to_listener = [](Datagram&) { return true; };
  caller.send("behind it", Lane::reliable, 1);
  caller.send("beside it", Lane::reliable, 2);
  REQUIRE(pair.run_until([&] { return callee.arrived.size() == 3; }));
  CHECK(callee.texts() == std::vector<std::string>{"beside it", "lost once", "behind it"});
}

TEST_CASE("enet: everything reliable arrives in order through a network that loses a fifth") {
  for (const std::uint32_t seed : {1u, 2u, 3u}) {
    INFO("seed " << seed);
    ProxiedPair pair;
    std::uint32_t state = seed;
    const auto lossy = [&](Datagram&) {
      state = state * 1664525u + 1013904223u;
      return (state >> 16) % 5 != 0;
    };
    pair.proxy.to_listener = lossy;
    pair.proxy.to_caller = lossy;
    RecordingLink& caller = pair.connect();
    RecordingLink& callee = *pair.server.accepted[0];
    std::vector<std::string> sent;
    for (int i = 0; i < 300; ++i) {
      sent.push_back(noise(300, static_cast<std::uint32_t>(i)));
      caller.send(sent.back(), Lane::reliable, 0);
      pair.step();
    }
    REQUIRE(pair.run_until([&] { return callee.arrived.size() == sent.size(); }));
    CHECK(callee.texts() == sent);
  }
}

TEST_CASE(
    "enet: a packet that was lost again and again is sent again soon after the path is back") {
  ProxiedPair pair;
  RecordingLink& caller = pair.connect();
  RecordingLink& callee = *pair.server.accepted[0];
  for (std::size_t i = 1; i <= 50; ++i) {  // which teaches the caller how short the path is
    caller.send("hello");
    callee.send("hello");
    REQUIRE(
        pair.run_until([&] { return callee.arrived.size() == i && caller.arrived.size() == i; }));
  }
  int tries = 0;
  pair.proxy.to_listener = [&](Datagram& datagram) {
    const std::string_view text(reinterpret_cast<const char*>(datagram.data()), datagram.size());
    const bool is_unlucky = text.find("unlucky") != std::string_view::npos;
    tries += is_unlucky ? 1 : 0;
    return !is_unlucky;
  };
  caller.send("unlucky");
  for (int i = 0; i < 6000; ++i)
    pair.step();
  CHECK(tries > 15);  // it was 8 as long as ENet went on to double its patience
  pair.proxy.to_listener = [](Datagram&) { return true; };
  const TimePoint back = pair.clock.now();
  REQUIRE(pair.run_until([&] { return callee.texts().back() == "unlucky"; }));
  CHECK(pair.clock.now() - back < 600ms);
}

TEST_CASE("enet: a packet lost early in a bulk transfer does not close the receiver for good") {
  ProxiedPair pair;
  RecordingLink& caller = pair.dial();
  std::size_t sent = 0;
  bool sending = true;
  const auto step = [&] {
    while (sending && caller.ups == 1 && caller.link->capacity_bytes(Lane::reliable) > 0) {
      caller.send(std::to_string(sent++) + noise(1200, 1));
    }
    pair.step();
  };
  REQUIRE(wait_until(step, [&] { return pair.server.accepted.size() == 1; }));
  RecordingLink& callee = *pair.server.accepted[0];
  REQUIRE(wait_until(step, [&] { return callee.arrived.size() > 1000; }));
  // Gone for good 1,500 ms long, while all else arrives: ENet alone would send megabytes behind it.
  const std::string missing = std::to_string(sent + 5) + noise(1200, 1);
  const TimePoint until = pair.clock.now() + 1500ms;
  pair.proxy.to_listener = [&](Datagram& datagram) {
    const std::string_view bytes(reinterpret_cast<const char*>(datagram.data()), datagram.size());
    return pair.clock.now() > until || bytes.find(missing) == std::string_view::npos;
  };
  REQUIRE(wait_until(step, [&] { return pair.clock.now() > until; }));
  CHECK(callee.arrived.size() <= sent);
  sending = false;
  REQUIRE(wait_until(step, [&] { return callee.arrived.size() == sent; }));
}

TEST_CASE("enet: an end with fewer channels still gets every packet in order") {
  ManualClock clock;
  TransportHost server{make_enet([](auto& given) { given.channels = 2; }), clock};
  TransportHost client{make_enet(), clock};
  const auto bound = server.listen("enet://127.0.0.1:0");
  REQUIRE(bound);
  RecordingLink& caller = client.dial(bound->to_string());
  const auto step = [&] {
    clock.advance(1ms);
    for (TransportHost* host : {&client, &server}) {
      host->service();
      host->flush();
    }
  };
  REQUIRE(wait_until(step, [&] { return caller.ups == 1 && server.accepted.size() == 1; }));
  for (int i = 0; i < 8; ++i)
    caller.send(std::to_string(i), Lane::reliable, static_cast<std::uint8_t>(i));
  REQUIRE(wait_until(step, [&] { return server.accepted[0]->arrived.size() == 8; }));
  CHECK(server.accepted[0]->downs == 0);
}

TEST_CASE("enet: fifty links at once, each with its own traffic") {
  EnetPair pair;
  constexpr std::size_t count = 50;
  for (std::size_t i = 0; i < count; ++i)
    pair.client.dial(pair.address.to_string());
  REQUIRE(pair.run_until([&] {
    return pair.server.accepted.size() == count &&
           std::all_of(pair.client.dialled.begin(), pair.client.dialled.end(),
                       [](const auto& end) { return end->ups == 1; });
  }));
  for (std::size_t i = 0; i < count; ++i) {
    pair.client.dialled[i]->send(std::to_string(i));
    pair.server.accepted[i]->send("to " +
                                  std::to_string(pair.server.accepted[i]->link->peer().port));
  }
  REQUIRE(pair.run_until([&] {
    const auto has_one = [](const auto& end) { return end->arrived.size() == 1; };
    return std::all_of(pair.client.dialled.begin(), pair.client.dialled.end(), has_one) &&
           std::all_of(pair.server.accepted.begin(), pair.server.accepted.end(), has_one);
  }));
  std::vector<std::string> seen;
  for (const auto& end : pair.server.accepted)
    seen.push_back(end->texts()[0]);
  std::sort(seen.begin(), seen.end());
  CHECK(std::unique(seen.begin(), seen.end()) == seen.end());
}

TEST_CASE("enet: capacity goes down with what is sent, and comes back as it is acknowledged") {
  EnetPair pair;
  const auto [caller, callee] = pair.connect();
  pair.run(100ms);
  const std::size_t at_rest = caller->link->capacity_bytes(Lane::reliable);
  CHECK(at_rest >= 16 * 1024);
  caller->send(noise(1000, 1));
  CHECK(caller->link->capacity_bytes(Lane::reliable) <= at_rest - 1000);
  while (caller->link->capacity_bytes(Lane::reliable) > 0)
    caller->send(noise(1000, 2));
  caller->send("above it, and still taken");
  CHECK(caller->link->capacity_bytes(Lane::reliable) == 0);
  REQUIRE(pair.run_until(
      [&, end = caller] { return end->link->capacity_bytes(Lane::reliable) >= at_rest; }));
  CHECK(callee->texts().back() == "above it, and still taken");
}

TEST_CASE("enet: the window opens with what arrives, in a few round trips") {
  EnetPair pair;
  const auto [caller, callee] = pair.connect();
  const TimePoint before = pair.clock.now();
  for (int round = 0; round < 20; ++round) {
    while (caller->link->capacity_bytes(Lane::reliable) > 0)
      caller->send(noise(1000, 2));
    pair.step();
  }
  CHECK(pair.clock.now() - before < 50ms);
  const auto is_open = [&, end = caller] {
    return end->link->capacity_bytes(Lane::reliable) == 2 * 128 * 1024;
  };
  CHECK(pair.run_until(is_open));
}

TEST_CASE("enet: reliable packets that wait for an answer leave datagrams their room") {
  ProxiedPair pair;
  RecordingLink& caller = pair.connect();
  std::size_t datagrams = 0;
  pair.proxy.to_listener = [&](Datagram& datagram) {
    const std::string_view text(reinterpret_cast<const char*>(datagram.data()), datagram.size());
    datagrams += text.find("spoken word") != std::string_view::npos ? 1 : 0;
    return false;
  };
  while (caller.link->capacity_bytes(Lane::reliable) > 0)
    caller.send(noise(1000, 2));
  const std::size_t room = caller.link->capacity_bytes(Lane::datagram);
  CHECK(room >= 8 * 1024);
  for (int i = 0; i < 20; ++i) {
    caller.send("spoken word", Lane::datagram);
    CHECK(caller.link->capacity_bytes(Lane::datagram) < room);
    pair.step();
    CHECK(caller.link->capacity_bytes(Lane::datagram) == room);
  }
  CHECK(datagrams == 20);
  CHECK(caller.link->capacity_bytes(Lane::reliable) == 0);

  for (int i = 0; caller.link->capacity_bytes(Lane::datagram) > 0 && i < 1000; ++i)
    caller.send(noise(1000, 3), Lane::datagram);
  CHECK(caller.link->capacity_bytes(Lane::datagram) == 0);  // until the next flush
}

TEST_CASE("enet: a listener that turns callers away is heard at once") {
  EnetPair pair;
  pair.server.turn_away = true;
  RecordingLink& caller = pair.client.dial(pair.address.to_string());
  REQUIRE(pair.run_until([&] { return caller.downs == 1; }));
  CHECK((caller.down->code == ErrorCode::connection_reset ||
         caller.down->code == ErrorCode::connection_refused));
  CHECK(pair.server.incoming_listeners.size() == 1);
}

TEST_CASE("enet: the lan profile has the whole window from the start, and keeps it") {
  const auto lan = [](auto& context) { context.enet.throttle = ThrottleProfile::lan; };
  constexpr std::size_t most = 2 * 128 * 1024;
  EnetPair pair(lan);
  const auto [caller, callee] = pair.connect();
  CHECK(callee->link->capacity_bytes(Lane::reliable) == most);
  CHECK(caller->link->capacity_bytes(Lane::reliable) < most / 4);  // its own profile is `adaptive`

  // A window leaves before anything is acknowledged, as far as the proxy's socket has room.
  TamperingProxy proxy(pair.address.port);
  RecordingLink& other = pair.client.dial(proxy.url());
  const auto step = [&] {
    pair.step();
    proxy.step();
  };
  REQUIRE(wait_until(step, [&] { return other.ups == 1 && pair.server.accepted.size() == 2; }));
  std::size_t passed = 0;
  proxy.to_caller = [&](Datagram& datagram) {
    passed += datagram.size();
    return false;
  };
  RecordingLink& sender = *pair.server.accepted[1];
  for (int i = 0; i < 250; ++i)
    sender.send(noise(1000, 1));
  step();
  CHECK(passed > 64 * 1024);
  CHECK(passed < 150 * 1024);
  for (int i = 0; i < 3000; ++i)  // all is lost, and sent again
    step();
  proxy.to_caller = [](Datagram&) { return true; };
  REQUIRE(wait_until(step, [&] { return sender.link->capacity_bytes(Lane::reliable) == most; }));
  CHECK(other.arrived.size() == 250);
}

TEST_CASE("enet: a host with the lan profile sends a window at once, before any answer") {
  const auto all = schemes();
  const auto named =
      std::find_if(all.begin(), all.end(), [](const auto& each) { return each.name == "enet"; });
  const auto sent_at_once = [&](ThrottleProfile throttle) {
    PairOptions options;
    options.client.enet.throttle = throttle;
    HostPair pair(*named, std::move(options));
    pair.connect();
    pair.server.awake = false;
    const std::uint64_t before = pair.caller.stats().bytes_sent;
    REQUIRE(pair.caller.send_bytes(std::vector<std::byte>(400 * 1024)));
    pair.step();
    return pair.caller.stats().bytes_sent - before;
  };
  CHECK(sent_at_once(ThrottleProfile::adaptive) < 64 * 1024);
  CHECK(sent_at_once(ThrottleProfile::lan) > 100 * 1024);
}

TEST_CASE("enet: IPv4 addresses only, and a call needs a port") {
  EnetPair pair;
  const auto refusal = [&](const char* url) {
    auto link = pair.client.transport->dial({{*Address::parse(url)}, nullptr});
    REQUIRE_FALSE(link);
    return link.error();
  };
  CHECK(refusal("enet://[::1]:7777").code == ErrorCode::not_supported);
  CHECK(refusal("enet://[::1]:7777").detail.find("::1") != std::string::npos);
  CHECK(refusal("enet://127.0.0.1:0").code == ErrorCode::invalid_address);
  CHECK(refusal("enet://255.255.255.255:7777").code == ErrorCode::invalid_address);
  CHECK(refusal("enet://example:7777").code == ErrorCode::invalid_address);
  CHECK(pair.server.listen("enet://[::]:0").error().code == ErrorCode::not_supported);
  CHECK(pair.server.listen("enet://nowhere:0").error().code == ErrorCode::invalid_address);
}

TEST_CASE("enet: a port in use is refused with a sentence, also to another transport") {
  EnetPair pair;
  const std::string url = pair.address.to_string();
  for (TransportHost* host : {&pair.server, &pair.client}) {
    const auto again = host->listen(url);
    REQUIRE_FALSE(again);
    CHECK(again.error().code == ErrorCode::address_in_use);
    CHECK(again.error().system_code != 0);
    CHECK(again.error().detail.find(url) != std::string::npos);
  }
  const auto everywhere = pair.client.listen("enet://0.0.0.0:" + std::to_string(pair.address.port));
  CHECK(everywhere.error().code == ErrorCode::address_in_use);
  const auto foreign = pair.client.listen("enet://192.0.2.1:0");
  CHECK(foreign.error().code == ErrorCode::address_unavailable);
  static_cast<void>(pair.connect());
}

TEST_CASE("enet: a second clock is refused while the first is in use") {
  ManualClock other;
  detail::TransportContext context;
  context.clock = &other;
  {
    EnetPair pair;
    const auto refused = detail::make_enet_transport(context);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::clock_mismatch);
    CHECK(refused.error().detail.find("HostConfig::clock") != std::string::npos);
  }
  CHECK(detail::make_enet_transport(context));
}

TEST_CASE("enet: after stop_listening nobody comes in, and who is in stays") {
  EnetPair pair;
  const auto [caller, callee] = pair.connect();
  pair.server.transport->stop_listening();
  RecordingLink& late = pair.client.dial(pair.address.to_string());
  caller->send("still here");
  REQUIRE(pair.run_until([end = callee] { return !end->arrived.empty(); }));
  pair.run(2s);
  CHECK(late.ups == 0);
  late.link.reset();
  callee->link.reset();
  pair.run(100ms);
  CHECK(pair.server.poller.sockets().empty());
  CHECK(pair.server.listen(pair.address.to_string()));  // the port is free again
}

TEST_CASE("enet: two listeners of one transport tell their callers apart") {
  EnetPair pair;
  const auto second = pair.server.listen("enet://127.0.0.1:0", 10, 5);
  REQUIRE(second);
  static_cast<void>(pair.connect());
  static_cast<void>(pair.connect(second->to_string()));
  CHECK(pair.server.incoming_listeners == std::vector<std::size_t>{0, 5});
}

TEST_CASE("enet: an idle listener asks for no wake-ups, a link asks for few") {
  EnetPair pair;
  CHECK_FALSE(pair.server.transport->next_deadline());
  RecordingLink& caller = pair.client.dial(pair.address.to_string());
  CHECK(*pair.client.transport->next_deadline() == pair.clock.now() + 200ms);  // asks again
  REQUIRE(pair.run_until([&] { return caller.ups == 1 && pair.server.accepted.size() == 1; }));
  pair.run(500ms);
  REQUIRE(pair.server.transport->next_deadline());
  const TimePoint watched = pair.clock.now();
  while (*pair.server.transport->next_deadline() <= watched)
    pair.step();
  caller.send("not acknowledged yet");
  pair.client.flush();
  CHECK(*pair.client.transport->next_deadline() <= pair.clock.now() + 10ms);
}

}  // namespace
}  // namespace tickwire::test
