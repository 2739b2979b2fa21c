// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "lib/host/redial.hpp"
#include "test/support/host_pair.hpp"

/// Diallers that try again.
using namespace tickwire;
using namespace std::chrono_literals;
using test::HostPair;
using test::PairOptions;

namespace {

ConnectOptions trying(std::size_t attempts) {
  ConnectOptions options;
  options.name = "tireless";
  options.user_data = 7;
  options.reconnect = ReconnectPolicy{.max_attempts = attempts, .first_delay = 100ms};
  return options;
}

}  // namespace

TEST_CASE("delays double up to their limit, and are shortened by at most the share allowed") {
  ReconnectPolicy policy{.first_delay = 100ms, .max_delay = 1s, .jitter_ratio = 0.5};
  CHECK(detail::redial_delay(policy, 0, 0) == 100ms);
  CHECK(detail::redial_delay(policy, 1, 0) == 200ms);
  CHECK(detail::redial_delay(policy, 3, 0) == 800ms);
  CHECK(detail::redial_delay(policy, 4, 0) == 1s);
  CHECK(detail::redial_delay(policy, 1'000'000, 0) == 1s);
  CHECK(detail::redial_delay(policy, 4, 1) == 500ms);
  policy.first_delay = 0s;
  CHECK(detail::redial_delay(policy, 9, 1) == 0s);
}

TEST_CASE("a call that finds nobody is made again under the same handle until somebody is there") {
  HostPair pair(test::memory_scheme());
  const auto dialled = pair.client->connect("memory://later", trying(10));
  REQUIRE(dialled);
  pair.run(300ms);
  CHECK(pair.client.log.all().empty());
  REQUIRE(pair.server->listen("memory://later"));
  REQUIRE(pair.until([&] { return dialled->is_open(); }));
  CHECK(pair.client.log.count(EventType::connected, *dialled) == 1);
  CHECK(pair.client.log.count(EventType::error) == 0);
  REQUIRE(pair.until([&] { return pair.server->is_connected(); }));
  CHECK(pair.server->connections().front().name() == "tireless");
}

TEST_CASE("what is called can be asked how that goes, until it is up") {
  HostPair pair(test::memory_scheme());
  const TimePoint began = pair.client->now();
  ConnectOptions options = trying(10);
  options.reconnect->jitter_ratio = 0;
  const auto dialled = pair.client->connect("memory://later", options);
  REQUIRE(dialled);
  REQUIRE(dialled->call_status());
  CHECK(dialled->call_status()->attempt == 0);
  CHECK_FALSE(dialled->call_status()->due);
  CHECK(dialled->call_status()->last_error == ErrorCode::none);

  pair.run(50ms);
  const auto waiting = dialled->call_status();
  REQUIRE(waiting);
  CHECK(waiting->attempt == 1);
  REQUIRE(waiting->due);
  CHECK(*waiting->due > pair.client->now());
  CHECK(*waiting->due <= began + 110ms);
  CHECK(waiting->last_error == ErrorCode::connection_refused);

  REQUIRE(pair.server->listen("memory://later"));
  REQUIRE(pair.until([&] { return dialled->is_open(); }));
  CHECK_FALSE(dialled->call_status());
  REQUIRE(pair.until([&] { return pair.server->is_connected(); }));
  CHECK_FALSE(pair.server->connections().front().call_status());

  SUBCASE("what takes its place begins with attempt 1, for what was lost") {
    pair.network->sever_all();
    REQUIRE(pair.until([&] { return dialled->successor() != Connection(); }));
    CHECK_FALSE(dialled->call_status());
    const auto again = dialled->successor().call_status();
    REQUIRE(again);
    CHECK(again->attempt == 1);
    CHECK(again->due);
    CHECK(again->last_error == ErrorCode::connection_reset);
  }
  SUBCASE("what has ended is not called") {
    CHECK(dialled->close() == ErrorCode::none);
    CHECK_FALSE(dialled->call_status());
  }
  SUBCASE("nobody is not called") {
    CHECK_FALSE(Connection().call_status());
  }
}

TEST_CASE("the ticket is shown with each call, after a failure and after a loss") {
  std::vector<std::size_t> seen;
  PairOptions both;
  both.server.authenticate = [&](const ConnectionRequest& request) -> Result<void> {
    seen.push_back(request.ticket.size());
    return {};
  };
  HostPair pair(test::memory_scheme(), both);
  ConnectOptions options = trying(10);
  options.ticket.resize(99);
  const auto dialled = pair.client->connect("memory://later", options);
  REQUIRE(dialled);
  pair.run(300ms);
  REQUIRE(pair.server->listen("memory://later"));
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::connected) == 1; }));
  pair.network->sever_all();
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::connected) == 2; }));
  CHECK(seen == std::vector<std::size_t>{99, 99});
}

