// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "test/features/accounts_rig.hpp"

/// Users log in, or do not, over every transport.
using namespace tickwire;
using namespace std::chrono_literals;
using test::AccountsRig;
using test::HostPair;

namespace {

constexpr auto kAny = LoginOver::any_readable_by_others;

const test::Scheme& scheme_named(std::string_view name) {
  const auto all = test::schemes();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.name == name; });
  REQUIRE(found != all.end());
  return *found;
}

bool is_private(const test::Scheme& scheme) {
  return scheme.name == "tls" || scheme.name == "memory";
}

ConnectOptions as(std::string user, std::string password) {
  ConnectOptions options;
  options.login = Login{std::move(user), std::move(password)};
  return options;
}

}  // namespace

CONTRACT_CASE("a user logs in, and both ends know who it is, once") {
  AccountsRig rig(scheme);
  rig.pair.connect();
  CHECK(rig.here.user(rig.pair.callee).empty());
  CHECK(rig.log_in("ann", "tulips") == ErrorCode::none);
  REQUIRE(rig.pair.until([&] { return rig.pair.server.log.count(EventType::logged_in) == 1; }));
  CHECK(rig.pair.server.log.last(EventType::logged_in).connection == rig.pair.callee);
  CHECK(rig.here.user(rig.pair.callee) == "ann");
  CHECK(rig.there.user(rig.pair.caller) == "ann");
  CHECK(rig.here.connections_of("ann") == std::vector{rig.pair.callee});
  CHECK(rig.here.connections_of("bob").empty());
  // Nothing of how it was done reaches the programs.
  rig.pair.run(20ms);
  for (const auto* host : {&rig.pair.server, &rig.pair.client}) {
    CHECK(host->log.count(EventType::object_received) == 0);
    CHECK(host->log.count(EventType::data_sent) == 0);
    CHECK(host->log.count(EventType::logged_in) == 1);
  }
  CHECK(rig.here.stats().logged_in == 1);
  CHECK(rig.there.stats().logged_in == 1);
  const auto again = rig.there.login(rig.pair.caller, "bob", "daisies");
  REQUIRE_FALSE(again);
  CHECK(again.error().code == ErrorCode::invalid_argument);
  REQUIRE(rig.pair.callee.close() == ErrorCode::none);
  REQUIRE(rig.pair.until([&] { return rig.pair.client.log.count(EventType::disconnected) == 1; }));
  CHECK(rig.there.user(rig.pair.caller) == "ann");
  rig.pair.run(20ms);
  CHECK(rig.there.user(rig.pair.caller).empty());
}

CONTRACT_CASE("a login that is given to `connect` begins when the connection is up") {
  AccountsRig rig(scheme);
  rig.pair.connect(as("bob", "daisies"));
  REQUIRE(rig.pair.until([&] { return rig.pair.client.log.count(EventType::logged_in) == 1; }));
  CHECK(rig.here.user(rig.pair.callee) == "bob");
  CHECK(rig.there.user(rig.pair.caller) == "bob");
}

CONTRACT_CASE("a wrong password and an unknown user are told the same, and one may try again") {
  AccountsRig rig(scheme);
  rig.pair.connect();
  CHECK(rig.log_in("ann", "roses") == ErrorCode::login_failed);
  const auto wrong = rig.pair.client.log.last(EventType::login_failed).error;
  CHECK(rig.log_in("eve", "tulips") == ErrorCode::login_failed);
  const auto unknown = rig.pair.client.log.last(EventType::login_failed).error;
  CHECK(wrong.message() == unknown.message());
  CHECK(rig.here.user(rig.pair.callee).empty());
  CHECK(rig.log_in("ann", "tulips") == ErrorCode::none);
  CHECK(rig.here.stats().wrong_password == 2);
  CHECK(rig.there.stats().failed_elsewhere == 2);
  CHECK(rig.pair.server.log.count(EventType::login_failed) == 0);
}

