// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>

#include "test/net/enet_proxied_pair.hpp"
#include "test/net/enet_raw_socket.hpp"
#include "test/net/enet_rig.hpp"
#include "test/support/host_pair.hpp"

/// How a call finds its way: cookies, candidates, and what is lost between them.
namespace tickwire::test {
namespace {

TEST_CASE("enet: a caller says nothing but its question until it has the answer") {
  EnetPair pair;
  RawSocket deaf;
  RecordingLink& caller = pair.client.dial("enet://127.0.0.1:" + std::to_string(deaf.port()));
  pair.run(5s);
  std::size_t asked = 0;
  std::uint16_t from = 0;
  Datagram question;
  while (auto probe = deaf.receive()) {
    const auto datagram = deaf.receive();
    REQUIRE(datagram);
    from = datagram->second;
    question = datagram->first;
    CHECK(question.size() == 16);
    CHECK(probe->first.size() == kProbeBytes);
    probe->first.resize(16);
    CHECK(probe->first == question);
    ++asked;
  }
  CHECK(asked == 7);

  // Answers to somebody else's question, or from somewhere else, change nothing.
  Datagram answer = question;
  answer[3] = '!';
  Datagram foreign = answer;
  foreign[4] ^= 1;
  deaf.send(from, foreign);
  RawSocket stranger;
  stranger.send(from, answer);
  deaf.send(from, question);
  pair.run(50ms);
  CHECK_FALSE(deaf.receive());
  CHECK(pair.client.transport->counters().malformed_datagrams == 3);

  deaf.send(from, answer);
  deaf.send(from, answer);
  pair.run(50ms);
  const auto connect = deaf.receive();
  REQUIRE(connect);
  CHECK(connect->first.size() == 56);
  CHECK_FALSE(deaf.receive());
  CHECK(pair.client.transport->counters().malformed_datagrams == 3);
  CHECK(caller.downs == 0);
}

TEST_CASE("enet: a call to an address that does not answer goes on to the next one") {
  EnetPair pair;
  RawSocket deaf;
  const auto url = [](std::uint16_t port) {
    return *Address::parse("enet://127.0.0.1:" + std::to_string(port));
  };
  RecordingLink& caller = pair.client.dial(
      {*Address::parse("enet://[::1]:7"), url(deaf.port()), url(pair.address.port)});
  REQUIRE(pair.run_until([&] { return caller.ups == 1; }));
  CHECK(caller.link->peer() == pair.address);
  caller.send("through");
  REQUIRE(pair.run_until(
      [&] { return !pair.server.accepted.empty() && !pair.server.accepted[0]->arrived.empty(); }));
}

TEST_CASE("enet: a call whose CONNECT nobody takes goes on to the next candidate") {
  EnetPair pair;
  TamperingProxy gives_cookies_only(pair.address.port);
  gives_cookies_only.to_listener = [](Datagram& datagram) { return datagram.size() == 16; };
  const TimePoint called = pair.clock.now();
  RecordingLink& caller =
      pair.client.dial({*Address::parse(gives_cookies_only.url()), pair.address});
  const auto step = [&] {
    pair.step();
    gives_cookies_only.step();
  };
  REQUIRE(wait_until(step, [&] { return caller.ups == 1; }));
  CHECK(caller.link->peer() == pair.address);
  CHECK(pair.clock.now() - called < 4s);
}

TEST_CASE("enet: a call whose CONNECT is lost for long gets in with a new cookie") {
  ProxiedPair pair;
  const TimePoint opens = pair.clock.now() + 25s;
  std::size_t answers = 0;
  pair.proxy.to_listener = [&](Datagram& datagram) {
    return datagram.size() != 56 || pair.clock.now() >= opens;
  };
  pair.proxy.to_caller = [&](Datagram& datagram) {
    if (datagram.size() == 16) ++answers;
    return true;
  };
  RecordingLink& caller = pair.connect();
  CHECK(answers == 3);
  CHECK(pair.server.transport->counters().bad_cookies == 0);
  caller.send("in at last");
  REQUIRE(pair.run_until([&] { return pair.server.accepted[0]->arrived.size() == 1; }));
}

TEST_CASE("enet: a listener that was started anew is reached by a call under way") {
  ProxiedPair pair;
  std::size_t connects = 0;
  pair.proxy.to_listener = [&](Datagram& datagram) {
    if (datagram.size() == 56) ++connects;
    return datagram.size() != 56 || connects > 2;
  };
  RecordingLink& caller = pair.dial();
  REQUIRE(pair.run_until([&] { return connects == 1; }));
  pair.server.transport->stop_listening();
  pair.server.service();
  REQUIRE(pair.server.listen(pair.address.to_string()));
  REQUIRE(pair.run_until([&] { return caller.ups == 1; }));
  CHECK(pair.server.transport->counters().bad_cookies > 0);
}

TEST_CASE("enet: a call that nobody answers stays a call until it is dropped") {
  EnetPair pair;
  RawSocket deaf;
  RecordingLink& caller = pair.client.dial("enet://127.0.0.1:" + std::to_string(deaf.port()));
  pair.run(60s);
  CHECK(caller.ups == 0);
  CHECK(caller.downs == 0);
  caller.send("into nothing");
  caller.link.reset();
  pair.run(1s);
  CHECK(caller.downs == 0);
  CHECK(pair.client.poller.sockets().empty());
  CHECK_FALSE(pair.client.transport->next_deadline());
}

TEST_CASE("enet: one pass reads all links that a host has dialled, however many") {
  constexpr std::size_t count = 300;  // a poller tells of 256 at a time
  const auto all = schemes();
  const auto enet =
      std::find_if(all.begin(), all.end(), [](auto& each) { return each.name == "enet"; });
  HostPair pair(*enet);
  for (std::size_t i = 0; i < count; ++i)
    REQUIRE(pair.client->connect(pair.address.to_string()));
  const auto connected = [](LoggedHost& host) { return host.log.count(EventType::connected); };
  REQUIRE(pair.until(
      [&] { return connected(pair.client) == count && connected(pair.server) == count; }));
  pair.run(1s);

  for (const Connection& each : pair.server->connections())
    REQUIRE(pair.server->send_bytes(each, std::as_bytes(std::span("news"))));
  pair.server->flush();
  pair.client.poll();
  CHECK(pair.client.log.count(EventType::data_received) == count);
}

}  // namespace
}  // namespace tickwire::test
