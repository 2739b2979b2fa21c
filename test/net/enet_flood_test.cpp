// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "test/net/enet_raw_socket.hpp"
#include "test/net/enet_rig.hpp"
#include "test/support/host_pair.hpp"
#include "test/support/tcp_schemes.hpp"

/// Strangers at the port: who has no cookie costs nothing but reading, and keeps nobody out.
namespace tickwire::test {
namespace {

constexpr std::uint32_t kLoopback = 0x7f000001;
// ENet's slots of a listener for one link: 32 are for those who are to hear why they cannot stay.
constexpr std::size_t kSlotsForOne = 33;

/// Sockets at as many addresses, as a spoofer has them.
struct Crowd {
  explicit Crowd(std::size_t size) {
    for (std::uint32_t i = 0; i < size; ++i)
      sockets.push_back(std::make_unique<RawSocket>(0x7f010000u + i * 257u));
  }

  void send(std::uint16_t port, const std::function<Datagram(std::size_t)>& make) {
    for (std::size_t i = 0; i < sockets.size(); ++i) {
      const Datagram datagram = make(i);
      sockets[i]->send(port, datagram);
      bytes_out += datagram.size();
      ++datagrams_out;
    }
  }
  void receive() {
    for (const auto& socket : sockets) {
      while (const auto answer = socket->receive()) {
        bytes_back += answer->first.size();
        ++datagrams_back;
        largest_back = std::max(largest_back, answer->first.size());
      }
    }
  }

  std::vector<std::unique_ptr<RawSocket>> sockets;
  std::size_t bytes_out = 0;
  std::size_t bytes_back = 0;
  std::size_t datagrams_out = 0;
  std::size_t datagrams_back = 0;
  std::size_t largest_back = 0;
};

/// A listener, and strangers who come with cookies and without.
struct Door {
  explicit Door(const std::function<void(detail::TransportContext&)>& change = [](auto&) {})
      : pair([&change](detail::TransportContext& context) {
          context.max_links = 1;
          change(context);
        }) {
    const auto narrow = pair.server.listen("enet://127.0.0.1:0", 1, 1);
    REQUIRE(narrow);
    port = narrow->port;
    url = narrow->to_string();
  }

  std::uint32_t cookie_of(const RawSocket& socket) {
    return fetch_cookie(socket, port, [this] { pair.step(); });
  }
  /// Whether ENet answers this CONNECT within a moment.
  bool lets_in(const RawSocket& socket, const ConnectDatagram& call) {
    while (socket.receive()) {
    }
    socket.send(port, call.bytes());
    pair.step();
    pair.step();
    return socket.receive().has_value();
  }
  bool lets_in(const RawSocket& socket, std::uint32_t cookie) {
    return lets_in(socket, ConnectDatagram{.data = cookie});
  }
  detail::TransportCounters counters() const { return pair.server.transport->counters(); }