CONTRACT_CASE("nobody logs in where others can read along, unless the options say otherwise") {
  auto both = std::make_unique<AccountsRig>(scheme, LoginOver::encrypted);
  AccountsRig& rig = *both;
  rig.pair.connect();
  CHECK(rig.pair.caller.is_private() == is_private(scheme));
  CHECK(rig.pair.callee.is_private() == is_private(scheme));
  if (is_private(scheme)) {
    CHECK(rig.log_in("ann", "tulips") == ErrorCode::none);
    return;
  }
  const auto refused = rig.there.login(rig.pair.caller, "ann", "tulips");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::not_private);
  // One that was given before the connection was up.
  rig.pair.connect(as("ann", "tulips"));
  REQUIRE(rig.pair.until([&] { return rig.pair.client.log.count(EventType::login_failed) == 1; }));
  CHECK(rig.pair.client.log.last(EventType::login_failed).error.code == ErrorCode::not_private);
  // And the server refuses, whatever the client thinks.
  both.reset();
  AccountsRig careless(scheme, test::test_options(LoginOver::encrypted), test::test_options(kAny));
  careless.pair.connect();
  CHECK(careless.log_in("ann", "tulips") == ErrorCode::not_private);
  CHECK(careless.here.stats().not_private == 1);
}

CONTRACT_CASE("a disabled user is told so after the right password alone") {
  AccountsRig rig(scheme);
  REQUIRE(rig.users->set_state("ann", UserState::disabled));
  rig.pair.connect();
  CHECK(rig.log_in("ann", "roses") == ErrorCode::login_failed);
  CHECK(rig.log_in("ann", "tulips") == ErrorCode::account_disabled);
  CHECK(rig.here.user(rig.pair.callee).empty());
  CHECK(rig.here.stats().disabled == 1);
  REQUIRE(rig.users->set_state("ann", UserState::enabled));
  CHECK(rig.log_in("ann", "tulips") == ErrorCode::none);
}

CONTRACT_CASE("a connection that tries too often is closed") {
  AccountsOptions strict = test::test_options(kAny);
  strict.max_tries_per_connection = 2;
  AccountsRig rig(scheme, strict, test::test_options(kAny));
  rig.pair.connect();
  CHECK(rig.log_in("ann", "1") == ErrorCode::login_failed);
  CHECK(rig.log_in("ann", "2") == ErrorCode::login_failed);
  CHECK(rig.log_in("ann", "tulips") == ErrorCode::too_many_tries);
  REQUIRE(rig.pair.until([&] { return rig.pair.client.log.count(EventType::disconnected) == 1; }));
  CHECK(rig.here.stats().too_many_tries == 1);
  CHECK(rig.here.stats().logged_in == 0);
}

TEST_CASE("failures of one address have the next tries wait, twice as long each time") {
  AccountsOptions slow = test::test_options(kAny);
  slow.tries_without_delay = 1;
  slow.first_delay = 1s;
  slow.max_delay = 3s;
  slow.max_tries_per_connection = 100;
  AccountsRig rig(test::memory_scheme(), slow, test::test_options(kAny));
  rig.pair.connect();
  const auto time_of = [&](std::string_view user, std::string_view password) {
    const TimePoint before = rig.pair.clock.now();
    static_cast<void>(rig.log_in(user, password));
    return rig.pair.clock.now() - before;
  };
  static_cast<void>(rig.log_in("ann", "1"));
  CHECK(rig.here.stats().delayed == 0);
  CHECK(time_of("bob", "2") >= 1s);  // of the same address
  CHECK(time_of("ann", "3") >= 2s);
  CHECK(time_of("ann", "4") >= 3s);
  const Duration capped = time_of("ann", "tulips");  // the right one waits as long
  CHECK(capped >= 3s);
  CHECK(rig.here.stats().delayed == 4);
  CHECK(rig.here.user(rig.pair.callee) == "ann");
}

TEST_CASE("an address with too many failures is refused, until they are forgotten") {
  AccountsOptions strict = test::test_options(kAny);
  strict.tries_without_delay = 100;
  strict.max_tries_per_address = 3;
  strict.max_tries_per_connection = 100;
  strict.forget_failures_after = 10min;
  AccountsRig rig(scheme_named("tcp"), strict, test::test_options(kAny));
  rig.pair.connect();
  for (const char* user : {"ann", "bob", "eve"})
    CHECK(rig.log_in(user, "guess") == ErrorCode::login_failed);
  CHECK(rig.log_in("ann", "tulips") == ErrorCode::too_many_tries);
  rig.pair.connect();  // another connection does not help
  CHECK(rig.log_in("ann", "tulips") == ErrorCode::too_many_tries);
  rig.pair.run(10min, 100ms);
  CHECK(rig.log_in("ann", "tulips") == ErrorCode::none);
  CHECK(rig.here.stats().too_many_tries == 2);
}

