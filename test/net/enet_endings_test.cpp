// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <barrier>
#include <thread>

#include "test/net/enet_proxied_pair.hpp"
#include "test/net/enet_raw_socket.hpp"
#include "test/net/enet_rig.hpp"

namespace tickwire::test {
namespace {

TEST_CASE("enet: close lets out what was taken, and the other end learns why") {
  EnetPair pair;
  const auto [caller, callee] = pair.connect();
  std::vector<std::string> sent;
  while (caller->link->capacity_bytes(Lane::reliable) > 0) {
    sent.push_back(noise(1000, static_cast<std::uint32_t>(sent.size())));
    caller->send(sent.back());
  }
  caller->link->close();
  caller->link.reset();
  REQUIRE(pair.run_until([end = callee] { return end->downs == 1; }));
  CHECK(callee->texts() == sent);
  CHECK(callee->down->code == ErrorCode::closed_by_peer);
  CHECK(caller->downs == 0);  // who closed hears nothing more
  pair.run(1s);
  CHECK_FALSE(pair.client.transport->next_deadline());
}

TEST_CASE("enet: a closed link whose other end has vanished is given up after the idle time") {
  EnetPair pair;
  const auto [caller, callee] = pair.connect();
  caller->send("nobody reads this");
  caller->link->close();
  caller->link.reset();
  const TimePoint closed = pair.clock.now();
  REQUIRE(wait_until(
      [&] {
        pair.clock.advance(5ms);
        pair.client.service();
        pair.client.flush();
      },
      [&] { return !pair.client.transport->next_deadline(); }));
  CHECK(pair.clock.now() - closed <= 11s);
  CHECK(callee->downs == 0);
}

TEST_CASE("enet: a transport that is destroyed takes leave of every other end") {
  EnetPair pair;
  const auto [caller, callee] = pair.connect();
  const auto [closed, other_callee] = pair.connect();
  closed->send("on its way");
  closed->link->close();
  pair.client.transport.reset();
  const auto alone = [&] {
    pair.clock.advance(1ms);
    pair.server.service();
  };
  REQUIRE(wait_until(alone, [&, first = callee, second = other_callee] {
    return first->downs == 1 && second->downs == 1;
  }));
  CHECK(callee->down->code == ErrorCode::connection_reset);
  caller->send("into nothing");
  CHECK(caller->downs == 0);
}

TEST_CASE("enet: closing or dropping a call that is not up yet ends it at once") {
  EnetPair pair;
  RecordingLink& first = pair.client.dial(pair.address.to_string());
  first.link->close();
  first.link.reset();
  RecordingLink& second = pair.client.dial(pair.address.to_string());
  second.link.reset();
  pair.run(20s);
  CHECK(first.ups + first.downs + second.ups + second.downs == 0);
  CHECK_FALSE(pair.client.transport->next_deadline());
  CHECK_FALSE(pair.server.transport->next_deadline());
}

TEST_CASE("enet: destroying a link cuts it, and the other end learns it at once") {
  EnetPair pair;
  const auto [caller, callee] = pair.connect();
  callee->link.reset();
  REQUIRE(pair.run_until([end = caller] { return end->downs == 1; }));
  CHECK(caller->down->code == ErrorCode::connection_reset);
  CHECK(caller->down->detail.find(pair.address.to_string()) != std::string::npos);
  CHECK(callee->downs == 0);

  caller->send("into nothing");
  CHECK(caller->link->capacity_bytes(Lane::reliable) == 0);
  caller->link->close();
  pair.run(100ms);
  CHECK(caller->downs == 1);
}

TEST_CASE("enet: a link may be destroyed inside any call to its handler") {
  EnetPair pair;
  SUBCASE("on_incoming") {
    pair.server.when_incoming = [](RecordingLink& end) { end.link.reset(); };
    RecordingLink& caller = pair.client.dial(pair.address.to_string());
    REQUIRE(pair.run_until([&] { return caller.downs == 1; }));
  }
  SUBCASE("on_link_up") {
    RecordingLink& caller = pair.client.dial(pair.address.to_string());
    caller.when_up = [&] { caller.link.reset(); };
    REQUIRE(pair.run_until([&] { return caller.ups == 1; }));
    pair.run(100ms);
    CHECK(caller.downs == 0);
  }
  SUBCASE("on_packet, with more packets behind it") {
    const auto [caller, callee] = pair.connect();
    callee->when_packet = [end = callee] { end->link.reset(); };
    for (int i = 0; i < 10; ++i)
      caller->send("go away");
    REQUIRE(pair.run_until([end = caller] { return end->downs == 1; }));
    CHECK(callee->arrived.size() == 1);
    CHECK(callee->downs == 0);
  }
  SUBCASE("on_link_down") {
    const auto [caller, callee] = pair.connect();
    caller->when_down = [end = caller] { end->link.reset(); };
    callee->link.reset();
    REQUIRE(pair.run_until([end = caller] { return end->downs == 1; }));
  }
  SUBCASE("another link's") {
    const auto [caller, callee] = pair.connect();
    const auto [other_caller, other_callee] = pair.connect();
    callee->when_packet = [end = other_callee] { end->link.reset(); };
    other_caller->send("never handed out");
    caller->send("end the other");
    REQUIRE(pair.run_until([end = other_caller] { return end->downs == 1; }));
    CHECK(other_callee->downs == 0);
  }
  // The slots are free again, and those who come into them are their own.
  for (auto& end : pair.server.accepted)
    end->link.reset();
  pair.server.when_incoming = nullptr;
  pair.run(100ms);
  const auto [caller, callee] = pair.connect();
  caller->send("hello");
  REQUIRE(pair.run_until([end = callee] { return !end->arrived.empty(); }));
  CHECK(callee->texts() == std::vector<std::string>{"hello"});
}

TEST_CASE("enet: a handler may dial, listen, send and close") {
  EnetPair pair;
  const auto [caller, callee] = pair.connect();
  Result<Address> bound = Error{};
  RecordingLink* second = nullptr;
  callee->when_packet = [&, end = callee] {
    bound = pair.server.listen("enet://127.0.0.1:0");
    second = &pair.server.dial(pair.address.to_string());
    end->send("bye");
    end->link->close();
  };
  caller->send("hello");
  REQUIRE(pair.run_until([&, end = caller] { return end->downs == 1 && second->ups == 1; }));
  CHECK(bound);
  CHECK(caller->texts() == std::vector<std::string>{"bye"});
}

TEST_CASE("enet: a peer that vanishes is lost after the idle time, not before") {
  EnetPair pair;
  const auto [caller, callee] = pair.connect();
  caller->send("hello");
  pair.run(3s);
  const TimePoint vanished = pair.clock.now();
  const auto alone = [&] {
    pair.clock.advance(10ms);
    pair.server.service();
    pair.server.flush();
  };
  SUBCASE("silent from then on") {}
  SUBCASE("with packets on the way to it") {
    for (int i = 0; i < 50; ++i)
      callee->send(noise(1000, 1));
  }
  while (pair.clock.now() - vanished < 7s)
    alone();
  CHECK(callee->downs == 0);
  while (pair.clock.now() - vanished < 10500ms)
    alone();
  CHECK(callee->downs == 1);
  CHECK(callee->down->code == ErrorCode::connection_lost);
  callee->send("into nothing");
  callee->link->close();
  CHECK(caller->downs == 0);
}

TEST_CASE("enet: until its first packet a peer may be silent for longer than the idle time") {
  ProxiedPair pair;
  RecordingLink& caller = pair.connect();
  RecordingLink& callee = *pair.server.accepted[0];
  pair.proxy.to_caller = pair.proxy.to_listener = [](Datagram&) { return false; };
  caller.send("how do you do");
  callee.send("very well");
  const TimePoint cut = pair.clock.now();
  while (pair.clock.now() - cut < 40s)
    pair.step(10ms);
  CHECK(caller.downs + callee.downs == 0);
  pair.proxy.to_caller = pair.proxy.to_listener = [](Datagram&) { return true; };
  REQUIRE(pair.run_until([&] { return caller.arrived.size() + callee.arrived.size() == 2; }));

  pair.proxy.to_caller = pair.proxy.to_listener = [](Datagram&) { return false; };
  const TimePoint vanished = pair.clock.now();
  REQUIRE(pair.run_until([&] { return caller.downs == 1 && callee.downs == 1; }));
  CHECK(pair.clock.now() - vanished < 10500ms);
}

TEST_CASE("enet: two ends with nothing to say stay connected") {
  EnetPair pair;
  const auto [caller, callee] = pair.connect();
  while (pair.clock.now().time_since_epoch() < 2h)
    pair.step(50ms);
  CHECK(caller->downs == 0);
  CHECK(callee->downs == 0);
}

TEST_CASE("enet: an end that stood still finds what had arrived before it judges anybody") {
  EnetPair pair;
  const auto [caller, callee] = pair.connect();
  pair.run(1s);
  // More than the window: the rest leaves while it catches up, and is not overdue then.
  std::size_t sent = 0;
  for (; caller->link->capacity_bytes(Lane::reliable) > 0; ++sent)
    caller->send(noise(1000, 1));
  pair.client.flush();
  pair.server.service();  // the acknowledgements wait in the caller's socket
  pair.server.flush();
  CHECK(callee->arrived.size() < sent);
  pair.clock.advance(5min);
  pair.client.service();
  CHECK(caller->downs == 0);
  pair.client.flush();
  pair.client.service();
  CHECK(caller->downs == 0);
}

TEST_CASE("enet: both ends go on after both stood still") {
  EnetPair pair;
  const auto [caller, callee] = pair.connect();
  pair.run(1s);
  for (int round = 0; round < 5; ++round) {
    while (caller->link->capacity_bytes(Lane::reliable) > 0)
      caller->send(noise(1000, 3));
    pair.step();
    pair.step(8s);
    pair.run(200ms);
  }
  CHECK(caller->downs == 0);
  CHECK(callee->downs == 0);
  const std::size_t before = callee->arrived.size();
  caller->send("on we go");
  REQUIRE(pair.run_until([&, end = callee] { return end->arrived.size() > before; }));
}

TEST_CASE("enet: an end that stands still for just under the idle time is not given up") {
  EnetPair pair;
  const auto [caller, callee] = pair.connect();
  TransportHost* still = nullptr;
  TransportHost* going = nullptr;
  RecordingLink* talker = nullptr;
  SUBCASE("the one who called") {
    still = &pair.client;
    going = &pair.server;
    talker = callee;
  }
  SUBCASE("the one who was called") {
    still = &pair.server;
    going = &pair.client;
    talker = caller;
  }
  RecordingLink* listener = talker == caller ? callee : caller;
  std::size_t sent = 0;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 20; ++i) {
      listener->send("alive");
      pair.run(50ms);
    }
    // The other sends into the silence, asks after it, and hears nothing.
    const TimePoint stopped = pair.clock.now();
    while (pair.clock.now() - stopped < 9700ms) {
      pair.clock.advance(10ms);
      if (talker->link->capacity_bytes(Lane::reliable) > 0) talker->send(std::to_string(sent++));
      going->service();
      going->flush();
    }
    still->service();
    still->flush();
    CHECK(caller->downs + callee->downs == 0);
    pair.run(200ms);
  }
  CHECK(caller->downs + callee->downs == 0);
  REQUIRE(pair.run_until([&] { return listener->arrived.size() == sent; }));
  listener->send("still here");
  REQUIRE(pair.run_until([&] { return talker->texts().back() == "still here"; }));
}

