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

TEST_CASE("memory: a close lets everything arrive, then the other end hears of it") {
  MemoryPair pair(1, {.delay = 20ms, .jitter = 30ms});
  pair.connect();
  for (int i = 0; i < 50; ++i)
    pair.caller->send(std::to_string(i), i % 2 == 0 ? Lane::reliable : Lane::datagram,
                      static_cast<std::uint8_t>(i % 8));
  bool heard_before_the_end = false;
  pair.callee->when_packet = [&] { heard_before_the_end = pair.callee->downs == 0; };
  pair.caller->link->close();
  pair.callee->send("too late");

  SUBCASE("while the closing link lives on") {}
  SUBCASE("when the closing link is destroyed at once") {
    pair.caller->link.reset();
  }
  SUBCASE("when the closing host is destroyed at once") {
    pair.client.dialled.clear();
    pair.client.transport.reset();
    pair.caller = nullptr;
  }
  for (int step = 0; step < 100; ++step) {
    pair.clock.advance(1ms);
    if (pair.client.transport) pair.client.service();
    pair.server.service();
  }
  CHECK(pair.callee->arrived.size() == 50);
  CHECK(heard_before_the_end);
  REQUIRE(pair.callee->downs == 1);
  CHECK(pair.callee->down->code == ErrorCode::connection_reset);
  CHECK(pair.callee->down->message().find("closed the connection.") != std::string::npos);
  if (pair.caller != nullptr) {
    CHECK(pair.caller->downs == 0);
    CHECK(pair.caller->arrived.empty());
  }
}

TEST_CASE("memory: when a link is destroyed, what was due arrives before the other end hears") {
  MemoryPair pair;
  pair.connect();
  pair.caller->send("a last word");
  pair.caller->link.reset();
  pair.settle();
  CHECK(pair.callee->texts() == Texts{"a last word"});
  REQUIRE(pair.callee->downs == 1);
  CHECK(pair.callee->down->code == ErrorCode::connection_reset);
  CHECK(pair.callee->down->message().find("dropped the connection.") != std::string::npos);
}

TEST_CASE("memory: sending to an end that is gone is harmless") {
  MemoryPair pair;
  pair.connect();
  pair.callee->link.reset();
  pair.caller->send("into the void");
  pair.caller->send("into the void", Lane::datagram);
  pair.settle();
  CHECK(pair.caller->downs == 1);
  pair.caller->send("after the end");
  pair.caller->link->close();
  pair.caller->link->close();
  pair.settle();
  CHECK(pair.caller->downs == 1);
  CHECK(pair.caller->link->capacity_bytes(Lane::reliable) == 0);
  CHECK(pair.network->stats().open_links == 0);
  CHECK(pair.network->stats().packets_in_flight == 0);
}

TEST_CASE("memory: a link may be destroyed inside a call to its handler") {
  MemoryPair pair;
  SUBCASE("on_link_up") {
    RecordingLink& caller = pair.client.dial("memory://server");
    caller.when_up = [&] { caller.link.reset(); };
    pair.settle();
    CHECK(caller.ups == 1);
    CHECK(pair.server.accepted[0]->downs == 1);
  }
  SUBCASE("on_incoming, though it was taken") {
    pair.server.when_incoming = [](RecordingLink& end) { end.link.reset(); };
    RecordingLink& caller = pair.client.dial("memory://server");
    pair.settle();
    CHECK(caller.ups == 0);
    CHECK(caller.downs == 1);
  }
  SUBCASE("on_packet, with more of them waiting") {
    pair.connect();
    pair.callee->when_packet = [&] { pair.callee->link.reset(); };
    for (int i = 0; i < 10; ++i)
      pair.caller->send("x");
    pair.settle();
    CHECK(pair.callee->arrived.size() == 1);
    CHECK(pair.callee->downs == 0);
    CHECK(pair.caller->downs == 1);
    CHECK(pair.network->stats().packets_abandoned == 9);
  }
  SUBCASE("on_link_down") {
    pair.connect();
    pair.callee->when_down = [&] { pair.callee->link.reset(); };
    pair.caller->link.reset();
    pair.settle();
    CHECK(pair.callee->downs == 1);
  }
  SUBCASE("on_link_down of a call that nobody answers") {
    RecordingLink& caller = pair.client.dial("memory://nobody");
    caller.when_down = [&] { caller.link.reset(); };
    pair.settle();
    CHECK(caller.downs == 1);
  }
  SUBCASE("on_packet of another link of the same host") {
    pair.connect();
    RecordingLink* first = pair.callee;
    pair.connect();
    first->when_packet = [&] { pair.callee->link.reset(); };
    pair.callee->when_packet = [&] { first->link.reset(); };
    for (auto& end : pair.client.dialled)
      end->send("x");
    pair.settle();
    CHECK(first->arrived.size() + pair.callee->arrived.size() == 1);
  }
  CHECK(pair.network->stats().packets_in_flight == 0);
}