  EnetPair pair;
  std::uint16_t port = 0;
  std::string url;
};

const Scheme& enet_scheme() {
  const auto all = schemes();
  return *std::find_if(all.begin(), all.end(),
                       [](const auto& each) { return each.name == "enet"; });
}

TEST_CASE("enet flood: CONNECTs from hundreds of addresses get no byte back, and no slot") {
  for (const std::uint32_t seed : {1u, 2u, 3u}) {
    INFO("seed " << seed);
    Door door;
    Crowd crowd(300);
    std::uint32_t state = seed;
    const auto next = [&] { return state = state * 1664525u + 1013904223u; };
    const auto flood = [&] {
      crowd.send(door.port, [&](std::size_t) {
        return ConnectDatagram{.id = next(), .data = next()}.bytes();
      });
      door.pair.step();
      crowd.receive();
    };
    for (int i = 0; i < 20; ++i)
      flood();
    CHECK(door.counters().bad_cookies == crowd.datagrams_out);
    CHECK_FALSE(door.pair.server.transport->next_deadline());  // nobody there to look after

    // Meanwhile somebody calls, and is in before the clock has moved by a second.
    RecordingLink& caller = door.pair.client.dial(door.url);
    const TimePoint called = door.pair.clock.now();
    while (caller.ups == 0 && door.pair.clock.now() - called < 1s)
      flood();
    CHECK(caller.ups == 1);
    CHECK(door.pair.server.accepted.size() == 1);
    CHECK(door.counters().bad_cookies == crowd.datagrams_out);
    CHECK(door.counters().refused_full == 0);
    CHECK(crowd.bytes_back == 0);
  }
}

TEST_CASE("enet flood: questions get back no more than they bring, and leave nothing behind") {
  for (const std::size_t size : {cookie_question(0).size(), kProbeBytes}) {
    Door door;
    Crowd crowd(300);
    for (int round = 0; round < 20; ++round) {
      crowd.send(door.port, [&](std::size_t i) {
        Datagram question = cookie_question(i);
        question.resize(size, 0xa5);
        return question;
      });
      door.pair.step();
      crowd.receive();
    }
    CHECK(crowd.datagrams_back > 0);
    CHECK(crowd.bytes_back <= crowd.bytes_out);
    CHECK(crowd.largest_back == size);
    CHECK_FALSE(door.pair.server.transport->next_deadline());
    CHECK(door.counters().malformed_datagrams == 0);
    CHECK(door.counters().bad_cookies == 0);
  }
}

TEST_CASE("enet flood: garbage, pieces of questions and answers at a listener are not answered") {
  Door door;
  RawSocket stranger;
  const Datagram question = cookie_question(7);
  std::uint64_t sent = 0;
  const auto try_one = [&](const Datagram& datagram) {
    stranger.send(door.port, datagram);
    ++sent;
    door.pair.step();
    CHECK_FALSE(stranger.receive());
  };
  for (std::size_t size = 1; size < question.size(); ++size)
    try_one(Datagram(question.begin(), question.begin() + static_cast<std::ptrdiff_t>(size)));
  Datagram changed = question;
  changed.push_back(0);
  try_one(changed);
  for (std::size_t at = 12; at < 16; ++at) {
    changed = question;
    changed[at] = 1;
    try_one(changed);
  }
  changed = question;
  changed[3] = '!';
  try_one(changed);
  CHECK(door.counters().malformed_datagrams == sent);
}

TEST_CASE("enet cookie: one of another address or port is refused, replayed or not") {
  Door door;
  RawSocket honest;
  const std::uint32_t cookie = door.cookie_of(honest);
  RawSocket other_port;
  RawSocket other_address(kLoopback + 1);
  CHECK_FALSE(door.lets_in(other_port, cookie));
  CHECK_FALSE(door.lets_in(other_address, cookie));
  CHECK(door.counters().bad_cookies == 2);
  CHECK(door.lets_in(honest, cookie));
  CHECK_FALSE(door.lets_in(other_port, cookie));
  CHECK(door.counters().bad_cookies == 3);
}

TEST_CASE("enet cookie: one of the last key is taken, an expired one is not") {
  Door door;
  RawSocket first;
  RawSocket second;
  const std::uint32_t cookie = door.cookie_of(first);
  const std::uint32_t second_cookie = door.cookie_of(second);
  door.pair.run(16s);
  CHECK(door.lets_in(first, cookie));  // the key has changed meanwhile
  CHECK(door.cookie_of(second) != second_cookie);
  door.pair.run(15s);
  CHECK_FALSE(door.lets_in(second, second_cookie));
  CHECK(door.counters().bad_cookies == 1);
}

TEST_CASE("enet cookie: one of another listener is refused") {
  Door door;
  RawSocket socket;
  const std::uint32_t cookie =
      fetch_cookie(socket, door.pair.address.port, [&] { door.pair.step(); });
  CHECK_FALSE(door.lets_in(socket, cookie));
  CHECK(door.counters().bad_cookies == 1);
}

TEST_CASE("enet cookie: a CONNECT sent a thousand times takes one slot and is not echoed") {
  Door door;
  RawSocket socket;
  const ConnectDatagram call{.data = door.cookie_of(socket)};
  std::size_t back = 0;
  for (int i = 0; i < 1000; ++i) {
    socket.send(door.port, call.bytes());
    if (i % 100 == 99) door.pair.step();
  }
  while (const auto answer = socket.receive())
    back += answer->first.size();
  CHECK(back > 0);
  CHECK(back <= call.bytes().size());
}

/// A listener with as many slots as there can be, somebody who is in, and a flood at the door.
struct WideDoor {
  explicit WideDoor(const std::function<void(detail::TransportContext&)>& change = [](auto&) {})
      : pair(change) {
    const auto wide = pair.server.listen("enet://127.0.0.1:0", 4063, 1);
    REQUIRE(wide);
    port = wide->port;
    caller = pair.connect(wide->to_string()).first;
    callee = pair.server.accepted.back().get();
    pair.run(50ms);
  }
  /// Calls with one cookie and ever new ids; then who is in says something.
  void flood(int calls) {
    const std::uint32_t cookie = fetch_cookie(socket, port, [this] { pair.step(); });
    for (int i = 0; i < calls; ++i) {
      socket.send(port,
                  ConnectDatagram{.id = static_cast<std::uint32_t>(i), .data = cookie}.bytes());
    }
    caller->send("behind the flood");
    pair.client.flush();
  }