TEST_CASE("enet: a leap of the clock by days ends links but breaks nothing") {
  EnetPair pair;
  const auto [caller, callee] = pair.connect();
  caller->send("hello");
  callee->send("hello");
  pair.run(300ms);
  pair.step(24h * 40);
  pair.run(1s);
  CHECK(caller->downs + callee->downs >= 1);
  const auto [again, there] = pair.connect();
  again->send("after the leap");
  REQUIRE(pair.run_until([end = there] { return !end->arrived.empty(); }));
}

TEST_CASE("enet: a clock that stands still stops time-outs, not traffic") {
  EnetPair pair;
  const auto [caller, callee] = pair.connect();
  pair.run(100ms);
  const auto frozen = [&] { pair.step(0ms); };
  const auto begin = std::chrono::steady_clock::now();
  const auto passed = [&] { return std::chrono::steady_clock::now() - begin; };
  std::size_t sent = 0;
  while (passed() < 300ms || (sent <= 100 && passed() < 30s)) {
    if (caller->link->capacity_bytes(Lane::reliable) > 0) {
      caller->send(std::to_string(sent++));
    }
    frozen();
  }
  REQUIRE(wait_until(frozen, [&, there = callee] { return there->arrived.size() == sent; }));
  CHECK(sent > 100);
}

