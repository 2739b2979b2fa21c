// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "test/support/counting_resource.hpp"
#include "test/support/memory_pair.hpp"

using namespace std::chrono_literals;
using namespace tickwire;
using detail::Lane;
using test::MemoryPair;
using test::on_network;
using test::RecordingLink;
using test::TransportHost;
using Texts = std::vector<std::string>;

TEST_CASE("memory: a call to a name that listens brings both ends up") {
  MemoryPair pair;
  RecordingLink& caller = pair.client.dial("memory://server");
  CHECK(caller.ups == 0);
  pair.settle();
  CHECK(caller.ups == 1);
  CHECK(caller.downs == 0);
  CHECK(caller.link->peer().to_string() == "memory://server");
  REQUIRE(pair.server.accepted.size() == 1);
  CHECK(pair.server.accepted[0]->ups == 0);  // up from the start, and not told
  CHECK(pair.server.accepted[0]->link->peer().scheme == "memory");
  CHECK_FALSE(pair.server.accepted[0]->link->peer().host.empty());
}

TEST_CASE("memory: nothing is told outside of service") {
  MemoryPair pair;
  RecordingLink& nobody = pair.client.dial("memory://nobody");
  RecordingLink& caller = pair.client.dial("memory://server");
  CHECK(nobody.downs + caller.ups == 0);
  CHECK(pair.server.accepted.empty());
  pair.client.service();
  CHECK(nobody.downs == 1);
  CHECK(caller.ups == 0);  // the other host has not served yet
}

TEST_CASE("memory: a name that nobody listens to is refused with a sentence") {
  MemoryPair pair;
  RecordingLink& caller = pair.client.dial("memory://nobody");
  pair.settle();
  CHECK(caller.ups == 0);
  REQUIRE(caller.downs == 1);
  CHECK(caller.down->code == ErrorCode::connection_refused);
  CHECK(caller.down->message() == "Nobody listens at memory://nobody.");
}

TEST_CASE("memory: the first candidate that somebody listens to is called") {
  MemoryPair pair;
  RecordingLink& caller =
      pair.client.dial({*Address::parse("memory://nobody"), *Address::parse("memory://server")});
  pair.settle();
  CHECK(caller.ups == 1);
  CHECK(caller.link->peer().host == "server");
}

TEST_CASE("memory: a name has one listener at a time") {
  MemoryPair pair;
  const auto taken = pair.client.listen("memory://server");
  REQUIRE_FALSE(taken);
  CHECK(taken.error().code == ErrorCode::address_in_use);
  CHECK(taken.error().message() == "memory://server is taken by a host of this process.");
  CHECK(pair.server.listen("memory://second"));  // one host, two names
  CHECK_FALSE(pair.server.listen("memory://server"));

  SUBCASE("it is free again when the listener stops") {
    pair.server.transport->stop_listening();
  }
  SUBCASE("it is free again when the listener is destroyed") {
    pair.server.transport.reset();
  }
  CHECK(pair.client.listen("memory://server"));
  CHECK(pair.client.listen("memory://second"));
}

TEST_CASE("memory: each listener hands back its own number") {
  MemoryPair pair;
  REQUIRE(pair.server.listen("memory://other", 10, 7));
  pair.client.dial("memory://other");
  pair.client.dial("memory://server");
  pair.settle();
  CHECK(pair.server.incoming_listeners == std::vector<std::size_t>{7, 0});
}

TEST_CASE("memory: a host may call itself") {
  MemoryPair pair;
  RecordingLink& caller = pair.server.dial("memory://server");
  pair.settle();
  REQUIRE(caller.ups == 1);
  caller.send("to myself");
  CHECK(*pair.server.wakes == 0);  // it is awake, and reads its deadline before it sleeps
  pair.settle();
  CHECK(pair.server.accepted[0]->texts() == Texts{"to myself"});
}

TEST_CASE("memory: hosts on different networks do not see each other") {
  MemoryPair pair;
  MemoryPair elsewhere;
  TransportHost plain(on_network(nullptr), pair.clock);
  RecordingLink& caller = plain.dial("memory://server");
  plain.service();
  REQUIRE(caller.downs == 1);
  CHECK(caller.down->code == ErrorCode::connection_refused);
}

TEST_CASE("memory: hosts without a network share the process-wide one") {
  ManualClock clock;
  TransportHost a(on_network(nullptr), clock);
  TransportHost b(on_network(nullptr), clock);
  REQUIRE(a.listen("memory://process-wide"));
  RecordingLink& caller = b.dial("memory://process-wide");
  test::run_for(clock, a, b, 0s);
  CHECK(caller.ups == 1);
  CHECK_FALSE(caller.link->traits().loses_datagrams);
}

