// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

#include <tickwire/codec.hpp>
#include <tickwire/hub.hpp>

#include "test/features/hubs.hpp"

using namespace tickwire;
using namespace std::chrono_literals;
using test::called;
using test::ForgedHello;
using test::Hubs;
using test::ThreeHubs;

namespace {

ConnectOptions trying(std::size_t attempts) {
  ConnectOptions options;
  options.reconnect = ReconnectPolicy{.max_attempts = attempts, .first_delay = 10ms};
  return options;
}

template <class T>
std::vector<T> values(const std::vector<HubItem<T>>& items) {
  std::vector<T> found;
  for (const auto& each : items)
    found.push_back(each.value);
  return found;
}

using Texts = std::vector<std::string>;

}  // namespace

CONTRACT_CASE("hubs know each other by name, and read what the other has written") {
  Hubs hubs(scheme);
  auto& north = hubs.north;
  auto& south = hubs.south;
  hubs.call("hello!");
  REQUIRE(north.peers().size() == 1);
  REQUIRE(south.peers().size() == 1);
  CHECK(north.peers()[0].name == "hello!");
  CHECK(south.peers()[0].name == "hello!");
  CHECK(north.peers()[0].hub == "south");
  CHECK(south.peers()[0].hub == "north");
  CHECK(north.read<std::string>("test").empty());
  CHECK(south.write("test", "hubs are connected").queued == 1);
  CHECK(south.write("count", 7).queued == 1);
  CHECK(north.write("test", Value::map({{"speed", 3.5}})).queued == 1);
  REQUIRE(hubs.pair.until([&] {
    return north.read<int>("count").size() == 1 && south.read<Value>("test").size() == 1;
  }));
  CHECK(values(north.read<std::string>("test")) == Texts{"hubs are connected"});
  CHECK(south.read<Value>("test")[0].value["speed"].real() == 3.5);
  // The newest stays until another comes.
  CHECK(north.read<int>("count")[0].number == 1);
  CHECK(south.write("count", 8).queued == 1);
  CHECK(south.write("count", 9).queued == 1);
  REQUIRE(hubs.pair.until([&] { return north.read<int>("count")[0].number == 3; }));
  CHECK(values(north.read<int>("count")) == std::vector<int>{9});
  CHECK(hubs.pair.server.log.messages() == 0);
  CHECK(hubs.pair.client.log.messages() == 0);
  south.close();
  REQUIRE(hubs.pair.until([&] { return north.peers().empty() && south.peers().empty(); }));
  CHECK(north.read<int>("count").empty());
}

TEST_CASE("a value beyond what the host lets a decode take is skipped and counted") {
  test::PairOptions options;
  options.server.decode.max_total_bytes = 4096;
  Hubs hubs(test::memory_scheme(), test::called("north"), test::called("south"), options);
  hubs.call("one");
  CHECK(hubs.south.write("large", std::vector<std::string>(1000)).queued == 1);
  CHECK(hubs.south.write("small", 7).queued == 1);
  REQUIRE(hubs.pair.until([&] { return hubs.north.read<int>("small").size() == 1; }));
  CHECK(hubs.north.read<std::vector<std::string>>("large").empty());
  CHECK(hubs.north.stats().values_unreadable == 1);
}

CONTRACT_CASE("a channel that keeps all hands out each value once, in order") {
  Hubs hubs(scheme);
  hubs.north.keep("events", HubKeep::all);
  hubs.call("a");
  for (int i = 0; i < 100; ++i)
    CHECK(hubs.south.write("events", i).queued == 1);
  std::vector<int> read;
  REQUIRE(hubs.pair.until([&] {
    for (const auto& item : hubs.north.read<int>("events"))
      read.push_back(item.value);
    return read.size() == 100;
  }));
  for (int i = 0; i < 100; ++i)
    CHECK(read[static_cast<std::size_t>(i)] == i);
  CHECK(hubs.north.read<int>("events").empty());
}