TEST_CASE("memory: a link closed inside a call to its handler hears nothing more") {
  MemoryPair pair;
  pair.connect();
  pair.callee->when_packet = [&] { pair.callee->link->close(); };
  for (int i = 0; i < 10; ++i)
    pair.caller->send("x");
  pair.settle();
  CHECK(pair.callee->arrived.size() == 1);
  CHECK(pair.callee->downs == 0);
  CHECK(pair.caller->downs == 1);
}

TEST_CASE("memory: a caller that gives up before the call arrives is never heard of") {
  MemoryPair pair(1, {.delay = 20ms});
  RecordingLink& caller = pair.client.dial("memory://server");
  SUBCASE("by a close") {
    caller.link->close();
  }
  SUBCASE("by its end") {
    caller.link.reset();
  }
  pair.run(1s);
  CHECK(pair.server.accepted.empty());
  CHECK(caller.ups + caller.downs == 0);
  CHECK(pair.network->stats().open_links == 0);
}

TEST_CASE("memory: a call that waits is refused when its listener goes") {
  MemoryPair pair(1, {.delay = 20ms});
  RecordingLink& caller = pair.client.dial("memory://server");
  SUBCASE("it stops listening") {
    pair.server.transport->stop_listening();
    pair.run(1s);
    CHECK(pair.server.accepted.empty());
  }
  SUBCASE("it is destroyed") {
    pair.server.transport.reset();
    pair.clock.advance(1s);
    pair.client.service();
  }
  REQUIRE(caller.downs == 1);
  CHECK(caller.down->code == ErrorCode::connection_refused);
}

TEST_CASE("memory: links outlive the listening that brought them") {
  MemoryPair pair;
  pair.connect();
  pair.server.transport->stop_listening();
  RecordingLink& late = pair.client.dial("memory://server");
  pair.caller->send("still here");
  pair.settle();
  CHECK(pair.callee->texts() == Texts{"still here"});
  CHECK(late.downs == 1);
}

TEST_CASE("memory: links may be destroyed after their transport") {
  MemoryPair pair;
  pair.connect();
  pair.server.transport.reset();
  pair.caller->send("nobody reads");
  pair.callee->send("nobody writes");
  CHECK(pair.caller->downs == 0);
  pair.server.accepted.clear();
  pair.client.service();
  CHECK(pair.caller->downs == 1);
}

TEST_CASE("memory: what is under way outlives the sender's memory, and shares none of it") {
  MemoryPair pair(1, {.delay = 5ms});
  test::CountingResource receiving;
  {
    TransportHost server(on_network(pair.network), pair.clock, {.memory = &receiving});
    REQUIRE(server.listen("memory://counted"));
    {
      test::CountingResource sending;
      {
        TransportHost client(on_network(pair.network), pair.clock, {.memory = &sending});
        RecordingLink& caller = client.dial("memory://counted");
        test::run_for(pair.clock, client, server, 1s);
        REQUIRE(caller.ups == 1);
        caller.send("kept");
        caller.link->close();
      }
      CHECK(sending.blocks_out() == 0);
    }
    const std::size_t before = receiving.allocations();
    pair.clock.advance(1s);
    server.service();
    CHECK(server.accepted[0]->texts() == Texts{"kept"});
    CHECK(receiving.allocations() == before + 1);
  }
  CHECK(receiving.blocks_out() == 0);
  CHECK(receiving.bytes_out() == 0);
}