TEST_CASE("memory: a link tells what it can do") {
  MemoryPair pair;
  pair.connect();
  CHECK(pair.caller->link->traits().max_packet_bytes == 16 * 1024);
  CHECK(pair.caller->link->traits().max_datagram_bytes == 1200);
  CHECK(pair.caller->link->traits().loses_datagrams);  // a network of conditions may lose some
  CHECK(pair.caller->link->capacity_bytes(Lane::reliable) == 256 * 1024);
}

TEST_CASE("memory: a call that is turned away is refused") {
  MemoryPair pair;
  pair.server.turn_away = true;
  RecordingLink& caller = pair.client.dial("memory://server");
  pair.settle();
  CHECK(caller.ups == 0);
  REQUIRE(caller.downs == 1);
  CHECK(caller.down->code == ErrorCode::connection_refused);
  CHECK(caller.down->message() == "memory://server turned the connection down.");
}

TEST_CASE("memory: a listener with all its links taken says so, and takes one when one ends") {
  MemoryPair pair;
  REQUIRE(pair.server.listen("memory://small", 1));
  RecordingLink& first = pair.client.dial("memory://small");
  RecordingLink& second = pair.client.dial("memory://small");
  pair.settle();
  CHECK(first.ups == 1);
  REQUIRE(second.downs == 1);
  CHECK(second.down->code == ErrorCode::server_full);
  CHECK(second.down->message() == "memory://small has no free connection.");

  pair.server.accepted.clear();
  RecordingLink& third = pair.client.dial("memory://small");
  pair.settle();
  CHECK(third.ups == 1);
}

TEST_CASE("memory: the links of all listeners together have a limit") {
  MemoryPair pair;
  TransportHost small(on_network(pair.network), pair.clock, {.max_links = 2});
  REQUIRE(small.listen("memory://a"));
  REQUIRE(small.listen("memory://b"));
  RecordingLink& first = pair.client.dial("memory://a");
  RecordingLink& second = pair.client.dial("memory://b");
  RecordingLink& third = pair.client.dial("memory://b");
  test::run_for(pair.clock, pair.client, small, 0s);
  CHECK(first.ups + second.ups == 2);
  REQUIRE(third.downs == 1);
  CHECK(third.down->code == ErrorCode::server_full);
}

TEST_CASE("memory: packets of every size arrive whole, in both directions and on every lane") {
  MemoryPair pair;
  pair.connect();
  for (const std::size_t size : {0u, 1u, 1200u, 2048u, 16384u}) {
    for (const Lane lane : {Lane::control, Lane::reliable, Lane::datagram}) {
      if (lane == Lane::datagram && size > 1200) continue;
      CAPTURE(size);
      std::string text(size, 'x');
      for (std::size_t i = 0; i < size; ++i)
        text[i] = static_cast<char>(i * 31 + size);
      pair.caller->send(text, lane);
      pair.callee->send(text, lane);
      pair.settle();
      REQUIRE_FALSE(pair.callee->arrived.empty());
      REQUIRE_FALSE(pair.caller->arrived.empty());
      CHECK(pair.callee->arrived.back().text == text);
      CHECK(pair.caller->arrived.back().text == text);
    }
  }
}

TEST_CASE("memory: packets arrive in the order of sending when there are no conditions") {
  MemoryPair pair;
  pair.connect();
  Texts sent;
  for (int i = 0; i < 600; ++i) {
    sent.push_back(std::to_string(i));
    pair.caller->send(sent.back(),
                      i % 3 == 0   ? Lane::control
                      : i % 3 == 1 ? Lane::reliable
                                   : Lane::datagram,
                      static_cast<std::uint8_t>(i % 8));
  }
  pair.settle();
  CHECK(pair.callee->texts() == sent);
}

TEST_CASE("memory: a host may send from inside the call that brings the link") {
  MemoryPair pair;
  pair.server.when_incoming = [](RecordingLink& end) { end.send("welcome"); };
  RecordingLink& caller = pair.client.dial("memory://server");
  caller.when_up = [&] { caller.send("hello"); };
  pair.settle();
  CHECK(caller.ups == 1);
  CHECK(caller.texts() == Texts{"welcome"});
  CHECK(pair.server.accepted[0]->texts() == Texts{"hello"});
}

TEST_CASE("memory: what is sent before a dialled link is up goes nowhere") {
  MemoryPair pair;
  RecordingLink& caller = pair.client.dial("memory://server");
  CHECK(caller.link->capacity_bytes(Lane::reliable) == 0);
  caller.send("too early");
  pair.settle();
  CHECK(pair.server.accepted[0]->arrived.empty());
}

