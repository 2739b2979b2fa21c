// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "lib/platform/whole_datagrams.hpp"
#include "test/net/enet_raw_socket.hpp"
#include "test/net/enet_rig.hpp"

/// How large datagrams become: as large as a probe that has passed, or as any network passes.
namespace tickwire::test {
namespace {

// Packets in a datagram of either size.
constexpr std::size_t kUsual = 1328;
constexpr std::size_t kLarge = 4056;

/// A call through a proxy that changes or keeps what passes.
struct Way {
  explicit Way(DatagramSize callers = DatagramSize::probed,
               DatagramSize listeners = DatagramSize::probed)
      : pair([=](detail::TransportContext& context) { context.enet.datagrams = listeners; }),
        client{
            make_enet([=](detail::TransportContext& context) { context.enet.datagrams = callers; }),
            pair.clock,
            {}},
        proxy(pair.address.port) {}

  void step() {
    pair.step();
    client.service();
    client.flush();
    proxy.step();
  }
  /// The size of the packets that go there, which is that of those that come back.
  std::size_t connect() {
    caller = &client.dial(proxy.url());
    REQUIRE(wait_until([this] { step(); },
                       [this] { return caller->ups == 1 && pair.server.accepted.size() == 1; }));
    const auto traits = caller->link->traits();
    CHECK(traits.max_datagram_bytes == traits.max_packet_bytes);
    CHECK(pair.server.accepted[0]->link->traits().max_packet_bytes == traits.max_packet_bytes);
    return traits.max_packet_bytes;
  }
  /// Sends as much as goes into a packet, in both directions, and waits for it.
  void talk() {
    RecordingLink& callee = *pair.server.accepted[0];
    const std::string words = noise(caller->link->traits().max_packet_bytes, 1);
    caller->send(words, Lane::reliable);
    callee.send(words, Lane::reliable);
    REQUIRE(wait_until([this] { step(); },
                       [&] { return caller->arrived.size() == 1 && callee.arrived.size() == 1; }));
    CHECK(caller->texts()[0] == words);
    CHECK(callee.texts()[0] == words);
  }

  EnetPair pair;
  TransportHost client;
  TamperingProxy proxy;
  RecordingLink* caller = nullptr;
};

/// Makes a CONNECT want an MTU of 4,088.
void ask_for_large(Datagram& connect) {
  connect[18] = 0x0f;
  connect[19] = 0xf8;
  std::fill(connect.begin() + 4, connect.begin() + 8, std::uint8_t{0});
  detail::Crc32 crc;
  crc.add(std::as_bytes(std::span(connect)));
  for (std::size_t i = 0; i < 4; ++i)
    connect[4 + i] = static_cast<std::uint8_t>(crc.value() >> (24 - 8 * i));
}

TEST_CASE("enet probe: where large datagrams pass both ways, packets are large") {
  Way way;
  CHECK(way.connect() == kLarge);
  way.talk();
}

TEST_CASE(
    "enet probe: where they do not pass, in either direction, packets are of the usual size") {
  const auto keep_back = [](const Datagram& datagram) { return datagram.size() <= 1472; };
  for (const bool there : {true, false}) {
    Way way;
    (there ? way.proxy.to_listener : way.proxy.to_caller) = keep_back;
    CHECK(way.connect() == kUsual);
    way.talk();
  }
}

TEST_CASE("enet probe: an answer to the question alone that comes first settles it") {
  Way way;
  Datagram probe;
  way.proxy.to_listener = [&](Datagram& datagram) {
    if (datagram.size() != kProbeBytes) return true;
    probe = datagram;
    return false;
  };
  CHECK(way.connect() == kUsual);
  way.proxy.send_to_listener(probe);
  for (int i = 0; i < 50; ++i)
    way.step();
  way.talk();
  CHECK(way.pair.client.transport->counters().malformed_datagrams == 0);
}

TEST_CASE("enet probe: an end that wants the usual size neither asks nor answers") {
  for (const bool is_caller : {true, false}) {
    std::size_t probes_there = 0;
    std::size_t probes_back = 0;
    Way way(is_caller ? DatagramSize::usual : DatagramSize::probed,
            is_caller ? DatagramSize::probed : DatagramSize::usual);
    way.proxy.to_listener = [&](Datagram& datagram) {
      probes_there += datagram.size() == kProbeBytes ? 1 : 0;
      return true;
    };
    way.proxy.to_caller = [&](Datagram& datagram) {
      probes_back += datagram.size() == kProbeBytes ? 1 : 0;
      return true;
    };
    CHECK(way.connect() == kUsual);
    CHECK((probes_there == 0) == is_caller);
    CHECK(probes_back == 0);
    way.talk();
  }
}

TEST_CASE("enet probe: an answer that is filled up does not talk a caller into large packets") {
  Way way(DatagramSize::usual);
  way.proxy.to_caller = [](Datagram& datagram) {
    if (datagram.size() == 16) datagram.resize(kProbeBytes);
    return true;
  };
  CHECK(way.connect() == kUsual);
}

TEST_CASE("enet probe: a CONNECT does not talk a listener into more than it wants") {
  for (const auto wants : {DatagramSize::usual, DatagramSize::probed}) {
    Way way(DatagramSize::usual, wants);
    way.proxy.to_listener = [](Datagram& datagram) {
      if (datagram.size() == ConnectDatagram().bytes().size()) ask_for_large(datagram);
      return true;
    };
    RecordingLink& caller = way.client.dial(way.proxy.url());
    const auto& accepted = way.pair.server.accepted;
    REQUIRE(wait_until([&] { way.step(); }, [&] { return caller.ups == 1 && !accepted.empty(); }));
    CHECK(caller.link->traits().max_packet_bytes == kUsual);
    // Whoever says that large ones pass gets them.
    CHECK(accepted[0]->link->traits().max_packet_bytes ==
          (wants == DatagramSize::usual ? kUsual : kLarge));
  }
}

#if defined(__linux__)
TEST_CASE("datagrams travel whole for as long as somebody wants them to") {
  RawSocket socket;
  const auto option = [&] {
    int value = -1;
    socklen_t size = sizeof value;
    REQUIRE(::getsockopt(socket.handle(), IPPROTO_IP, IP_MTU_DISCOVER, &value, &size) == 0);
    return value;
  };
  const int before = option();
  {
    const detail::WholeDatagrams whole(socket.handle());
    CHECK(whole.is_on());
    CHECK(option() == IP_PMTUDISC_PROBE);
  }
  CHECK(option() == before);
  CHECK_FALSE(detail::WholeDatagrams(-1).is_on());
}
#endif

}  // namespace
}  // namespace tickwire::test
