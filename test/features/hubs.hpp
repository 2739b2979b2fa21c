// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include <tickwire/codec.hpp>
#include <tickwire/hub.hpp>

#include "test/support/host_pair.hpp"

namespace tickwire::test {

inline HubOptions called(const char* name) {
  HubOptions options;
  options.name = name;
  return options;
}

/// Two hubs that know each other, under the name of their connection.
struct Hubs {
  explicit Hubs(const Scheme& scheme, HubOptions north_options = called("north"),
                HubOptions south_options = called("south"), PairOptions options = {})
      : pair(scheme, std::move(options)),
        north(std::move(north_options)),
        south(std::move(south_options)) {
    pair.server->attach(north);
    pair.client->attach(south);
  }
  Connection call(const char* name, const ConnectOptions& options = {}) {
    const std::size_t before = north.peers().size();
    auto dialled = south.connect(name, pair.address.to_string(), options);
    REQUIRE(dialled);
    REQUIRE(pair.until([&] {
      return north.peers().size() > before && !south.peers(HubPeers::only(*dialled)).empty();
    }));
    return *dialled;
  }

  HostPair pair;
  Hub north;
  Hub south;
};

/// The south calls the north twice, as "one" and "two", and the west calls it as "three".
struct ThreeHubs : Hubs {
  explicit ThreeHubs(const Scheme& scheme) : Hubs(scheme) {
    pair.add()->attach(west);
    first = call("one");
    call("two");
    REQUIRE(west.connect("three", pair.address.to_string()));
    REQUIRE(pair.until([&] { return north.peers().size() == 3 && west.peers().size() == 1; }));
  }

  Hub west{called("west")};
  Connection first;
};

/// What a peer sends that is no hub, or a bad one.
struct ForgedHello {
  std::uint32_t version = 1;
  std::string name;
};
template <class Archive>
void serialize(Archive& archive, ForgedHello& hello) {
  archive(hello.version, hello.name);
}
TICKWIRE_MESSAGE(ForgedHello, "tickwire.hub.hello");

}  // namespace tickwire::test