  EnetPair pair;
  RawSocket socket;
  std::uint16_t port = 0;
  RecordingLink* caller = nullptr;
  RecordingLink* callee = nullptr;
};

TEST_CASE("enet flood: callers whom a look at all slots is spent on end the pass in time") {
  WideDoor door;
  door.flood(300);  // each takes two looks, of which a pass has 512
  door.pair.server.service();
  CHECK(door.callee->arrived.empty());
  CHECK(*door.pair.server.transport->next_deadline() <= door.pair.clock.now());
  door.pair.server.service();
  CHECK(door.callee->texts() == std::vector<std::string>{"behind the flood"});
}

TEST_CASE("enet flood: who calls too often is turned away before a look is spent on him") {
  detail::ConnectRate rate(1, detail::SipHash::Key{});
  WideDoor door([&](detail::TransportContext& context) { context.connect_rate = &rate; });
  const std::uint64_t before = door.pair.server.transport->counters().refused_rate;
  door.flood(530);  // more than a pass has looks for
  door.pair.server.service();
  CHECK(door.callee->texts() == std::vector<std::string>{"behind the flood"});
  CHECK(door.pair.server.transport->counters().refused_rate >= before + 526);
}

TEST_CASE("enet: a call whose answers are lost comes up by an answer that ENet repeats") {
  EnetPair pair;
  TamperingProxy proxy(pair.address.port);
  std::size_t calls = 0;
  std::size_t lost = 0;
  // ENet's first CONNECT alone gets through, and its answer does not at first.
  proxy.to_listener = [&](Datagram& datagram) { return datagram.size() != 56 || ++calls == 1; };
  proxy.to_caller = [&](Datagram& datagram) {
    const bool is_answer = datagram.size() >= 52 && datagram[0] != 'T';
    return !is_answer || ++lost > 2;
  };
  RecordingLink& caller = pair.client.dial(proxy.url());
  const auto step = [&] {
    pair.step();
    proxy.step();
  };
  REQUIRE(wait_until(step, [&] { return caller.ups == 1 && pair.server.accepted.size() == 1; }));
  CHECK(lost == 3);
  CHECK(calls > 1);
}

TEST_CASE("enet cookie: whoever calls again and again from one port has one half-open slot") {
  Door door;
  RawSocket socket;
  const std::uint32_t cookie = door.cookie_of(socket);
  for (std::uint32_t id = 1; id <= 200; ++id)
    CHECK(door.lets_in(socket, ConnectDatagram{.id = id, .data = cookie}));
  for (std::size_t i = 1; i < kSlotsForOne; ++i)
    door.pair.client.dial(door.url);
  CHECK(door.pair.run_until([&] { return door.pair.server.accepted.size() == kSlotsForOne - 1; }));
  CHECK(door.counters().refused_full == 0);
}

TEST_CASE("enet: half-open peers have the handshake's time and no more") {
  for (const Duration handshake : {2s, 40s}) {  // ENet would take 31.5 s
    INFO("seconds " << handshake / 1s);
    Door door([&](detail::TransportContext& context) { context.handshake = handshake; });
    Crowd crowd(kSlotsForOne);
    const TimePoint before = door.pair.clock.now();
    for (const auto& socket : crowd.sockets)
      CHECK(door.lets_in(*socket, door.cookie_of(*socket)));
    const TimePoint all_in = door.pair.clock.now();
    RawSocket late;
    std::uint32_t cookie = door.cookie_of(late);
    CHECK_FALSE(door.lets_in(late, cookie));
    CHECK(door.counters().refused_full == 1);
    door.pair.run(before + handshake - 20ms - door.pair.clock.now());
    cookie = door.cookie_of(late);
    CHECK_FALSE(door.lets_in(late, cookie));
    CHECK(door.counters().refused_full == 2);
    door.pair.run(before + handshake + 10ms - door.pair.clock.now());
    CHECK(door.lets_in(late, cookie));

    // The others follow, each at its time, and are not written to any more.
    door.pair.run(all_in + handshake + 10ms - door.pair.clock.now());
    crowd.receive();
    crowd.bytes_back = 0;
    door.pair.run(handshake + 300ms);
    crowd.receive();
    CHECK(crowd.bytes_back == 0);
    CHECK_FALSE(door.pair.server.transport->next_deadline());
    CHECK(door.pair.server.accepted.empty());
  }
}

TEST_CASE("enet: one address takes no more slots than its limit, and two to be told why") {
  Door door([](detail::TransportContext& context) { context.max_links_per_address = 2; });
  std::vector<std::unique_ptr<RawSocket>> sockets;
  for (int i = 0; i < 6; ++i) {
    sockets.push_back(std::make_unique<RawSocket>(kLoopback + 5));
    CHECK(door.lets_in(*sockets.back(), door.cookie_of(*sockets.back())) == (i < 4));
  }
  CHECK(door.counters().refused_address == 2);
  RawSocket elsewhere(kLoopback + 6);
  CHECK(door.lets_in(elsewhere, door.cookie_of(elsewhere)));
}

TEST_CASE("enet: who lets the ends of its connections hang has no more slots for it") {
  Door door([](detail::TransportContext& context) { context.max_links_per_address = 1; });
  std::vector<std::unique_ptr<TamperingProxy>> ways;
  for (std::size_t i = 0; i < 3; ++i) {
    ways.push_back(std::make_unique<TamperingProxy>(door.port));
    TamperingProxy& way = *ways.back();
    RecordingLink& caller = door.pair.client.dial(way.url());
    const auto step = [&] {
      door.pair.step();
      way.step();
    };
    REQUIRE(wait_until(
        step, [&] { return caller.ups == 1 && door.pair.server.accepted.size() == i + 1; }));
    // The way is not served any more, and no acknowledgement comes back.
    door.pair.server.accepted[i]->link->close();
  }
  door.pair.step();
  RawSocket next;
  CHECK_FALSE(door.lets_in(next, door.cookie_of(next)));
  CHECK(door.counters().refused_address == 1);
  door.pair.run(11s);  // what hangs is cut after the idle time
  CHECK(door.lets_in(next, door.cookie_of(next)));
}

TEST_CASE("enet flood: above what ENet has room for, callers hear that the host is full") {
  constexpr std::size_t most = 4063, further = 3;
  const ManyDescriptors descriptors(most + further);
  if (descriptors.further() < most + further) return;
  PairOptions options;
  options.server.limits.max_connections = 5000;
  options.client.limits.max_connections = 5000;
  HostPair pair(enet_scheme(), std::move(options));
  const auto call = [&](std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      REQUIRE(pair.client->connect(pair.address.to_string()));
      if (i % 50 == 0) pair.step();
    }
  };
  const auto connected = [&] { return pair.client.log.count(EventType::connected); };
  call(most);
  REQUIRE(pair.until([&] { return connected() == most; }));
  call(further);
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::error) == further; }));
  CHECK(pair.client.log.last(EventType::error).error.code == ErrorCode::server_full);
  CHECK(connected() == most);
  CHECK(pair.server->stats().refused_full == further);
}

