// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "test/support/host_pair.hpp"

/// What the program keeps with a connection, as it goes.
using namespace tickwire;
using namespace std::chrono_literals;
using test::HostPair;

namespace {

/// Does something as it goes.
struct Goodbye {
  explicit Goodbye(std::function<void()> last) : say(std::move(last)) {}
  ~Goodbye() { say(); }
  Goodbye(const Goodbye&) = delete;
  Goodbye& operator=(const Goodbye&) = delete;
  std::function<void()> say;
};

auto saying(std::function<void()> last) {
  return std::make_shared<Goodbye>(std::move(last));
}

}  // namespace

TEST_CASE("user data that pumps the host as it goes is handed nothing, and all else still comes") {
  test::PairOptions options;
  options.client.max_events_per_pass = 1;
  HostPair pair(test::memory_scheme(), std::move(options));
  pair.connect();
  const Connection other = pair.connect(pair.client);
  int told = 0;
  int gone = 0;
  const auto pump = [&] {
    ++gone;
    while (pair.client->poll())
      ++told;
    pair.client->update();
    pair.client->flush();
    CHECK(pair.caller.address() == Address());
    CHECK(other.is_open());
    CHECK(test::send_text(other, "still here"));
    CHECK(pair.client->connections().size() == 1);
  };
  REQUIRE(pair.caller.set_user_data(saying(pump)) == ErrorCode::none);
  REQUIRE(pair.caller.close() == ErrorCode::none);
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::disconnected) == 1; }));
  for (int i = 0; i < 50; ++i)
    CHECK(test::broadcast_text(*pair.server, std::to_string(i)).queued == 1);
  REQUIRE(pair.until([&] { return pair.client.log.messages() == 50; }));
  CHECK(gone == 1);
  CHECK(told == 0);
  CHECK(pair.until([&] { return pair.server.log.messages() == 1; }));
}

TEST_CASE("user data that closes other connections and calls again as it goes may do so") {
  HostPair pair(test::memory_scheme());
  pair.connect();
  const Connection other = pair.connect(pair.client);
  Connection again;
  const auto move_on = [&] {
    CHECK(other.close() == ErrorCode::none);
    const auto called = pair.client->connect(pair.address.to_string());
    REQUIRE(called);
    again = *called;
  };
  REQUIRE(pair.caller.set_user_data(saying(move_on)) == ErrorCode::none);
  REQUIRE(pair.caller.close() == ErrorCode::none);
  REQUIRE(pair.until([&] { return again.is_open() && pair.client->connections().size() == 1; }));
  CHECK(pair.client.log.count(EventType::disconnected, other) == 1);
}

TEST_CASE("user data that is replaced finds the new in its place as it goes") {
  HostPair pair(test::memory_scheme());
  pair.connect();
  using Kept = std::shared_ptr<Goodbye>;
  bool is_gone = false;
  bool saw_new = false;
  const auto look = [&] {
    is_gone = true;
    saw_new = pair.caller.user_data<Kept>() == nullptr && pair.caller.user_data<int>() != nullptr &&
              *pair.caller.user_data<int>() == 1;
    // Where it stood in its own way, this would not come to an end.
    if (saw_new) CHECK(pair.caller.set_user_data(2) == ErrorCode::none);
  };
  REQUIRE(pair.caller.set_user_data(saying(look)) == ErrorCode::none);
  CHECK(pair.caller.set_user_data(1) == ErrorCode::none);
  CHECK(is_gone);
  CHECK(saw_new);
  const int* kept = pair.caller.user_data<int>();
  REQUIRE(kept != nullptr);
  CHECK(*kept == 2);
}

TEST_CASE("user data that pumps the host as both go is handed nothing") {
  HostPair pair(test::memory_scheme());
  pair.connect();
  bool is_gone = false;
  bool was_handed = false;
  const auto pump = [&, host = pair.client.host.get()] {
    is_gone = true;
    was_handed = host->poll().has_value();
  };
  REQUIRE(pair.caller.set_user_data(saying(pump)) == ErrorCode::none);
  REQUIRE(test::send_text(pair.callee, "unread"));
  pair.server.poll();
  pair.client.host.reset();
  CHECK(is_gone);
  CHECK_FALSE(was_handed);
}

TEST_CASE("user data of one who was refused may flush and call as it goes") {
  test::PairOptions options;
  HostPair* rig = nullptr;
  int gone = 0;
  options.server.authenticate = [&](const ConnectionRequest& request) -> Result<void> {
    CHECK(request.connection.set_user_data(saying([&] {
      ++gone;
      rig->server->flush();
      for (int i = 0; i < 40; ++i)
        CHECK(rig->server->connect("memory://nowhere"));
    })) == ErrorCode::none);
    return Error{ErrorCode::refused_by_application, 0, "no"};
  };
  HostPair pair(test::memory_scheme(), std::move(options));
  rig = &pair;
  for (int i = 0; i < 8; ++i)
    REQUIRE(pair.client->connect(pair.address.to_string()));
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::error) == 8; }));
  CHECK(gone == 8);
  pair.run(20ms);
  CHECK(pair.server.log.count(EventType::error) == 8 * 40);
  CHECK(pair.server->stats().handshakes_refused == 8);
}

TEST_CASE("user data of those that have ended may call many others as it goes") {
  HostPair pair(test::memory_scheme());
  int gone = 0;
  std::vector<Connection> ended;
  for (int i = 0; i < 8; ++i) {
    pair.connect();
    ended.push_back(pair.caller);
    CHECK(pair.caller.set_user_data(saying([&] {
      ++gone;
      for (int k = 0; k < 40; ++k)
        CHECK(pair.client->connect("memory://nowhere"));
    })) == ErrorCode::none);
  }
  pair.network->sever_all();
  REQUIRE(pair.until([&] { return gone == 8; }));
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::error) == 8 * 40; }));
  for (const Connection& each : ended)
    CHECK(each.address() == Address());
}
