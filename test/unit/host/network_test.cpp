// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "test/support/host_pair.hpp"

/// Whole hosts on a simulated network.
using namespace tickwire;
using namespace std::chrono_literals;
using test::HostPair;
using test::PairOptions;

namespace {

PairOptions on(const NetworkConditions& network, std::uint64_t seed) {
  PairOptions options;
  options.network = network;
  options.seed = seed;
  return options;
}

}  // namespace

TEST_CASE("on a bad network everything reliable arrives in order, and lossy messages mostly") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    CAPTURE(seed);
    HostPair pair(test::memory_scheme(), on({.delay = 30ms,
                                             .jitter = 20ms,
                                             .loss_ratio = 0.1,
                                             .duplicate_ratio = 0.1,
                                             .reorder_ratio = 0.1},
                                            seed));
    pair.connect();
    for (int i = 0; i < 300; ++i) {
      REQUIRE(test::send_text(pair.caller, std::to_string(i), test::on_channel(1)));
      REQUIRE(test::send_text(pair.caller, std::to_string(i), test::with(Delivery::unreliable, 2)));
      pair.step(5ms);
    }
    REQUIRE(pair.until([&] { return pair.server.log.texts_on(1).size() == 300; }));
    pair.run(4s, 10ms);
    const auto texts = pair.server.log.texts_on(1);
    for (int i = 0; i < 300; ++i)
      REQUIRE(texts[static_cast<std::size_t>(i)] == std::to_string(i));
    const std::size_t lossy = pair.server.log.texts_on(2).size();
    CHECK(lossy > 220);
    CHECK(lossy < 300);
    const ConnectionStats stats = pair.caller.stats();
    CHECK(stats.rtt > 60ms);
    CHECK(stats.rtt < 130ms);
    REQUIRE(stats.packet_loss_ratio);
    CHECK(*stats.packet_loss_ratio > 0.03);
    CHECK(*stats.packet_loss_ratio < 0.25);
  }
}

TEST_CASE("a cable that is out for less than the idle time costs nothing reliable") {
  HostPair pair(test::memory_scheme());
  pair.connect();
  pair.network->drop_everything(8s);
  for (int i = 0; i < 50; ++i)
    REQUIRE(test::send_text(pair.caller, std::to_string(i)));
  pair.run(7900ms, 10ms);
  CHECK(pair.server.log.messages() == 0);
  REQUIRE(pair.until([&] { return pair.server.log.messages() == 50; }));
  CHECK(pair.caller.is_open());
}

TEST_CASE("a cable that is out for longer ends both ends once, with connection_lost") {
  HostPair pair(test::memory_scheme());
  pair.connect();
  pair.network->drop_everything(1min);
  REQUIRE(test::send_text(pair.caller, "into the dark"));
  pair.run(90s, 20ms);
  for (test::LoggedHost* host : {&pair.client, &pair.server}) {
    REQUIRE(host->log.count(EventType::disconnected) == 1);
    CHECK(host->log.last(EventType::disconnected).error.code == ErrorCode::connection_lost);
  }
  CHECK(pair.client.log.last(EventType::data_sent).receipt == Receipt::handed_over);
}

TEST_CASE("a network that is cut ends every connection with connection_reset, and dialling works") {
  HostPair pair(test::memory_scheme());
  pair.connect();
  const auto half_way = pair.client->connect(pair.address.to_string());
  REQUIRE(half_way);
  pair.network->sever_all();
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::disconnected) == 1; }));
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::error) == 1; }));
  CHECK(pair.client.log.last(EventType::disconnected).error.code == ErrorCode::connection_reset);
  CHECK(pair.client.log.last(EventType::error).connection == *half_way);
  pair.connect();
}

TEST_CASE("equal seeds make equal histories") {
  const auto history = [](std::uint64_t seed) {
    HostPair pair(test::memory_scheme(),
                  on({.delay = 5ms, .jitter = 30ms, .loss_ratio = 0.3}, seed));
    pair.connect();
    for (int i = 0; i < 200; ++i) {
      REQUIRE(test::send_text(pair.caller, std::to_string(i), test::with(Delivery::sequenced)));
      pair.step(3ms);
    }
    pair.run(1s);
    return pair.server.log.texts();
  };
  CHECK(history(5) == history(5));
  CHECK(history(5) != history(6));
}