TEST_CASE("after the last attempt that the policy allows there is exactly one error") {
  HostPair pair(test::memory_scheme());
  const auto dialled = pair.client->connect("memory://nowhere", trying(3));
  REQUIRE(dialled);
  std::size_t last = 0;
  REQUIRE(pair.until([&] {
    if (const auto status = dialled->call_status()) last = status->attempt;
    return pair.client.log.count(EventType::error) == 1;
  }));
  CHECK(last == 3);
  CHECK(pair.client.log.last(EventType::error).error.code == ErrorCode::connection_refused);
  pair.run(5s);
  CHECK(pair.client.log.all().size() == 1);
}

TEST_CASE(
    "a first call may be made once only, and what it brought up is called again all the same") {
  HostPair pair(test::memory_scheme());
  ConnectOptions options = trying(3);
  options.reconnect->retry_first_call = false;
  const auto nobody = pair.client->connect("memory://nowhere", options);
  REQUIRE(nobody);
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::error) == 1; }, 50ms));
  CHECK(pair.client.log.count(EventType::error, *nobody) == 1);

  pair.connect(options);
  pair.network->sever_all();
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::connected) == 2; }));

  SUBCASE("and again, when the first of those calls fails") {
    pair.server->close();
    pair.network->sever_all();
    pair.run(150ms);
    REQUIRE(pair.server->listen(pair.address.to_string()));
    REQUIRE(pair.until([&] { return pair.client.log.count(EventType::connected) == 3; }));
    CHECK(pair.client.log.count(EventType::error) == 1);
  }
}

TEST_CASE("who has closed calls no more, whatever had not been handed out by then") {
  HostPair pair(test::memory_scheme());
  SUBCASE("a call that has failed") {
    const auto dialled = pair.client->connect("memory://nowhere", trying(1000));
    REQUIRE(dialled);
    pair.run(300ms);
    CHECK(pair.client.log.all().empty());
    static_cast<void>(dialled->close());
    pair.run(10s, 10ms);
    CHECK(pair.client.log.count(EventType::error) == 1);
  }
  SUBCASE("connections that are lost in one pass") {
    pair.connect(trying(3));
    REQUIRE(pair.client->connect(pair.address.to_string(), trying(3)));
    REQUIRE(pair.until([&] { return pair.client.log.count(EventType::connected) == 2; }));
    pair.client.awake = false;
    pair.network->sever_all();
    pair.run(20ms);
    while (true) {
      const auto event = pair.client->poll();
      if (!event) continue;
      if (event->type == EventType::disconnected) break;
    }
    pair.client->close();
    pair.client.awake = true;
    pair.run(10s, 10ms);
    CHECK(pair.client->connections().empty());
    CHECK(pair.server->connections().empty());
  }
}

TEST_CASE("a lost connection ends, and a new handle with the same name and data takes its place") {
  HostPair pair(test::memory_scheme());
  pair.connect(trying(3));
  pair.network->sever_all();
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::connected) == 2; }));
  CHECK(pair.client.log.count(EventType::disconnected, pair.caller) == 1);
  const Connection second = pair.client.log.last(EventType::connected).connection;
  CHECK(second != pair.caller);
  REQUIRE(second.user_data<int>() != nullptr);
  CHECK(*second.user_data<int>() == 7);
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::connected) == 2; }));
  // It may get lost as well.
  pair.network->sever_all();
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::connected) == 3; }));
}

TEST_CASE(
    "a goodbye of either end is none of its business, nor is a refusal that would come again") {
  HostPair pair(test::memory_scheme());
  pair.connect(trying(3));
  SUBCASE("closed here") {
    CHECK(pair.caller.close() == ErrorCode::none);
  }
  SUBCASE("closed there") {
    CHECK(pair.callee.close() == ErrorCode::none);
  }
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::disconnected) == 1; }));
  pair.run(5s);
  CHECK(pair.client.log.count(EventType::connected) == 1);

  HostConfig config;
  config.application = "another/1";
  auto& stranger = pair.add(config);
  REQUIRE(stranger->connect(pair.address.to_string(), trying(3)));
  REQUIRE(pair.until([&] { return stranger.log.count(EventType::error) == 1; }));
  CHECK(stranger.log.last(EventType::error).error.code == ErrorCode::application_mismatch);
  pair.run(5s);
  CHECK(stranger.log.all().size() == 1);
}

TEST_CASE("a close while another call is due ends in the one error") {
  HostPair pair(test::memory_scheme());
  const auto dialled = pair.client->connect("memory://nowhere", trying(10));
  REQUIRE(dialled);
  pair.run(50ms);
  CHECK(dialled->close() == ErrorCode::none);
  pair.run(5s);
  REQUIRE(pair.client.log.all().size() == 1);
  CHECK(pair.client.log.last(EventType::error).error.code == ErrorCode::closed_locally);
}

TEST_CASE("a policy that makes no sense is refused with the name of its field") {
  HostPair pair(test::memory_scheme());
  ConnectOptions options = trying(3);
  std::string field;
  SUBCASE("first_delay") {
    field = "first_delay";
    options.reconnect->first_delay = -1s;
  }
  SUBCASE("max_delay") {
    field = "max_delay";
    options.reconnect->max_delay = 1ms;
  }
  SUBCASE("jitter_ratio") {
    field = "jitter_ratio";
    options.reconnect->jitter_ratio = std::numeric_limits<double>::quiet_NaN();
  }
  const auto dialled = pair.client->connect(pair.address.to_string(), options);
  REQUIRE_FALSE(dialled);
  CHECK(dialled.error().code == ErrorCode::invalid_argument);
  CHECK(dialled.error().message().find(field) != std::string::npos);
}