TEST_CASE("enet: a socket that keeps failing is lost after three seconds") {
  EnetPair pair;
  const auto [caller, callee] = pair.connect();
  const auto handles = pair.server.poller.sockets();
  REQUIRE(handles.size() == 1);
  const int broken = ::open("/dev/null", O_RDWR);
  REQUIRE(broken >= 0);
  REQUIRE(::dup2(broken, static_cast<int>(handles[0])) >= 0);
  ::close(broken);

  const TimePoint broke = pair.clock.now();
  while (pair.clock.now() - broke < 2900ms)
    pair.step(10ms);
  CHECK(callee->downs == 0);
  CHECK(pair.server.lost_listeners.empty());
  CHECK(pair.server.transport->counters().socket_errors > 0);
  while (pair.clock.now() - broke < 3500ms)
    pair.step(10ms);
  CHECK(callee->downs == 1);
  CHECK(callee->down->code == ErrorCode::socket_failed);
  CHECK(pair.server.lost_listeners == std::vector<std::size_t>{0});
  CHECK(pair.server.listen("enet://127.0.0.1:0"));  // the transport lives on
  pair.run(1s);
}

TEST_CASE("enet: a program that is started does not keep the port") {
  EnetPair pair;
  static_cast<void>(pair.connect());
  for (const TransportHost* host : {&pair.server, &pair.client}) {
    for (const auto socket : host->poller.sockets())
      CHECK((::fcntl(static_cast<int>(socket), F_GETFD) & FD_CLOEXEC) != 0);
  }
}

