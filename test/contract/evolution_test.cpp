// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <tickwire/tickwire.hpp>

#include "test/support/host_pair.hpp"

// A message as a program of last year has it, and as one of today has.

namespace last_year {

struct Profile {
  std::string name;
  template <class Archive>
  void serialize(Archive& archive, const std::uint32_t) {
    archive(name);
  }
};
TICKWIRE_MESSAGE(Profile, "evolution_test.profile");

}  // namespace last_year

namespace today {

struct Profile {
  std::string name;
  std::uint16_t level = 1;
  std::vector<std::string> friends;
  template <class Archive>
  void serialize(Archive& archive, const std::uint32_t version) {
    archive(name);
    if (version >= 1) archive(level, friends);
  }
};
TICKWIRE_MESSAGE(Profile, "evolution_test.profile");

}  // namespace today

CEREAL_CLASS_VERSION(today::Profile, 1)

using namespace tickwire;
using test::HostPair;

namespace {

/// Takes what has come, and whether it was one object of type `T`.
template <class T>
Result<T> only(HostPair& pair, test::LoggedHost& from, test::LoggedHost& to) {
  Result<T> received = Error{ErrorCode::timed_out, 0, "nothing came"};
  for (int i = 0; i < 100 && !received; ++i) {
    from.poll();
    while (const auto event = to->poll()) {
      if (event->type == EventType::object_received) received = event->as<T>();
    }
    pair.clock.advance(std::chrono::milliseconds(1));
  }
  return received;
}

}  // namespace

CONTRACT_CASE("an old client and a new server understand each other") {
  HostPair pair(scheme);
  pair.connect();

  REQUIRE(pair.caller.send(last_year::Profile{"Kit"}).has_value());
  const auto at_server = only<today::Profile>(pair, pair.client, pair.server);
  REQUIRE(at_server.has_value());
  CHECK(at_server->name == "Kit");
  CHECK(at_server->level == 1);
  CHECK(at_server->friends.empty());

  REQUIRE(pair.callee.send(today::Profile{"Rex", 9, {"Kit", "Ann"}}).has_value());
  const auto at_client = only<last_year::Profile>(pair, pair.server, pair.client);
  REQUIRE(at_client.has_value());
  CHECK(at_client->name == "Rex");
}

CONTRACT_CASE("a new client and an old server understand each other") {
  HostPair pair(scheme);
  pair.connect();

  REQUIRE(pair.caller.send(today::Profile{"Ann", 3, {"Rex"}}).has_value());
  const auto at_server = only<last_year::Profile>(pair, pair.client, pair.server);
  REQUIRE(at_server.has_value());
  CHECK(at_server->name == "Ann");

  REQUIRE(pair.callee.send(last_year::Profile{"Kit"}).has_value());
  const auto at_client = only<today::Profile>(pair, pair.server, pair.client);
  REQUIRE(at_client.has_value());
  CHECK(at_client->name == "Kit");
  CHECK(at_client->level == 1);
}