CONTRACT_CASE("one writes to all, by name, to those it dialled and to those that dialled it") {
  ThreeHubs hubs(scheme);
  auto& north = hubs.north;
  auto& south = hubs.south;
  auto& west = hubs.west;
  const Connection& first = hubs.first;
  CHECK(north.write("x", 0, HubPeers::all()).queued == 3);
  CHECK(north.write("x", 1, HubPeers::named("two")).queued == 1);
  CHECK(north.write("x", 2, HubPeers::named("south")).queued == 2);
  CHECK(north.write("x", 3, HubPeers::named("nobody")).queued == 0);
  CHECK(north.write("x", 4, HubPeers::dialled()).queued == 0);
  CHECK(north.write("x", 5, HubPeers::accepted()).queued == 3);
  CHECK(south.write("y", 6, HubPeers::dialled()).queued == 2);
  CHECK(south.write("y", 7, HubPeers::only(first)).queued == 1);
  CHECK(south.write("y", 8, HubPeers::accepted()).queued == 0);
  CHECK(west.write("y", 9).queued == 1);
  REQUIRE(hubs.pair.until([&] {
    return values(north.read<int>("y", HubPeers::named("one"))) == std::vector<int>{7} &&
           values(north.read<int>("y", HubPeers::named("two"))) == std::vector<int>{6} &&
           values(north.read<int>("y", HubPeers::named("west"))) == std::vector<int>{9};
  }));
  CHECK(north.read<int>("y").size() == 3);
  CHECK(north.read<int>("y", HubPeers::accepted()).size() == 3);
  CHECK(north.read<int>("y", HubPeers::dialled()).empty());
  CHECK(south.read<int>("x", HubPeers::dialled()).size() == 2);
}

TEST_CASE("a hub that calls again after a loss is greeted again, and no other call is") {
  Hubs hubs(test::memory_scheme());
  auto& north = hubs.north;
  auto& south = hubs.south;
  auto& pair = hubs.pair;
  ConnectOptions plain = trying(3);
  plain.name = "plain";
  pair.connect(plain);
  Connection from = hubs.call("hello!", trying(3));
  for (int loss = 1; loss <= 2; ++loss) {
    CAPTURE(loss);
    const Connection to = north.peers()[0].connection;
    CHECK(south.write("count", 0).queued == 1);
    REQUIRE(pair.until([&] { return north.read<int>("count").size() == 1; }));
    pair.network->sever_all();
    REQUIRE(pair.until([&] {
      const auto here = north.peers();
      const auto there = south.peers();
      return here.size() == 1 && here[0].connection != to && there.size() == 1 &&
             there[0].connection != from;
    }));
    CHECK(north.peers()[0].name == "hello!");
    CHECK(north.peers()[0].hub == "south");
    CHECK(south.peers()[0].hub == "north");
    CHECK(north.read<int>("count").empty());  // went with the connection
    CHECK(south.write("count", loss).queued == 1);
    CHECK(north.write("test", "welcome back").queued == 1);
    REQUIRE(pair.until([&] {
      return values(north.read<int>("count")) == std::vector<int>{loss} &&
             values(south.read<std::string>("test")) == Texts{"welcome back"};
    }));
    from = south.peers()[0].connection;
    const auto up = static_cast<std::size_t>(2 + 2 * loss);
    REQUIRE(pair.until([&] { return pair.client.log.count(EventType::connected) == up; }));
  }
  pair.run(1s);
  CHECK(north.peers().size() == 1);
  CHECK(pair.server.log.messages() == 0);
}

TEST_CASE("a hub whose first calls find nobody is a peer once somebody answers") {
  Hubs hubs(test::memory_scheme());
  ConnectOptions options = trying(10);
  options.timeout = 300ms;
  const auto dialled = hubs.south.connect("early", "memory://later", options);
  REQUIRE(dialled);
  hubs.pair.run(50ms);
  CHECK(hubs.south.peers().empty());
  REQUIRE(hubs.north.open("memory://later"));
  REQUIRE(hubs.pair.until([&] {
    return hubs.north.peers().size() == 1 && hubs.south.peers(HubPeers::only(*dialled)).size() == 1;
  }));
  CHECK(hubs.south.write("count", 1).queued == 1);
  REQUIRE(hubs.pair.until([&] { return values(hubs.north.read<int>("count")) == std::vector{1}; }));
  // After a loss nobody answers the first calls, either.
  hubs.pair.network->sever_all();
  hubs.pair.server.awake = false;
  hubs.pair.run(2s);
  CHECK(hubs.south.peers().empty());
  hubs.pair.server.awake = true;
  REQUIRE(hubs.pair.until([&] {
    return hubs.north.peers().size() == 1 && hubs.south.peers().size() == 1 &&
           hubs.south.write("count", 2).queued == 1;
  }));
  REQUIRE(hubs.pair.until([&] { return values(hubs.north.read<int>("count")) == std::vector{2}; }));
}