TEST_CASE("of a full host's connections that are lost at once, every one is called again") {
  constexpr std::size_t many = 50;
  PairOptions options;
  options.client.limits.max_connections = many;
  HostPair pair(test::memory_scheme(), std::move(options));
  for (std::size_t i = 0; i < many; ++i)
    pair.connect(pair.client, trying(3));
  CHECK_FALSE(pair.client->connect(pair.address.to_string()));
  for (std::size_t losses = 1; losses <= 3; ++losses) {
    CAPTURE(losses);
    pair.network->sever_all();
    REQUIRE(pair.until(
        [&] { return pair.client.log.count(EventType::disconnected) == losses * many; }));
    // The places of the lost ones are taken.
    const auto further = pair.client->connect(pair.address.to_string());
    REQUIRE_FALSE(further);
    CHECK(further.error().code == ErrorCode::too_many_connections);
    REQUIRE(pair.until([&] { return pair.client->connections().size() == many; }));
    CHECK(pair.client.log.count(EventType::error) == 0);
  }
  for (const Connection& each : pair.client->connections())
    CHECK(each.close() == ErrorCode::none);
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::disconnected) == 4 * many; }));
  pair.run(1s);
  // All places are free again, and no more than those.
  for (std::size_t i = 0; i < many; ++i)
    pair.connect(pair.client);
  CHECK_FALSE(pair.client->connect(pair.address.to_string()));
}

TEST_CASE("a lost connection names the one that is called in its place, before that is up") {
  HostPair pair(test::memory_scheme());
  Connection successor;
  int losses = 0;
  const auto on_loss = pair.client->on_disconnected([&](Connection lost, const Error&) {
    ++losses;
    successor = lost.successor();
  });
  const auto update = [&](Duration time) {
    for (Duration passed{}; passed < time; passed += 10ms) {
      pair.client->update();
      pair.step(10ms);
    }
  };
  ConnectOptions options = trying(3);
  bool is_called_again = false;
  SUBCASE("and it comes up") {
    is_called_again = true;
  }
  SUBCASE("but not where there is no further attempt") {
    options = trying(0);
  }
  SUBCASE("nor where none is wanted") {
    options.reconnect.reset();
  }
  pair.connect(options);
  CHECK(pair.caller.successor() == Connection());
  CHECK(Connection().successor() == Connection());
  pair.client.awake = false;
  pair.network->sever_all();
  update(50ms);
  REQUIRE(losses == 1);
  CHECK((successor != Connection()) == is_called_again);
  CHECK(pair.caller.successor() == Connection());  // the lost one is not readable any more
  if (!is_called_again) return;
  CHECK(successor != pair.caller);
  CHECK(successor.name() == "tireless");
  CHECK(successor.address() == pair.address);
  CHECK_FALSE(successor.is_open());
  update(1s);
  CHECK(successor.is_open());
  CHECK(successor.close() == ErrorCode::none);
  update(1s);
  CHECK(losses == 2);
  CHECK(successor == Connection());  // closed, and not lost
}

TEST_CASE("closing the successor of a lost connection ends the calling in its one error") {
  HostPair pair(test::memory_scheme());
  const Connection first = pair.connect(pair.client, trying(1000));
  const Connection second = pair.connect(pair.client, trying(1000));
  pair.client.awake = false;
  pair.network->sever_all();
  const auto next_loss = [&] {
    for (int pass = 0; pass < 100; ++pass) {
      while (const auto event = pair.client->poll()) {
        if (event->type == EventType::custom) continue;
        pair.client.log.add(*event);
        if (event->type == EventType::disconnected) return event->connection;
      }
      pair.step();
    }
    return Connection();
  };
  REQUIRE(next_loss() == first);
  CHECK(first.successor().close() == ErrorCode::none);
  std::size_t closed = 1;
  SUBCASE("by name") {
    REQUIRE(next_loss() == second);
    CHECK(second.successor().close() == ErrorCode::none);
    ++closed;
  }
  SUBCASE("or by the lost one, whose end has not been handed out") {
    // It comes behind all that waits, which is taken from the connections for that.
    Event raised;
    raised.type = EventType::custom;
    pair.client->raise(std::move(raised));
    CHECK(second.close() == ErrorCode::not_connected);
    REQUIRE(next_loss() == second);
    CHECK(second.successor() == Connection());
  }
  const Connection successor = first.successor();
  REQUIRE(successor != Connection());
  CHECK(next_loss() == Connection());
  pair.client.awake = true;
  pair.run(10s, 10ms);
  CHECK(pair.client.log.count(EventType::connected) == 2);
  CHECK(pair.client.log.count(EventType::error) == closed);
  REQUIRE(pair.client.log.count(EventType::error, successor) == 1);
  CHECK(pair.client.log.last(EventType::error).error.code == ErrorCode::closed_locally);
  CHECK(pair.server->connections().empty());
}
