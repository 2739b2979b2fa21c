// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "test/support/allocations.hpp"
#include "test/support/counting_resource.hpp"
#include "test/support/host_pair.hpp"

/// Hosts whose memory has an end, or whose program throws: what the network brings never throws out
/// of a pass by itself, and the host goes on.
using namespace tickwire;
using namespace std::chrono_literals;
using test::CountingResource;
using test::HostPair;
using test::PairOptions;

namespace {

constexpr std::size_t kLarge = 8 * 1024 * 1024;

PairOptions with_memory(CountingResource& memory) {
  PairOptions options;
  options.server.memory = &memory;
  return options;
}

}  // namespace

CONTRACT_CASE("a large message that a host has no memory for waits until there is some") {
  CountingResource memory;
  HostPair pair(scheme, with_memory(memory));
  pair.connect();
  memory.leave(kLarge - 1);
  const std::string text = test::pattern(kLarge);
  REQUIRE(test::send_text(pair.caller, text));
  REQUIRE(test::send_text(pair.caller, "beside it", test::on_channel(1)));
  REQUIRE(pair.until([&] { return pair.server.log.messages() == 1; }));
  pair.run(500ms);
  CHECK(pair.server.log.texts() == std::vector<std::string>{"beside it"});
  memory.lift_limit();
  REQUIRE(pair.until([&] { return pair.server.log.messages() == 2; }));
  CHECK(pair.server.log.texts_on(0) == std::vector{text});
}

CONTRACT_CASE("a send that there is no memory for says so, and the connection goes on") {
  CountingResource memory;
  PairOptions options;
  options.client.memory = &memory;
  HostPair pair(scheme, options);
  pair.connect();
  memory.leave(0);
  const std::vector<std::byte> bytes(kLarge);
  CHECK_THROWS_AS(static_cast<void>(pair.caller.send_bytes(bytes)), std::bad_alloc);
  const auto sent = test::send_text(pair.caller, test::pattern(kLarge));
  REQUIRE_FALSE(sent);
  CHECK(sent.error().code == ErrorCode::encode_failed);
  memory.lift_limit();
  REQUIRE(test::send_text(pair.caller, "after it"));
  REQUIRE(pair.until([&] { return pair.server.log.messages() > 0; }));
  CHECK(pair.server.log.texts() == std::vector<std::string>{"after it"});
}

CONTRACT_CASE("a broadcast that memory ends for keeps its id from others") {
  CountingResource memory;
  HostPair pair(scheme, with_memory(memory));
  pair.connect();
  pair.connect(pair.add());
  pair.connect(pair.add());
  pair.server.log.clear();
  const std::string text = test::pattern(1000);
  // Some of the three get it.
  std::size_t thrown = 0;
  for (std::size_t room = 1000; room < 1'000'000 && thrown < 20; room += room / 4) {
    memory.leave(room);
    try {
      static_cast<void>(test::broadcast_text(*pair.server, text));
    } catch (const std::bad_alloc&) {
      ++thrown;
    }
    memory.lift_limit();
  }
  CHECK(thrown > 0);
  // The log fails when a connection is told of one id twice.
  CHECK(test::broadcast_text(*pair.server, "last").queued == 3);
  pair.run(1s);
  CHECK(pair.server.log.count(EventType::data_sent) >= 3);
}

CONTRACT_CASE("a host whose program throws while it is asked goes on with the others") {
  PairOptions options;
  options.server.authenticate = [](const ConnectionRequest& request) -> Result<void> {
    if (request.name == "bad") throw std::runtime_error("bad");
    return {};
  };
  HostPair pair(scheme, options);
  test::LoggedHost& bad = pair.add();
  REQUIRE(bad->connect(pair.address.to_string(), {.name = "bad"}));
  CHECK_THROWS_AS(pair.run(1s), std::runtime_error);
  // He hears at once that nothing will come of it.
  REQUIRE(pair.until([&] { return bad.log.count(EventType::error) == 1; }, 1ms, 100ms));
  pair.connect();
  REQUIRE(test::send_text(pair.caller, "after it"));
  REQUIRE(pair.until([&] { return pair.server.log.messages() > 0; }));
}

CONTRACT_CASE("whatever there is no memory for while somebody comes in, no pass throws") {
  bool was_reached = true;
  for (int n = 1; was_reached; ++n) {
    CAPTURE(n);
    REQUIRE(n < 400);
    HostPair pair(scheme);
    REQUIRE(pair.client->connect(pair.address.to_string()));
    was_reached = false;
    for (int pass = 0; pass < 30 && !was_reached; ++pass) {
      pair.clock.advance(1ms);
      pair.client.poll();
      const test::FailingAllocation failing(n);
      while (const auto event = pair.server->poll()) {
      }
      was_reached = failing.was_reached();
    }
    REQUIRE(test::send_text(pair.connect(pair.add()), "after it"));
    REQUIRE(pair.until([&] { return pair.server.log.messages() > 0; }));
  }
}

CONTRACT_CASE("a host without memory for packets ends the connection that needs it, and lives on") {
  CountingResource memory;
  HostPair pair(scheme, with_memory(memory));
  pair.connect();
  memory.leave(0);
  REQUIRE(test::send_text(pair.caller, test::pattern(kLarge)));
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::disconnected) == 1; }));
  CHECK(pair.server.log.last(EventType::disconnected).error.code == ErrorCode::out_of_resources);
  memory.lift_limit();
  REQUIRE(test::send_text(pair.connect(pair.add()), "after it"));
  REQUIRE(pair.until([&] { return pair.server.log.messages() > 0; }));
}