TEST_CASE("enet flood: after a stall it does not keep a host in the past") {
  EnetPair pair;
  TamperingProxy proxy(pair.address.port);
  const auto step = [&](Duration by = 1ms) {
    pair.step(by);
    proxy.step();
  };
  RecordingLink& caller = pair.client.dial(proxy.url());
  REQUIRE(wait_until(step, [&] { return caller.ups == 1 && pair.server.accepted.size() == 1; }));
  RecordingLink& callee = *pair.server.accepted[0];
  caller.send("hello");
  REQUIRE(wait_until(step, [&] { return !callee.arrived.empty(); }));

  RawSocket stranger;
  const auto flood = [&](int datagrams) {
    for (int i = 0; i < datagrams; ++i)
      stranger.send(pair.address.port, Datagram(8, 0xff));
  };
  flood(4000);
  pair.step(300ms);
  proxy.to_caller = [](Datagram&) { return false; };
  callee.send("lost once");
  pair.server.flush();
  proxy.step();
  proxy.to_caller = [](Datagram&) { return true; };
  for (int round = 0; round < 200 && caller.arrived.empty(); ++round) {
    flood(2100);
    step(10ms);
  }
  CHECK(caller.texts() == std::vector<std::string>{"lost once"});
}

TEST_CASE("enet flood: a host counts what it turns away, and its slots stay free") {
  PairOptions options;
  options.server.limits.max_connections = 1;
  HostPair pair(enet_scheme(), std::move(options));
  Crowd crowd(100);
  std::uint32_t id = 0;
  const auto flood = [&] {
    crowd.send(pair.address.port,
               [&](std::size_t) { return ConnectDatagram{.id = ++id, .data = id}.bytes(); });
  };
  for (int i = 0; i < 10; ++i) {
    flood();
    pair.step();
  }
  const auto dialled = pair.client->connect(pair.address.to_string());
  REQUIRE(dialled);
  const auto is_up = [&] {
    flood();
    return dialled->is_open() && pair.server->is_connected();
  };
  CHECK(pair.until(is_up, 1ms, 1s));
  pair.step();
  crowd.receive();
  CHECK(crowd.bytes_back == 0);
  const HostStats stats = pair.server->stats();
  CHECK(stats.bad_cookies == crowd.datagrams_out);
  CHECK(stats.open_connections == 1);
  CHECK(stats.accepted == 1);
  CHECK(stats.handshakes_failed == 0);
  CHECK(stats.refused_full == 0);
  CHECK(stats.malformed_datagrams == 0);
}

}  // namespace
}  // namespace tickwire::test