TEST_CASE("memory: a reply does not prolong the pass that it was made in") {
  MemoryPair pair;
  RecordingLink& caller = pair.server.dial("memory://server");  // both ends in one host
  pair.settle();
  RecordingLink& callee = *pair.server.accepted[0];
  caller.when_packet = [&] { caller.send("ping"); };
  callee.when_packet = [&] { callee.send("pong"); };
  caller.send("ping");
  for (std::size_t pass = 1; pass <= 5; ++pass) {
    pair.server.service();
    CHECK(caller.arrived.size() + callee.arrived.size() == pass);
  }
}

TEST_CASE("memory: a flood is handed out in passes, and the rest asks for the next pass") {
  MemoryPair pair;
  pair.connect();
  for (int i = 0; i < 2500; ++i)
    pair.caller->send(std::to_string(i));
  pair.server.service();
  CHECK(pair.callee->arrived.size() == 1024);
  REQUIRE(pair.server.transport->next_deadline());
  CHECK(*pair.server.transport->next_deadline() <= pair.clock.now());
  pair.server.service();
  pair.server.service();
  CHECK(pair.callee->arrived.size() == 2500);
  CHECK(pair.callee->arrived.back().text == "2499");
  CHECK_FALSE(pair.server.transport->next_deadline());
}

TEST_CASE("memory: capacity shrinks by what is under way, down to nothing, and takes more anyway") {
  MemoryPair pair;
  pair.connect();
  const std::string large(16 * 1024, 'x');
  for (std::size_t sent = 1; sent <= 16; ++sent) {
    pair.caller->send(large);
    CHECK(pair.caller->link->capacity_bytes(Lane::reliable) == 256 * 1024 - sent * large.size());
  }
  pair.caller->send("one more");
  CHECK(pair.caller->link->capacity_bytes(Lane::reliable) == 0);
  CHECK(pair.callee->link->capacity_bytes(Lane::reliable) ==
        256 * 1024);  // the other way has its own
  pair.server.service();
  CHECK(pair.callee->arrived.size() == 17);
  CHECK(pair.caller->link->capacity_bytes(Lane::reliable) == 256 * 1024);
}

TEST_CASE("memory: a sender is woken when half of the window is free again") {
  MemoryPair pair;
  pair.connect();
  pair.client.service();
  const std::string large(16 * 1024, 'x');
  for (int i = 0; i < 16; ++i)
    pair.caller->send(large);
  const int before = *pair.client.wakes;
  int woken_after = 0;
  pair.callee->when_packet = [&] {
    if (woken_after == 0 && *pair.client.wakes > before) {
      woken_after = static_cast<int>(pair.callee->arrived.size());
    }
  };
  pair.server.service();
  CHECK(woken_after == 9);  // 7 of 16 are still under way: below the half
  CHECK(*pair.client.wakes == before + 1);
}

TEST_CASE("memory: the other host is woken once, until it serves; the sender never") {
  MemoryPair pair;
  pair.connect();
  pair.settle();
  const int server_before = *pair.server.wakes;
  const int client_before = *pair.client.wakes;
  for (int i = 0; i < 10; ++i)
    pair.caller->send("x");
  CHECK(*pair.server.wakes == server_before + 1);
  pair.server.service();
  pair.caller->send("x");
  CHECK(*pair.server.wakes == server_before + 2);
  CHECK(*pair.client.wakes == client_before);
}

TEST_CASE("memory: an idle transport has no deadline") {
  MemoryPair pair;
  pair.connect();
  CHECK_FALSE(pair.client.transport->next_deadline());
  CHECK_FALSE(pair.server.transport->next_deadline());
}

TEST_CASE("memory: a steady flow allocates nothing from the hosts' memory") {
  MemoryPair pair;
  test::CountingResource memory;
  TransportHost server(on_network(pair.network), pair.clock, {.memory = &memory});
  TransportHost client(on_network(pair.network), pair.clock, {.memory = &memory});
  REQUIRE(server.listen("memory://steady"));
  RecordingLink& caller = client.dial("memory://steady");
  const auto frame = [&] {
    for (int i = 0; i < 20; ++i)
      caller.send("twenty bytes of data", Lane::datagram);
    test::run_for(pair.clock, client, server, 16ms);
    server.accepted[0]->arrived.clear();
  };
  test::run_for(pair.clock, client, server, 0s);
  frame();
  const std::size_t before = memory.allocations();
  for (int i = 0; i < 100; ++i)
    frame();
  CHECK(memory.allocations() == before);
}
