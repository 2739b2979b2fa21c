// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>

#include "test/net/enet_proxied_pair.hpp"
#include "test/net/enet_raw_socket.hpp"
#include "test/net/enet_rig.hpp"

namespace tickwire::test {
namespace {

std::uint64_t malformed(const TransportHost& host) {
  return host.transport->counters().malformed_datagrams;
}

// Datagrams that come back to a stranger.
std::size_t answers(const RawSocket& socket) {
  std::size_t count = 0;
  while (socket.receive())
    ++count;
  return count;
}

TEST_CASE("enet: garbage at the port is counted, and the links there go on") {
  for (const std::uint32_t seed : {1u, 2u, 3u, 4u}) {
    INFO("seed " << seed);
    EnetPair pair;
    const auto [caller, callee] = pair.connect();
    RawSocket stranger;
    std::uint32_t state = seed;
    const auto next = [&] { return state = state * 1664525u + 1013904223u, state >> 8; };
    for (int i = 0; i < 2000; ++i) {
      Datagram garbage(next() % 200);
      for (auto& each : garbage)
        each = static_cast<std::uint8_t>(next());
      stranger.send(pair.address.port, garbage);
      if (i % 50 == 0) pair.step();
    }
    caller->send("still here");
    REQUIRE(pair.run_until([end = callee] { return !end->arrived.empty(); }));
    CHECK(malformed(pair.server) > 1000);
    CHECK(callee->texts() == std::vector<std::string>{"still here"});
    CHECK(pair.server.accepted.size() == 1);
    CHECK(answers(stranger) == 0);
  }
}

TEST_CASE("enet: damaged datagrams of a real link harm nobody, and reliable packets still arrive") {
  for (const std::uint32_t seed : {1u, 2u, 3u, 4u}) {
    INFO("seed " << seed);
    ProxiedPair pair;
    RecordingLink& caller = pair.connect();
    RecordingLink& callee = *pair.server.accepted[0];
    std::uint32_t state = seed;
    const auto next = [&] { return state = state * 1664525u + 1013904223u, state >> 8; };
    const auto damage = [&](Datagram& datagram) {
      if (next() % 4 != 0) return true;
      for (std::uint32_t i = 0; i <= next() % 4; ++i)
        datagram[next() % datagram.size()] ^= static_cast<std::uint8_t>(1u << next() % 8);
      if (next() % 8 == 0) datagram.resize(1 + next() % datagram.size());
      return true;
    };
    pair.proxy.to_listener = damage;
    pair.proxy.to_caller = damage;
    std::vector<std::string> sent;
    for (int i = 0; i < 100; ++i) {
      sent.push_back(noise(1 + next() % 1300, next()));
      caller.send(sent.back());
      pair.step();
    }
    REQUIRE(pair.run_until([&] { return callee.arrived.size() >= sent.size(); }));
    CHECK(callee.texts() == sent);
    CHECK(malformed(pair.server) > 0);
  }
}

TEST_CASE("enet: a CONNECT that asks for the wrong things gets no slot and no answer") {
  EnetPair pair;
  RawSocket stranger;
  const auto try_one = [&](const Datagram& datagram) {
    const std::uint64_t before = malformed(pair.server);
    stranger.send(pair.address.port, datagram);
    pair.run(20ms);
    const bool counted = malformed(pair.server) == before + 1;
    return answers(stranger) == 0 && counted;
  };
  const std::uint32_t cookie = fetch_cookie(stranger, pair.address.port, [&] { pair.step(); });
  CHECK(try_one(ConnectDatagram{.mtu = 576, .data = cookie}.bytes()));
  CHECK(try_one(ConnectDatagram{.mtu = 1279, .data = cookie}.bytes()));
  CHECK(try_one(ConnectDatagram{.mtu = 4096, .data = cookie}.bytes()));
  CHECK(try_one(ConnectDatagram{.window = 0, .data = cookie}.bytes()));
  CHECK(try_one(ConnectDatagram{.window = 1u << 31, .data = cookie}.bytes()));
  CHECK(try_one(ConnectDatagram{.channels = 0, .data = cookie}.bytes()));
  CHECK(try_one(ConnectDatagram{.channels = 255, .data = cookie}.bytes()));
  CHECK(try_one(ConnectDatagram{.bandwidth = 1, .data = cookie}.bytes()));
  CHECK(try_one(ConnectDatagram{.command = 0x02, .data = cookie}.bytes()));
  CHECK(try_one(ConnectDatagram{.own_slot = 0xfff, .data = cookie}.bytes()));
  Datagram longer = ConnectDatagram{.data = cookie}.bytes();
  longer.push_back(0);
  CHECK(try_one(longer));
  CHECK_FALSE(pair.server.transport->next_deadline());

  // The one that they were made from would have been answered.
  CHECK_FALSE(try_one(ConnectDatagram{.data = cookie}.bytes()));
  CHECK(pair.server.transport->next_deadline());
}

TEST_CASE("enet: a caller's own socket takes no calls and gives no cookies") {
  EnetPair pair;
  RawSocket deaf;
  RecordingLink& caller = pair.client.dial("enet://127.0.0.1:" + std::to_string(deaf.port()));
  pair.run(50ms);
  const auto call = deaf.receive();
  REQUIRE(call);
  RawSocket stranger;
  stranger.send(call->second, ConnectDatagram{}.bytes());
  stranger.send(call->second, cookie_question(1));
  pair.run(50ms);
  CHECK(malformed(pair.client) == 2);
  CHECK(answers(stranger) == 0);
  CHECK(caller.downs == 0);
}

TEST_CASE("enet: a flood of empty and of oversized datagrams does not hide honest ones") {
  EnetPair pair;
  const auto [caller, callee] = pair.connect();
  RawSocket stranger;
  for (int i = 0; i < 30; ++i) {
    stranger.send(pair.address.port, Datagram());
    stranger.send(pair.address.port, Datagram(5000));
  }
  caller->send("in between");
  pair.client.flush();
  for (int i = 0; i < 30; ++i)
    stranger.send(pair.address.port, Datagram());
  pair.server.service();  // one pass
  CHECK(callee->texts() == std::vector<std::string>{"in between"});
  CHECK(malformed(pair.server) == 30);
  CHECK(pair.server.transport->counters().socket_errors == 0);
  CHECK(callee->downs == 0);
}

TEST_CASE("enet: a flood of oversized datagrams is not taken for a socket that fails") {
  EnetPair pair;
  RawSocket stranger;
  std::uint64_t sent = 0;
  for (const TimePoint end = pair.clock.now() + 4s; pair.clock.now() < end; pair.step(50ms)) {
    for (int i = 0; i < 400; ++i, ++sent)
      stranger.send(pair.address.port, Datagram(5000));
  }
  CHECK(pair.server.lost_listeners.empty());
  CHECK(malformed(pair.server) > 1000);
  CHECK(malformed(pair.server) <= sent);
  CHECK(pair.server.transport->counters().socket_errors == 0);
}

TEST_CASE("enet: what ENet does nothing with is counted, and costs a pass no more than its share") {
  EnetPair pair;
  const auto [caller, callee] = pair.connect();
  RawSocket stranger;
  Datagram to_nobody = {0x80, 0x05, 0, 0, 1, 2, 3, 4, 0x05, 0xff, 0, 1};  // a PING to slot 5
  Datagram to_another = to_nobody;
  to_another[1] = 0;  // its address is not the one that has the slot
  std::uint64_t sent = 0;
  for (const Datagram& each : {to_nobody, to_another}) {
    const std::uint64_t before = malformed(pair.server);
    for (int i = 0; i < 500; ++i, ++sent)
      stranger.send(pair.address.port, each);
    pair.server.service();
    CHECK(malformed(pair.server) == before + 500);
  }
  for (int i = 0; i < 30000; ++i)
    stranger.send(pair.address.port, to_nobody);
  const std::uint64_t before = malformed(pair.server);
  pair.server.service();
  CHECK(malformed(pair.server) - before <= 2048 + 1);
  caller->send("behind the flood");
  REQUIRE(pair.run_until([end = callee] { return !end->arrived.empty(); }));
  CHECK(callee->downs == 0);
}

TEST_CASE("enet: a flood costs a pass no more than its share, and the rest comes in the next") {
  EnetPair pair;
  const auto [caller, callee] = pair.connect();
  RawSocket stranger;
  std::size_t waiting = 0;
  for (; waiting < 60000; ++waiting)
    stranger.send(pair.address.port, Datagram(8, 0xff));
  const std::uint64_t before = malformed(pair.server);
  pair.server.service();
  const std::uint64_t first = malformed(pair.server) - before;
  CHECK(first <= 2048 + 256);
  if (first >= 2048) CHECK(*pair.server.transport->next_deadline() <= pair.clock.now());
  caller->send("behind the flood");
  REQUIRE(pair.run_until([end = callee] { return !end->arrived.empty(); }));
}

TEST_CASE("enet: a listener that asks for too small packets is left at once") {
  ProxiedPair pair;
  RecordingLink& caller = pair.dial();
  Datagram id;
  pair.proxy.to_listener = [&](Datagram& datagram) {
    if (datagram.size() == 56) id.assign(datagram.begin() + 48, datagram.begin() + 52);
    return true;
  };
  std::size_t changed = 0;
  pair.proxy.to_caller = [&](Datagram& datagram) {
    if (datagram.size() < 52 || (datagram[8] & 0x0f) != 3) return true;  // no VERIFY_CONNECT
    const Datagram mtu = {0, 0, 0x02, 0x40};                             // 576
    std::copy(mtu.begin(), mtu.end(), datagram.begin() + 16);
    seal(datagram, 8, id);
    ++changed;
    return true;
  };
  REQUIRE(pair.run_until([&] { return caller.downs == 1; }));
  CHECK(changed > 0);
  CHECK(caller.ups == 0);
  CHECK(caller.down->code == ErrorCode::protocol_violation);
}

TEST_CASE("enet: every connection has an id that does not follow from the last one") {
  ProxiedPair pair;
  std::vector<std::uint32_t> ids;
  pair.proxy.to_listener = [&](Datagram& datagram) {
    if (datagram.size() != 56) return true;
    std::uint32_t id = 0;
    for (std::size_t at = 48; at < 52; ++at)
      id = id << 8 | datagram[at];
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
    return true;
  };
  for (std::size_t i = 0; i < 16; ++i) {
    RecordingLink& caller = pair.dial();
    REQUIRE(pair.run_until([&] { return caller.ups == 1; }));
    caller.link.reset();
  }
  REQUIRE(ids.size() == 16);
  // ENet's own count up, from a number that follows from the time of day.
  for (std::size_t i = 1; i < ids.size(); ++i)
    CHECK(ids[i] - ids[i - 1] + 1000 > 2000);
  std::uint32_t set = 0;
  for (const std::uint32_t id : ids)
    set |= id ^ ids[0];
  CHECK((set & 0xff000000u) != 0);
  CHECK((set & 0x000000ffu) != 0);
}

TEST_CASE("enet: a peer that knows its connection's secret and sends nonsense harms no other") {
  for (const std::uint32_t seed : {1u, 2u, 3u, 4u}) {
    INFO("seed " << seed);
    EnetPair pair;
    const auto [honest, there] = pair.connect();
    TamperingProxy proxy(pair.address.port);
    std::uint32_t state = seed;
    const auto next = [&] { return state = state * 1664525u + 1013904223u, state >> 8; };
    Datagram id;  // the connection's, which goes into each checksum
    proxy.to_listener = [&](Datagram& datagram) {
      if (datagram.size() == 56) id.assign(datagram.begin() + 48, datagram.begin() + 52);
      const std::size_t head = (datagram[0] & 0x80) != 0 ? 8 : 6;
      if (id.empty() || datagram.size() == 56 || next() % 3 != 0) return true;
      for (std::uint32_t i = 0; i <= next() % 4; ++i)
        datagram[head + next() % (datagram.size() - head)] = static_cast<std::uint8_t>(next());
      seal(datagram, head, id);
      return true;
    };
    for (int round = 0; round < 20; ++round) {
      RecordingLink& hostile = pair.client.dial(proxy.url());
      for (int i = 0; i < 300; ++i) {
        if (hostile.ups == 1 && hostile.downs == 0) {
          hostile.send(noise(1 + next() % 1200, next()), static_cast<Lane>(next() % 3),
                       static_cast<std::uint8_t>(next() % 8));
        }
        pair.step(5ms);
        proxy.step();
      }
      if (hostile.link) hostile.link.reset();
      id.clear();
    }
    honest->send("unharmed");
    REQUIRE(pair.run_until([end = there] { return !end->arrived.empty(); }));
    CHECK(there->texts() == std::vector<std::string>{"unharmed"});
    CHECK(pair.server.accepted.size() > 10);
    pair.server.accepted.clear();
  }
}

TEST_CASE("enet: a DISCONNECT that ENet cannot acknowledge is dropped, and leaves no dead link") {
  ProxiedPair pair;
  Datagram id;
  Datagram header;
  pair.proxy.to_listener = [&](Datagram& datagram) {
    if (datagram.size() == 56) {
      id.assign(datagram.begin() + 48, datagram.begin() + 52);
    } else if ((datagram[0] & 0x80) != 0) {
      header.assign(datagram.begin(), datagram.begin() + 8);
    }
    return true;
  };
  RecordingLink& caller = pair.connect();
  RecordingLink& callee = *pair.server.accepted[0];
  caller.send("a header to copy");
  REQUIRE(pair.run_until([&] { return callee.arrived.size() == 1; }));
  const auto disconnect = [&](Datagram head) {
    const std::size_t size = head.size();
    const Datagram command = {0x84, 0xff, 0, 16, 0, 0, 0, 1};
    head.insert(head.end(), command.begin(), command.end());
    seal(head, size, id);
    pair.proxy.send_to_listener(head);
  };
  const std::uint64_t before = malformed(pair.server);
  // Without its time.
  disconnect({static_cast<std::uint8_t>(header[0] & 0x7f), header[1], 0, 0, 0, 0});
  pair.run(200ms);
  CHECK(malformed(pair.server) == before + 1);
  CHECK(callee.downs == 0);
  caller.send("still here");
  REQUIRE(pair.run_until([&] { return callee.arrived.size() == 2; }));
  disconnect(header);
  pair.run(100ms);
  REQUIRE(callee.downs == 1);
  CHECK(callee.down->code == ErrorCode::closed_by_peer);
}

TEST_CASE("enet: what a peer may not send is dropped, and the link lives on") {
  ProxiedPair pair;
  RecordingLink& caller = pair.connect();
  // Turns every reliable packet into a fragment command, the checksum aside.
  std::size_t changed = 0;
  pair.proxy.to_listener = [&](Datagram& datagram) {
    const bool is_reliable = datagram.size() > 100 && (datagram[0] & 0x80) != 0;
    if (!is_reliable || changed == 5) return true;
    datagram[8] = 0x88;
    ++changed;
    return true;
  };
  const std::uint64_t before = malformed(pair.server);
  const std::string text = noise(300, 1);
  caller.send(text);
  REQUIRE(pair.run_until([&] { return pair.server.accepted[0]->arrived.size() == 1; }));
  CHECK(changed == 5);
  CHECK(malformed(pair.server) == before + 5);
  CHECK(pair.server.accepted[0]->texts()[0] == text);
}

}  // namespace
}  // namespace tickwire::test