TEST_CASE("a hub that is closed calls nobody any more") {
  Hubs hubs(test::memory_scheme());
  hubs.call("one", trying(10));
  REQUIRE(hubs.south.connect("two", "memory://later", trying(10)));
  hubs.pair.network->sever_all();
  hubs.pair.server.awake = false;
  hubs.pair.run(500ms);
  hubs.south.close(HubPeers::named("two"));
  hubs.pair.run(500ms);
  hubs.pair.server.awake = true;
  REQUIRE(hubs.north.open("memory://later"));
  SUBCASE("one of two") {
    REQUIRE(hubs.pair.until([&] { return hubs.south.peers().size() == 1; }));
    hubs.pair.run(60s, 10ms);
    CHECK(hubs.south.peers(HubPeers::named("two")).empty());
  }
  SUBCASE("all") {
    hubs.south.close();
    hubs.pair.run(60s, 10ms);
    CHECK(hubs.south.peers().empty());
  }
}

TEST_CASE("a program's own call is left alone where a hub's call of its name has ended for good") {
  Hubs hubs(test::memory_scheme());
  auto& pair = hubs.pair;
  std::string url = pair.address.to_string();
  SUBCASE("closed") {
    hubs.call("hello!", trying(3));
    hubs.south.close();
  }
  SUBCASE("lost, without a further attempt") {
    hubs.call("hello!", trying(0));
    pair.network->sever_all();
  }
  SUBCASE("given up") {
    url = "memory://brief";
    {
      auto& brief = pair.add();
      Hub passer(called("passer"));
      brief->attach(passer);
      REQUIRE(passer.open(url));
      REQUIRE(hubs.south.connect("hello!", url, trying(3)));
      REQUIRE(pair.until([&] { return hubs.south.peers().size() == 1; }));
    }
    pair.network->sever_all();
    pair.hosts.pop_back();
    REQUIRE(pair.until([&] { return pair.client.log.count(EventType::error) == 1; }));
    REQUIRE(pair.server->listen(url));
  }
  REQUIRE(pair.until([&] { return hubs.south.peers().empty() && hubs.north.peers().empty(); }));
  ConnectOptions plain;
  plain.name = "hello!";
  const auto own = pair.client->connect(url, plain);
  REQUIRE(own);
  REQUIRE(pair.until([&] { return own->is_open(); }));
  pair.run(1s);
  CHECK(hubs.south.peers().empty());
  CHECK(hubs.north.peers().empty());
}

TEST_CASE("a program's own call is left alone while a lost hub's call of its name is made again") {
  Hubs hubs(test::memory_scheme());
  auto& pair = hubs.pair;
  ConnectOptions patient = trying(3);
  patient.reconnect->first_delay = 1s;
  patient.reconnect->jitter_ratio = 0;
  hubs.call("hello!", patient);
  pair.network->sever_all();
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::disconnected) == 1; }));
  ConnectOptions plain;
  plain.name = "hello!";
  const auto own = pair.client->connect(pair.address.to_string(), plain);
  REQUIRE(own);
  pair.run(500ms);
  CHECK(own->is_open());
  CHECK(hubs.south.peers().empty());
  REQUIRE(pair.until([&] { return hubs.south.peers().size() == 1; }));
  CHECK(hubs.south.peers()[0].connection != *own);
  pair.run(100ms);
  CHECK(hubs.north.peers().size() == 1);
}

TEST_CASE("a hub keeps nothing of the calls that it has lost") {
  Hubs hubs(test::memory_scheme());
  auto& pair = hubs.pair;
  Connection from = hubs.call("hello!", trying(3));
  for (int loss = 0; loss < 20; ++loss) {
    pair.network->sever_all();
    REQUIRE(pair.until([&] {
      return hubs.south.peers().size() == 1 && hubs.south.peers()[0].connection != from &&
             hubs.north.peers().size() == 1;
    }));
    from = hubs.south.peers()[0].connection;
  }
  // Twenty are lost, and one is up: closed, it is the last of them.
  hubs.south.close();
  REQUIRE(pair.until([&] { return hubs.north.peers().empty(); }));
  pair.run(1s);
  for (int call = 0; call < 3; ++call) {
    ConnectOptions plain;
    plain.name = "hello!";
    pair.connect(plain);
  }
  pair.run(100ms);
  CHECK(hubs.south.peers().empty());
  CHECK(hubs.north.peers().empty());
}