TEST_CASE("enet: no block is lost, whatever is destroyed with traffic in flight") {
  CountingResource memory;
  ManualClock clock;
  const auto fill = [](RecordingLink& end) {
    for (int i = 0; i < 300; ++i) {
      end.send(noise(1000, 5), Lane::reliable, static_cast<std::uint8_t>(i % 8));
      end.send(noise(500, 6), Lane::datagram);
      end.send("control", Lane::control);
    }
  };
  {
    TransportHost server{make_enet(), clock, {.memory = &memory}};
    TransportHost client{make_enet(), clock, {.memory = &memory}};
    const auto bound = server.listen("enet://127.0.0.1:0");
    REQUIRE(bound);
    const auto step = [&] {
      clock.advance(1ms);
      for (TransportHost* host : {&client, &server}) {
        host->service();
        host->flush();
      }
    };
    for (int i = 0; i < 4; ++i)
      client.dial(bound->to_string());
    REQUIRE(wait_until(step, [&] { return server.accepted.size() == 4; }));
    for (auto& end : client.dialled)
      fill(*end);
    for (auto& end : server.accepted)
      fill(*end);
    step();
    client.dialled[0]->link->close();
    client.dialled[0]->link.reset();
    client.dialled[1]->link.reset();
    server.accepted[2]->link->close();
    client.flush();
    SUBCASE("transports first, links later") {
      client.transport.reset();
      server.transport.reset();
      client.dialled[2]->send("into nothing");
      CHECK(client.dialled[2]->link->capacity_bytes(Lane::reliable) == 0);
      client.dialled[2]->link->close();
    }
    SUBCASE("links first") {}
    CHECK(memory.blocks_out() > 0);
  }
  CHECK(memory.blocks_out() == 0);
}

TEST_CASE("enet: hosts on several threads share ENet's clock, and stand still together") {
  constexpr int threads = 4;
  constexpr int rounds = 1500;
  constexpr std::size_t packets = 2000;
  ManualClock clock;
  int round = 0;
  std::barrier lap(threads, [&]() noexcept { clock.advance(++round % 50 == 0 ? 300ms : 1ms); });
  std::atomic<int> done{0};
  std::vector<std::thread> running;
  for (int thread = 0; thread < threads; ++thread) {
    running.emplace_back([&] {
      TransportHost server{make_enet(), clock};
      TransportHost client{make_enet(), clock};
      RecordingLink& caller = client.dial(server.listen("enet://127.0.0.1:0")->to_string());
      std::size_t sent = 0;
      for (int i = 0; i < rounds; ++i) {
        while (caller.ups == 1 && sent < packets && caller.link->capacity_bytes(Lane::reliable) > 0)
          caller.send(std::to_string(sent++));
        for (TransportHost* host : {&client, &server}) {
          host->service();
          host->flush();
        }
        lap.arrive_and_wait();
      }
      const bool all = !server.accepted.empty() && server.accepted[0]->arrived.size() == packets;
      if (all && caller.downs == 0) ++done;
    });
  }
  for (std::thread& each : running)
    each.join();
  CHECK(done == threads);
}

}  // namespace
}  // namespace tickwire::test