TEST_CASE("many users log in at once from one address, and none of them is refused") {
  constexpr std::size_t crowd = 60;
  AccountsOptions options = test::test_options(kAny);
  CHECK(crowd > options.max_tries_per_address);
  AccountsRig rig(test::memory_scheme(), options, options);
  std::vector<Connection> all;
  for (std::size_t i = 0; i < crowd; ++i) {
    REQUIRE(rig.users->add("user" + std::to_string(i), "x"));
    all.push_back(rig.pair.connect(rig.pair.client));
  }
  for (std::size_t i = 0; i < crowd; ++i)
    REQUIRE(rig.there.login(all[i], "user" + std::to_string(i), "x"));
  const auto& log = rig.pair.client.log;
  REQUIRE(rig.pair.until(
      [&] { return log.count(EventType::logged_in) + log.count(EventType::login_failed) == crowd; },
      10ms));
  CHECK(log.count(EventType::logged_in) == crowd);
  CHECK(rig.here.stats().too_many_tries == 0);
  // And none of them counts against the next.
  rig.pair.connect();
  const std::uint64_t delayed = rig.here.stats().delayed;
  CHECK(rig.log_in("ann", "tulips") == ErrorCode::none);
  CHECK(rig.here.stats().delayed == delayed);
}

TEST_CASE("what cannot be a login is refused at once") {
  AccountsRig rig(test::memory_scheme());
  CHECK(rig.there.login(Connection(), "ann", "tulips").error().code == ErrorCode::not_connected);
  rig.pair.connect();
  const auto code = [&](std::string_view user, std::string_view password) {
    const auto begun = rig.there.login(rig.pair.caller, user, password);
    return begun ? ErrorCode::none : begun.error().code;
  };
  CHECK(code("", "tulips") == ErrorCode::invalid_argument);
  CHECK(code("ann", "") == ErrorCode::invalid_argument);
  CHECK(code("\xff", "tulips") == ErrorCode::invalid_argument);
  CHECK(code("ann", std::string(1025, 'x')) == ErrorCode::invalid_argument);
  CHECK(code(" ann", "tulips") == ErrorCode::invalid_argument);
  const auto backwards = rig.here.login(rig.pair.callee, "ann", "tulips");
  REQUIRE_FALSE(backwards);
  CHECK(backwards.error().code == ErrorCode::invalid_argument);
  CHECK(code("ann", "tulips") == ErrorCode::none);
  CHECK(code("ann", "tulips") == ErrorCode::invalid_argument);  // under way
  Accounts loose;
  CHECK(loose.login(rig.pair.caller, "ann", "tulips").error().code == ErrorCode::not_supported);
  HostPair bare(test::memory_scheme());
  const auto dialled = bare.client->connect(bare.address.to_string(), as("ann", "tulips"));
  REQUIRE_FALSE(dialled);
  CHECK(dialled.error().code == ErrorCode::not_supported);
  CHECK(dialled.error().message().find("accounts.hpp") != std::string::npos);
  CHECK(bare.client->connections().empty());
  const auto bad = rig.pair.client->connect(rig.pair.address.to_string(), as("ann", "\n"));
  REQUIRE_FALSE(bad);
  CHECK(bad.error().code == ErrorCode::invalid_argument);
}

TEST_CASE("a host that leaves events out is told what a login needs, or is told less") {
  test::PairOptions options;
  options.client.events = EventType::data_received;
  AccountsRig deaf(test::memory_scheme(), test::test_options(kAny), test::test_options(kAny),
                   options);
  deaf.pair.connect();
  CHECK(deaf.there.login(deaf.pair.caller, "ann", "tulips").error().code ==
        ErrorCode::not_supported);
  options.client.events = EventType::object_received;
  AccountsRig quiet(test::memory_scheme(), test::test_options(kAny), test::test_options(kAny),
                    options);
  quiet.pair.connect();
  REQUIRE(quiet.there.login(quiet.pair.caller, "ann", "tulips"));
  REQUIRE(quiet.pair.until([&] { return quiet.there.user(quiet.pair.caller) == "ann"; }));
  CHECK(quiet.pair.client.log.count(EventType::logged_in) == 0);
}

