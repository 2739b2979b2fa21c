// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cstdint>
#include <functional>

#include "test/net/enet_proxied_pair.hpp"

/// A peer that talks, takes in what it is sent, and does not acknowledge it as it should.
namespace tickwire::test {
namespace {

constexpr std::size_t kHead = 8;  // of a datagram with its time
constexpr std::uint8_t kNeverSent = 0xc0;

/// Where an acknowledgement stands in a datagram.
struct Acknowledgement {
  std::uint8_t channel = 0;
  std::uint8_t* number = nullptr;  // its high byte; the low one follows
};

/// Calls for each acknowledgement of a caller's datagram, and seals it again.
class Forger {
 public:
  using Change = std::function<void(Acknowledgement)>;

  bool pass(Datagram& datagram, const Change& change) {
    if (datagram.size() == 56) id_.assign(datagram.begin() + 48, datagram.begin() + 52);
    if (datagram.size() == 56 || datagram[0] == 'T' || id_.empty()) return true;
    const std::size_t head = (datagram[0] & 0x80) != 0 ? kHead : kHead - 2;
    for (std::size_t at = head; at < datagram.size() && datagram[at] != 0;) {
      if (datagram[at] == 1) change({datagram[at + 1], &datagram[at + 4]});
      at += command_bytes(datagram, at);
    }
    seal(datagram, head, id_);
    return true;
  }

 private:
  static std::size_t command_bytes(const Datagram& datagram, std::size_t at) {
    const auto length = [&](std::size_t behind) {
      return static_cast<std::size_t>(datagram[at + behind] << 8 | datagram[at + behind + 1]);
    };
    switch (datagram[at] & 0x0f) {
      case 5:
        return 4;  // a ping
      case 6:
        return 6 + length(4);  // reliable
      case 9:
        return 8 + length(6);  // unsequenced
      default:
        return 8;
    }
  }

  Datagram id_;
};

/// Both ends of a link say something every tenth of a second, the caller's end as `change` has it.
struct Talk : ProxiedPair {
  void begin(Forger::Change change) {
    caller = &connect();
    callee = server.accepted[0].get();
    caller->send("the first word");
    REQUIRE(run_until([this] { return callee->arrived.size() == 1; }));
    run(100ms);
    forge = std::move(change);
  }
  /// Returns how long it took until the callee's link was down, or so much.
  Duration talk(Duration most) {
    const TimePoint begun = clock.now();
    for (int i = 0; callee->downs == 0 && clock.now() - begun < most; ++i) {
      if (i % 10 == 0) {
        caller->send("are you there?");
        callee->send("yes");
      }
      step(10ms);
    }
    return clock.now() - begun;
  }
  Talk() {
    proxy.to_listener = [this](Datagram& datagram) {
      return forger.pass(datagram, [this](Acknowledgement each) {
        if (forge) forge(each);
      });
    };
  }

  Forger forger;
  Forger::Change forge;
  RecordingLink* caller = nullptr;
  RecordingLink* callee = nullptr;
};

TEST_CASE("enet: a peer that acknowledges only what was never sent is given up") {
  Talk pair;
  pair.begin([](Acknowledgement each) { *each.number = kNeverSent; });
  const Duration lasted = pair.talk(60s);
  CHECK(lasted >= 19s);  // twice the idle time, seen every quarter of a second
  CHECK(lasted < 21s);
  REQUIRE(pair.callee->downs == 1);
  CHECK(pair.callee->down->code == ErrorCode::connection_lost);
  CHECK(pair.caller->arrived.size() > 100);
}

TEST_CASE("enet: a peer that acknowledges all but the oldest packet is given up") {
  Talk pair;
  std::uint8_t missing = 0;
  pair.begin([&](Acknowledgement each) {
    if (each.channel == 0xff) return;
    if (missing == 0) missing = each.number[1];
    if (each.number[1] == missing) *each.number = kNeverSent;
  });
  const Duration lasted = pair.talk(200s);
  CHECK(lasted >= 159s);  // eight times as long: honest peers over bad networks have such packets
  CHECK(lasted < 161s);
  REQUIRE(pair.callee->downs == 1);
  CHECK(pair.callee->down->code == ErrorCode::connection_lost);
}

TEST_CASE("enet: a peer that acknowledges late, and more than was sent, is kept") {
  Talk pair;
  std::size_t seen = 0;
  // Of each ten, nine say nothing: the packets come again, and so do their acknowledgements.
  pair.begin([&](Acknowledgement each) {
    if (++seen % 10 != 0) *each.number = kNeverSent;
  });
  pair.talk(60s);
  CHECK(pair.callee->downs == 0);
  CHECK(pair.caller->downs == 0);
}

TEST_CASE("enet: control packets that wait for an answer end at a bound, where data leaves room") {
  ProxiedPair pair;
  RecordingLink& caller = pair.connect();
  pair.proxy.to_listener = [](Datagram&) { return false; };
  while (caller.link->capacity_bytes(Lane::reliable) > 0)
    caller.send(noise(1000, 2));
  const std::size_t room = caller.link->capacity_bytes(Lane::control);
  CHECK(room == 64 * 1024);
  std::size_t sent = 0;
  for (; caller.link->capacity_bytes(Lane::control) > 0 && sent < 10'000; ++sent) {
    caller.send(noise(100, 3), Lane::control);
    if (sent % 50 == 0) pair.step();
  }
  CHECK(sent <= room / 100);
  pair.run(1s);
  CHECK(caller.link->capacity_bytes(Lane::control) == 0);
  pair.proxy.to_listener = [](Datagram&) { return true; };
  REQUIRE(pair.run_until([&] { return caller.link->capacity_bytes(Lane::control) == room; }));
}

}  // namespace
}  // namespace tickwire::test
