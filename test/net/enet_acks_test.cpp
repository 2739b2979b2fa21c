// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "test/net/enet_raw_socket.hpp"
#include "test/net/enet_rig.hpp"

/// When acknowledgements leave: with what is said in the same pass, or at its end.
namespace tickwire::test {
namespace {

/// A link through a proxy that counts the datagrams of each direction.
struct CountedPair {
  CountedPair() {
    proxy.to_listener = [this](Datagram&) { return ++to_listener, true; };
    proxy.to_caller = [this](Datagram&) { return ++to_caller, true; };
    caller = &pair.client.dial(proxy.url());
    REQUIRE(wait_until([this] { step(); },
                       [this] { return caller->ups == 1 && pair.server.accepted.size() == 1; }));
    callee = pair.server.accepted[0].get();
    for (int i = 0; i < 20; ++i)
      step();
    to_listener = to_caller = 0;
  }

  void step() {
    pair.step();
    proxy.step();
  }

  EnetPair pair;
  TamperingProxy proxy{pair.address.port};
  RecordingLink* caller = nullptr;
  RecordingLink* callee = nullptr;
  int to_listener = 0;
  int to_caller = 0;
};

TEST_CASE("enet: an acknowledgement leaves with the answer, in one datagram each way") {
  CountedPair link;
  link.callee->when_packet = [&] { link.callee->send("answer"); };
  link.caller->when_packet = [&] {
    if (link.caller->arrived.size() < 10) link.caller->send("question");
  };
  link.caller->send("question");
  const auto ten_answers = [&] { return link.caller->arrived.size() == 10; };
  REQUIRE(wait_until([&] { link.step(); }, ten_answers));
  // ENet's own turns, one in ten milliseconds, acknowledge by themselves what comes in them.
  CHECK(link.to_listener <= 13);
  CHECK(link.to_caller <= 13);
}

TEST_CASE("enet: what nobody answers is acknowledged by the flush of the same pass") {
  CountedPair link;
  link.caller->send("to be acknowledged");
  link.pair.client.flush();
  link.proxy.step();
  CHECK(link.to_listener == 1);
  link.pair.server.service();
  link.proxy.step();
  CHECK(link.callee->arrived.size() == 1);
  CHECK(link.to_caller == 0);
  link.pair.server.flush();
  link.proxy.step();
  CHECK(link.to_caller == 1);
  link.pair.client.service();
  link.pair.client.flush();
  link.proxy.step();
  CHECK(link.to_listener == 1);  // nobody acknowledges an acknowledgement
}

TEST_CASE("enet: datagrams of one pass share an acknowledging datagram") {
  CountedPair link;
  for (int i = 0; i < 10; ++i) {
    link.caller->send(noise(1000, 1));
    link.pair.client.flush();
  }
  link.proxy.step();
  CHECK(link.to_listener == 10);
  link.pair.server.service();
  link.pair.server.flush();
  link.proxy.step();
  CHECK(link.callee->arrived.size() == 10);
  CHECK(link.to_caller == 1);
}

TEST_CASE("enet: a pass that reads much acknowledges some of it before it has read all") {
  CountedPair link;
  for (int i = 0; i < 40; ++i) {
    link.caller->send("one datagram each");
    link.pair.client.flush();
  }
  link.proxy.step();
  link.pair.server.service();
  link.proxy.step();
  CHECK(link.callee->arrived.size() == 40);
  CHECK(link.to_caller == 1);
  link.pair.server.flush();
  link.proxy.step();
  CHECK(link.to_caller == 2);
}

TEST_CASE("enet: who hears a goodbye is down in the next pass, which is due at once") {
  EnetPair pair;
  const auto [caller, callee] = pair.connect();
  pair.run(50ms);
  caller->link->close();
  pair.client.flush();
  pair.server.service();
  pair.server.flush();
  if (callee->downs == 0) {
    REQUIRE(pair.server.transport->next_deadline());
    CHECK(*pair.server.transport->next_deadline() <= pair.clock.now());
    pair.server.service();
  }
  CHECK(callee->downs == 1);
}

TEST_CASE("enet: a flood that never ends does not keep a lost packet from being sent again") {
  CountedPair link;
  link.proxy.to_caller = [](Datagram&) { return false; };
  link.callee->send("lost once");
  link.pair.server.flush();
  link.proxy.step();
  link.proxy.to_caller = [](Datagram&) { return true; };
  RawSocket stranger;
  const auto flooded = [&] {
    for (int i = 0; i < 2100; ++i)  // more than a pass reads
      stranger.send(link.pair.address.port, Datagram(8, 0xff));
    link.pair.step(10ms);
    link.proxy.step();
  };
  REQUIRE(wait_until(flooded, [&] { return !link.caller->arrived.empty(); }));
}

}  // namespace
}  // namespace tickwire::test