TEST_CASE("a server without users or without accounts says so, or nothing at all") {
  HostPair pair(test::memory_scheme());
  AccountsOptions options = test::test_options(kAny);
  options.answer_timeout = 5s;
  Accounts server(options), client(options);
  pair.client->attach(client);
  pair.connect();
  REQUIRE(client.login(pair.caller, "ann", "tulips"));
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::login_failed) == 1; }));
  CHECK(pair.client.log.last(EventType::login_failed).error.code == ErrorCode::timed_out);
  pair.server->attach(server);
  REQUIRE(client.login(pair.caller, "ann", "tulips"));
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::login_failed) == 2; }));
  CHECK(pair.client.log.last(EventType::login_failed).error.code == ErrorCode::not_supported);
}

TEST_CASE("a dialler that calls again after a loss logs in again, on its new handle") {
  AccountsRig rig(test::memory_scheme());
  ConnectOptions options = as("ann", "tulips");
  options.reconnect = ReconnectPolicy{.first_delay = 10ms};
  rig.pair.connect(options);
  REQUIRE(rig.pair.until([&] { return rig.pair.client.log.count(EventType::logged_in) == 1; }));
  rig.pair.network->sever_all();
  REQUIRE(rig.pair.until([&] { return rig.pair.client.log.count(EventType::logged_in) == 2; }));
  const Connection second = rig.pair.client.log.last(EventType::logged_in).connection;
  CHECK(second != rig.pair.caller);
  CHECK(rig.there.user(second) == "ann");
  CHECK(rig.here.connections_of("ann").size() == 1);
}

TEST_CASE("a connection that ends during a login ends it, and the accounts may go at any time") {
  AccountsRig rig(test::memory_scheme());
  rig.pair.connect();
  REQUIRE(rig.there.login(rig.pair.caller, "ann", "tulips"));
  rig.pair.step();
  SUBCASE("cut") {
    rig.pair.network->sever_all();
    REQUIRE(
        rig.pair.until([&] { return rig.pair.client.log.count(EventType::disconnected) == 1; }));
    rig.pair.run(100ms);
    CHECK(AccountsRig::verdicts(rig.pair.client, rig.pair.caller) == 0);
    const auto late = rig.there.login(rig.pair.caller, "ann", "tulips");
    REQUIRE_FALSE(late);
    CHECK(late.error().code == ErrorCode::not_connected);
  }
  SUBCASE("the accounts are detached") {
    rig.pair.client->detach(rig.there);
    rig.pair.server->detach(rig.here);
    rig.pair.run(100ms);
    CHECK(rig.pair.caller.is_open());
  }
  SUBCASE("the hosts go first") {
    rig.pair.client.host.reset();
    rig.pair.server.host.reset();
  }
}

TEST_CASE("a user stays logged in when an extension raises an error for his connection") {
  AccountsRig rig(test::memory_scheme());
  rig.pair.connect();
  REQUIRE(rig.log_in("ann", "tulips") == ErrorCode::none);
  for (const EventType type : {EventType::error, EventType::disconnected}) {
    test::raise(*rig.pair.server, type, rig.pair.callee);
    rig.pair.run(5ms);
    CHECK(rig.here.user(rig.pair.callee) == "ann");
  }
}

TEST_CASE("a login survives the loss of its transport") {
  test::PairOptions options;
  options.server.timeouts.resume_window = 30s;
  options.client.timeouts.resume_window = 30s;
  AccountsRig rig(test::memory_scheme(), test::test_options(LoginOver::encrypted),
                  test::test_options(LoginOver::encrypted), options);
  rig.pair.connect();
  CHECK(rig.log_in("ann", "tulips") == ErrorCode::none);
  rig.pair.network->sever_all();
  REQUIRE(rig.pair.until([&] { return rig.pair.client.log.count(EventType::resumed) == 1; }));
  CHECK(rig.here.user(rig.pair.callee) == "ann");
  CHECK(rig.there.user(rig.pair.caller) == "ann");
}

TEST_CASE("a real password's iterations are derived beside the host, which goes on meanwhile") {
  auto users = UserDatabase::open(":memory:");
  REQUIRE(users);
  REQUIRE((*users)->add("ann", "tulips"));
  HostPair pair(test::memory_scheme());
  Accounts server({.users = *users}), client;
  pair.server->attach(server);
  pair.client->attach(client);
  pair.connect();
  REQUIRE(client.login(pair.caller, "ann", "tulips"));
  int passes = 0;
  REQUIRE(pair.until([&] { return ++passes, !client.user(pair.caller).empty(); }, 1us));
  CHECK(passes > 100);
}
