// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cstdint>
#include <functional>

#include "test/net/enet_raw_socket.hpp"
#include "test/net/enet_rig.hpp"

/// A peer that makes ENet's lists long and has them searched for nothing.
namespace tickwire::test {
namespace {

constexpr std::size_t kCommands = 32;  // as many as a datagram may bring

/// A caller whose secret is known, so that anything can be said in its name.
struct Hostile {
  Hostile() {
    proxy.to_listener = [this](Datagram& datagram) {
      if (datagram.size() == 56) id.assign(datagram.begin() + 48, datagram.begin() + 52);
      if (datagram.size() != 56 && (datagram[0] & 0x80) != 0) {
        header.assign(datagram.begin(), datagram.begin() + 8);
      }
      return true;
    };
    RecordingLink& caller = pair.client.dial(proxy.url());
    REQUIRE(wait_until([this] { step(); },
                       [&] { return caller.ups == 1 && pair.server.accepted.size() == 1; }));
    callee = pair.server.accepted[0].get();
    caller.send("a header to copy");
    REQUIRE(wait_until([this] { step(); }, [this] { return callee->arrived.size() == 1; }));
    proxy.to_caller = [](Datagram&) { return false; };  // from here on it is deaf
    pair.server.flush();
  }

  void step() {
    pair.step();
    proxy.step();
  }
  /// The server's pass, at a time that stands still: nobody is watched over.
  void pass() {
    pair.server.service();
    pair.server.flush();
  }
  /// A datagram of as many commands as it takes.
  void say(const std::function<Datagram()>& command) const {
    Datagram all = header;
    for (std::size_t i = 0; i < kCommands; ++i) {
      const Datagram each = command();
      all.insert(all.end(), each.begin(), each.end());
    }
    seal(all, 8, id);
    proxy.send_to_listener(all);
  }
  /// Piles up so many packets behind a gap, from the hundredth on.
  void pile(std::size_t packets) {
    for (std::size_t i = 0; i < packets / kCommands && callee->downs == 0; ++i) {
      say([this] { return reliable(next++); });
      if (i % 32 == 31) pass();
    }
    pass();
  }
  static Datagram reliable(std::uint32_t number) {
    const auto high = static_cast<std::uint8_t>(number >> 8);
    const auto low = static_cast<std::uint8_t>(number);
    return {0x06, 3, high, low, 0, 1, 'x'};
  }
  /// Acknowledges what was sent now, if it was sent at all.
  static Datagram acknowledgement(std::uint32_t number, const Datagram& like) {
    const auto high = static_cast<std::uint8_t>(number >> 8);
    const auto low = static_cast<std::uint8_t>(number);
    return {0x01, 1, 0, 0, high, low, like[2], like[3]};
  }

  EnetPair pair;
  TamperingProxy proxy{pair.address.port};
  RecordingLink* callee = nullptr;
  Datagram id;
  Datagram header;
  std::uint32_t next = 100;
};

TEST_CASE("enet toil: a peer that piles up packets behind a gap is cut in the same pass") {
  Hostile hostile;
  hostile.pile(8000);
  CHECK(hostile.callee->downs == 0);
  hostile.pile(2000);
  REQUIRE(hostile.callee->downs == 1);
  CHECK(hostile.callee->down->code == ErrorCode::protocol_violation);
  CHECK(hostile.callee->arrived.size() == 1);
}

TEST_CASE("enet toil: a peer that repeats the oldest of what waits ends the read, and is cut") {
  Hostile hostile;
  const auto [honest, there] = hostile.pair.connect();
  hostile.pile(8000);
  for (int i = 0; i < 20; ++i)
    hostile.say([] { return Hostile::reliable(100); });
  honest->send("among them");
  hostile.pair.client.flush();
  for (int i = 0; i < 80; ++i)
    hostile.say([] { return Hostile::reliable(100); });
  hostile.pass();
  CHECK(there->arrived.empty());
  CHECK(*hostile.pair.server.transport->next_deadline() <= hostile.pair.clock.now());
  CHECK(hostile.callee->downs == 0);
  for (int i = 0; i < 5; ++i)
    hostile.pass();
  CHECK(there->texts() == std::vector<std::string>{"among them"});
  REQUIRE(hostile.callee->downs == 1);
  CHECK(hostile.callee->down->code == ErrorCode::protocol_violation);
  CHECK(there->downs == 0);
}

TEST_CASE("enet toil: a peer that acknowledges what was never sent is cut") {
  Hostile hostile;
  for (int i = 0; i < 3000; ++i)
    hostile.callee->send("never acknowledged");
  hostile.pass();
  for (int i = 0; i < 100; ++i) {
    hostile.say([&] { return Hostile::acknowledgement(50'000, hostile.header); });
    hostile.pass();
  }
  REQUIRE(hostile.callee->downs == 1);
  CHECK(hostile.callee->down->code == ErrorCode::protocol_violation);
}

TEST_CASE("enet toil: what is repeated without need costs nothing where nothing is searched") {
  Hostile hostile;
  hostile.pile(3200);
  for (int i = 0; i < 1000; ++i) {
    hostile.say([] { return Hostile::reliable(1); });                  // has arrived
    hostile.say([&] { return Hostile::reliable(hostile.next - 1); });  // the newest
    if (i % 100 == 99) hostile.pass();
  }
  CHECK(hostile.callee->downs == 0);
}

TEST_CASE("enet toil: a forged datagram is not charged to the peer whose name it bears") {
  Hostile hostile;
  hostile.pile(8000);
  hostile.id[0] ^= 1;
  const std::uint64_t before = hostile.pair.server.transport->counters().malformed_datagrams;
  for (int i = 0; i < 200; ++i)
    hostile.say([] { return Hostile::reliable(100); });
  hostile.pass();
  CHECK(hostile.pair.server.transport->counters().malformed_datagrams == before + 200);
  CHECK(hostile.callee->downs == 0);
}

}  // namespace
}  // namespace tickwire::test
