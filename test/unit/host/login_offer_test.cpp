// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <new>
#include <stdexcept>
#include <utility>

#include <tickwire/extension.hpp>

#include "test/support/host_pair.hpp"

/// What the program's own parts throw while a call is being made: it takes no place for ever.
using namespace tickwire;
using namespace std::chrono_literals;
using test::HostPair;
using test::PairOptions;

namespace {

/// Takes every login, or throws.
class Clerk final : public Extension {
 public:
  ~Clerk() override { detach(); }
  Result<void> on_login(Host&, Connection connection, const Login&) override {
    ++asked;
    last = connection;
    if (throws) throw std::runtime_error("the book is lost");
    return {};
  }

  bool throws = false;
  int asked = 0;
  Connection last;
};

/// User data that cannot always be copied.
struct Fragile {
  Fragile() = default;
  Fragile(const Fragile&) {
    if (throws) throw std::bad_alloc();
  }
  Fragile& operator=(const Fragile&) = delete;
  static inline bool throws = false;
};

PairOptions with_one_place() {
  PairOptions options;
  options.client.limits.max_connections = 1;
  return options;
}

ConnectOptions with_login() {
  ConnectOptions options;
  options.login = Login{"ann", "secret"};
  return options;
}

}  // namespace

TEST_CASE("a call whose login an extension throws at leaves its place to the next") {
  HostPair pair(test::memory_scheme(), with_one_place());
  Clerk clerk;
  pair.client->attach(clerk);
  clerk.throws = true;
  for (int i = 0; i < 40; ++i) {
    CHECK_THROWS_AS(static_cast<void>(pair.client->connect(pair.address.to_string(), with_login())),
                    std::runtime_error);
  }
  CHECK(clerk.last.address() == Address());
  clerk.throws = false;
  pair.connect(with_login());
  CHECK(clerk.last == pair.caller);
  pair.run(100ms);
  CHECK(pair.client.log.all().size() == 1);
  CHECK(pair.server.log.all().size() == 1);
}

TEST_CASE("a call that there is no memory for leaves its place to the next") {
  HostPair pair(test::memory_scheme(), with_one_place());
  ConnectOptions options;
  options.user_data.emplace<Fragile>();
  Fragile::throws = true;
  for (int i = 0; i < 40; ++i) {
    CHECK_THROWS_AS(static_cast<void>(pair.client->connect(pair.address.to_string(), options)),
                    std::bad_alloc);
  }
  Fragile::throws = false;
  pair.connect(options);
}

TEST_CASE("what is thrown when a lost connection is to be called again is told, and takes no end") {
  HostPair pair(test::memory_scheme(), with_one_place());
  Clerk clerk;
  pair.client->attach(clerk);
  ConnectOptions options = with_login();
  options.reconnect = ReconnectPolicy{.max_attempts = 3, .first_delay = 10ms};
  options.user_data.emplace<Fragile>();
  pair.connect(options);
  ErrorCode code = ErrorCode::none;
  SUBCASE("by an extension") {
    clerk.throws = true;
    code = ErrorCode::exception_thrown;
  }
  SUBCASE("for want of memory") {
    Fragile::throws = true;
    code = ErrorCode::out_of_resources;
  }
  pair.network->sever_all();
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::error) == 1; }));
  Fragile::throws = false;
  clerk.throws = false;
  CHECK(pair.client.log.count(EventType::disconnected, pair.caller) == 1);
  const test::Told& told = pair.client.log.last(EventType::error);
  CHECK(told.connection == Connection());
  CHECK(told.error.code == code);
  CHECK(told.error.message().find(pair.address.to_string()) != std::string::npos);
  pair.run(1s);
  CHECK_FALSE(pair.client->is_connected());
  pair.connect(options);  // there is a place
}
