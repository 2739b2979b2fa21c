// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include <tickwire/extension.hpp>

#include "test/support/host_pair.hpp"

/// What calls that wait make of everything that they do not wait for.
using namespace tickwire;
using namespace std::chrono_literals;
using test::HostPair;

namespace {

/// Does something in each pass, also in those of a call that waits.
class InEachPass final : public Extension {
 public:
  explicit InEachPass(std::function<void()> work) : work_(std::move(work)) {}
  void on_pass(Host&) override { work_(); }

 private:
  std::function<void()> work_;
};

Event error_of(Connection connection) {
  Event event;
  event.connection = connection;
  event.error = {ErrorCode::unknown, 0, "raised by an extension"};
  return event;
}

}  // namespace

TEST_CASE("a flood of unreliable messages during a wait is dropped and counted, nothing else is") {
  constexpr std::size_t capacity = 16;
  test::PairOptions options;
  options.client.event_capacity = capacity;
  options.network.delay = 50ms;
  HostPair pair(test::memory_scheme(), std::move(options));
  pair.connect();
  std::size_t unreliable = 0;
  std::size_t reliable = 0;
  InEachPass flood([&] {
    for (int i = 0; i < 20; ++i)
      unreliable += test::send_text(pair.callee, "u", test::with(Delivery::unreliable)) ? 1 : 0;
    REQUIRE(test::send_text(pair.callee, "r" + std::to_string(reliable++)));
    pair.server.poll();
    pair.clock.advance(1ms);
  });
  pair.client->attach(flood);
  REQUIRE(test::send_text_and_wait(*pair.client, pair.caller, "x", 10s));
  pair.client->detach(flood);
  REQUIRE(unreliable > 10 * capacity);

  pair.run(200ms);  // what is still under way
  std::vector<std::string> in_order;
  std::vector<std::string> wanted;
  std::size_t told = 0;
  for (const std::string& text : pair.client.log.texts()) {
    if (text == "u") {
      ++told;
    } else {
      in_order.push_back(text);
    }
  }
  for (std::size_t i = 0; i < reliable; ++i)
    wanted.push_back("r" + std::to_string(i));
  CHECK(in_order == wanted);
  const auto dropped = pair.caller.stats().drops.unreliable_not_polled;
  CHECK(dropped > unreliable / 4);
  CHECK(told + dropped == unreliable);
  // What was under way when the wait ended came afterwards.
  CHECK(told <= capacity + 20 * 55);
}

TEST_CASE("wait_connected knows no connection of another host, nor nobody's") {
  HostPair pair(test::memory_scheme());
  pair.connect();
  REQUIRE(pair.callee.is_open());
  const auto foreign = pair.client->wait_connected(pair.callee, 1s);
  REQUIRE_FALSE(foreign);
  CHECK(foreign.error().code == ErrorCode::not_connected);

  pair.client->raise(error_of({}));
  const auto nobody = pair.client->wait_connected(Connection(), 1s);
  REQUIRE_FALSE(nobody);
  CHECK(nobody.error().code == ErrorCode::not_connected);
  CHECK(pair.client->poll().has_value());  // the host's own error is still there
}

TEST_CASE("wait_connected takes no error of an extension's for the end of the call") {
  HostPair pair(test::memory_scheme());
  const auto dialled = pair.client->connect(pair.address.to_string());
  REQUIRE(dialled);
  pair.client->raise(error_of(*dialled));
  InEachPass serve([&] {
    pair.server.poll();
    pair.clock.advance(1ms);
  });
  pair.client->attach(serve);
  CHECK(pair.client->wait_connected(*dialled, 10s));
  const auto event = pair.client->poll();
  REQUIRE(event);
  CHECK(event->error.code == ErrorCode::unknown);
}