TEST_CASE("what another hub may store is bounded, and what is dropped is counted") {
  HubOptions strict = called("strict");
  strict.max_channels = 3;
  strict.max_unread = 4;
  strict.max_stored_bytes = 1000;
  Hubs hubs(test::memory_scheme(), strict);
  hubs.north.keep("all", HubKeep::all);
  hubs.call("a");
  for (int i = 0; i < 10; ++i)
    CHECK(hubs.south.write("all", i).queued == 1);
  hubs.pair.run(20ms);
  CHECK(values(hubs.north.read<int>("all")) == std::vector<int>{6, 7, 8, 9});
  CHECK(hubs.north.stats().values_dropped == 6);
  for (int i = 0; i < 10; ++i)
    CHECK(hubs.south.write("channel " + std::to_string(i), i).queued == 1);
  hubs.pair.run(20ms);
  CHECK(hubs.north.stats().channels_refused == 8);
  CHECK(hubs.north.read<int>("channel 1").size() == 1);
  CHECK(hubs.north.read<int>("channel 5").empty());
  CHECK(hubs.south.write("channel 0", std::string(600, 'x')).queued == 1);
  CHECK(hubs.south.write("channel 1", std::string(600, 'x')).queued == 1);
  hubs.pair.run(20ms);
  CHECK(hubs.north.stats().values_dropped == 7);
  CHECK(hubs.north.read<std::string>("channel 0").size() == 1);
  CHECK(hubs.north.read<std::string>("channel 1").empty());
  // Read as what it is not.
  CHECK(hubs.north.read<int>("channel 0").empty());
  CHECK(hubs.north.stats().values_unreadable == 1);
  CHECK(hubs.south.write("", 1).queued == 0);
  CHECK(hubs.south.write(std::string(65, 'n'), 1).refused == 1);
}

CONTRACT_CASE("programs without a hub are left alone, until they greet") {
  Hubs hubs(scheme);
  auto& pair = hubs.pair;
  pair.client->detach(hubs.south);
  pair.connect();
  REQUIRE(pair.caller.send("for the program", {.metadata = {{"tickwire.hub", "test"}}}));
  REQUIRE(pair.until([&] { return pair.server.log.messages() == 1; }));
  CHECK(hubs.north.peers().empty());
  CHECK(pair.client.log.messages() == 0);
  REQUIRE(pair.caller.send(ForgedHello{1, "by hand"}));
  REQUIRE(pair.until([&] { return hubs.north.peers().size() == 1; }));
  CHECK(hubs.north.peers()[0].hub == "by hand");
  REQUIRE(pair.caller.send("for the hub", {.metadata = {{"tickwire.hub", "test"}}}));
  REQUIRE(pair.caller.send("for the program", {.metadata = {{"tickwire.hub", 5}}}));
  REQUIRE(pair.until([&] { return pair.server.log.messages() == 2; }));
  CHECK(values(hubs.north.read<std::string>("test")) == Texts{"for the hub"});
  const Connection second = pair.connect(pair.client);
  REQUIRE(second.send(ForgedHello{1, std::string(65, 'n')}));
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::disconnected, second) == 1; }));
  CHECK(hubs.north.peers().size() == 1);
}

TEST_CASE("a hub whose connection is lost while it is paused is greeted again behind the pause") {
  Hubs hubs(test::memory_scheme());
  auto& pair = hubs.pair;
  const Connection called = hubs.call("line", trying(3));
  pair.client.awake = false;
  const Connection callee = hubs.north.peers().front().connection;
  REQUIRE(test::send_text(callee, "1"));
  REQUIRE(test::send_text(callee, "2"));
  pair.run(20ms);
  REQUIRE(pair.client->poll());
  test::raise(*pair.client, EventType::custom, called);
  CHECK(pair.client->set_receiving(called, Receiving::paused) == ErrorCode::none);
  pair.client.awake = true;
  pair.run(20ms);
  pair.network->sever_all();
  pair.run(500ms);
  CHECK(pair.client->set_receiving(called, Receiving::on) == ErrorCode::none);
  REQUIRE(
      pair.until([&] { return hubs.south.peers().size() == 1 && hubs.north.peers().size() == 1; }));
  CHECK(hubs.south.peers().front().connection != called);
}
