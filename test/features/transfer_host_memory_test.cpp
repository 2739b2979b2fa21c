// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <tickwire/transfer.hpp>

#include "lib/features/transfer/core.hpp"
#include "test/features/transfer_pair.hpp"
#include "test/support/allocations.hpp"

/// Allocations of transfers that fail on the host's thread, one after the other until none does.
namespace tickwire {
namespace {

using namespace std::chrono_literals;
using test::CountedScope;
using test::FailingAllocation;
using test::FailingRun;
using test::FailingThread;

constexpr std::size_t kBytes = 40'000;
// The answer to whatever has been said is there by then.
constexpr int kQuietSteps = 100;

/// A `Transfers` whose allocations count.
class Starved final : public Extension {
 public:
  Starved() : core(test::in_small_steps()) {}
  ~Starved() override { detach(); }
  void on_attach(Host& host) override { core.attach(host); }
  void on_detach(Host&) override { core.detach(); }
  Disposition on_event(Host&, Event& event) override {
    const CountedScope counted;
    return core.on_event(event);
  }
  void on_pass(Host&) override {
    const CountedScope counted;
    core.on_pass();
  }
  [[nodiscard]] TimePoint wake_at() const override { return core.wake_at(); }

  [[nodiscard]] Result<TransferId> offer(Connection connection) {
    detail::TransferSource source(std::make_shared<const std::vector<std::byte>>(kBytes));
    std::string name = "bytes that have a long name";
    const detail::OfferIdentity identity{std::string(32, 'k'), kBytes};
    const CountedScope counted;
    return core.offer(connection, std::move(name), std::move(source), identity, {}, {});
  }
  /// As the program's own calls are made.
  [[nodiscard]] Result<void> accept(TransferId id, const std::filesystem::path& target) {
    const CountedScope counted;
    const auto task = core.acceptable(id);
    if (!task) return task.error();
    return (*task)->accept(target, WhenThere::refuse);
  }

  detail::TransferCore core;
};

bool is_at_work(const std::vector<TransferInfo>& all) {
  return std::any_of(all.begin(), all.end(),
                     [](const auto& each) { return each.state != TransferState::finished; });
}

/// A `Transfers` at one end, and a starved one at the other.
struct Hungry {
  Hungry() : healthy(test::in_small_steps()), pair(test::memory_scheme()) {}
  [[nodiscard]] bool until(const std::function<bool()>& holds) {
    return pair.until(holds, 1ms, std::chrono::hours(24));
  }
  /// Steps until no end is at work, or the starved one is not and the other one waits in vain.
  void wait_over() {
    int quiet = 0;
    REQUIRE(until([&] {
      answer_offers();
      quiet = is_quiet() ? quiet + 1 : 0;
      return quiet > kQuietSteps;
    }));
  }
  virtual void answer_offers() = 0;
  /// Whether the newest offer at the starved end is known to the program.
  [[nodiscard]] virtual bool is_told() const { return true; }
  [[nodiscard]] bool is_quiet() const {
    const auto all = starved.core.all();
    return std::all_of(all.begin(), all.end(), [&](const auto& each) {
      return each.state == TransferState::finished ||
             (each.state == TransferState::offered && !is_told());
    });
  }
  virtual ~Hungry() = default;
  /// What nobody has told the healthy end of.
  void cancel_rest() {
    for (const TransferInfo& each : healthy.all())
      static_cast<void>(healthy.cancel(each.id));
    REQUIRE(pair.until([&] { return !is_at_work(healthy.all()); }, 1s, std::chrono::hours(24)));
  }
  /// Both ends have forgotten all that was, and have lost nothing else.
  void check_over() {
    REQUIRE(until([&] { return starved.core.all().empty() && healthy.all().empty(); }));
    CHECK(pair.caller.is_open());
    CHECK(pair.callee.is_open());
    CHECK(starved.core.counters().malformed == 0);
    CHECK(healthy.counters().malformed == 0);
  }

  test::ScratchFolder folder;
  Transfers healthy;
  Starved starved;
  test::HostPair pair;
};

/// The one that receives is starved.
struct HungryReceiver final : Hungry {
  HungryReceiver() {
    pair.client->attach(healthy);
    pair.server->attach(starved);
    pair.connect();
  }
  void offer() {
    REQUIRE(healthy.offer_memory(pair.caller,
                                 std::make_shared<const std::vector<std::byte>>(kBytes),
                                 "bytes that have a long name"));
  }
  // One that cannot be accepted is refused in the end.
  void answer_offers() override {
    for (const TransferInfo& each : starved.core.all()) {
      if (each.state != TransferState::offered || !is_told()) continue;
      const auto accepted = starved.accept(each.id, folder / "target");
      if (!accepted) CHECK(accepted.error().code == ErrorCode::out_of_resources);
      const bool gives_up = !accepted && ++failures_ % 5 == 0;
      if (gives_up) static_cast<void>(starved.core.refuse(each.id, {}));
      if (accepted || gives_up) ++answered_;
    }
  }
  [[nodiscard]] bool is_told() const override {
    return pair.server.log.count(EventType::transfer_offered) > answered_;
  }

 private:
  std::size_t answered_ = 0;
  int failures_ = 0;
};

/// The one that sends is.
struct HungrySender final : Hungry {
  HungrySender() {
    pair.client->attach(starved);
    pair.server->attach(healthy);
    pair.connect();
  }
  void answer_offers() override {
    for (const TransferInfo& each : healthy.all())
      if (each.state == TransferState::offered) REQUIRE(healthy.accept(each.id, folder / "target"));
  }
};

FailingRun which_fail() {
  FailingRun run = FailingRun::only_one;
  SUBCASE("one") {}
  SUBCASE("all from one on") {
    run = FailingRun::from_there_on;
  }
  return run;
}

}  // namespace

TEST_CASE("a receiver whose host's thread memory runs out for ends its transfer, and goes on") {
  const FailingRun run = which_fail();
  bool was_reached = true;
  for (int n = 1; was_reached; ++n) {
    CAPTURE(n);
    REQUIRE(n < 1000);
    HungryReceiver hungry;
    hungry.offer();
    {
      const FailingAllocation failing(n, FailingThread::this_one_in_scopes, run);
      hungry.wait_over();
      was_reached = failing.was_reached();
    }
    hungry.wait_over();  // offers that it can tell of by now
    hungry.cancel_rest();
    hungry.check_over();
    // The next one finds everything in order.
    std::filesystem::remove(hungry.folder / "target");
    const std::size_t before = hungry.pair.server.log.count(EventType::transfer_finished);
    hungry.offer();
    REQUIRE(hungry.until([&] {
      hungry.answer_offers();
      return hungry.pair.server.log.count(EventType::transfer_finished) > before;
    }));
    CHECK(hungry.pair.server.log.last(EventType::transfer_finished).error.code == ErrorCode::none);
    CHECK(test::text_of_file(hungry.folder / "target").size() == kBytes);
    CHECK(hungry.folder.names().size() == 1);
  }
}

TEST_CASE("a sender whose host's thread memory runs out for ends its transfer, and goes on") {
  const FailingRun run = which_fail();
  bool was_reached = true;
  for (int n = 1; was_reached; ++n) {
    CAPTURE(n);
    REQUIRE(n < 1000);
    HungrySender hungry;
    auto& log = hungry.pair.client.log;
    {
      const FailingAllocation failing(n, FailingThread::this_one_in_scopes, run);
      const auto offered = hungry.starved.offer(hungry.pair.caller);
      if (!offered) CHECK(hungry.starved.core.all().empty());
      hungry.wait_over();
      was_reached = failing.was_reached();
      if (!offered) {
        const bool is_memory = offered.error().code == ErrorCode::out_of_resources ||
                               offered.error().code == ErrorCode::encode_failed;
        CHECK(is_memory);
        CHECK(hungry.pair.server.log.count(EventType::transfer_offered) == 0);
      }
    }
    hungry.wait_over();
    hungry.cancel_rest();
    hungry.check_over();
    std::filesystem::remove(hungry.folder / "target");
    const std::size_t before = log.count(EventType::transfer_finished);
    REQUIRE(hungry.starved.offer(hungry.pair.caller));
    REQUIRE(hungry.until([&] {
      hungry.answer_offers();
      return log.count(EventType::transfer_finished) > before;
    }));
    CHECK(log.last(EventType::transfer_finished).error.code == ErrorCode::none);
    CHECK(test::text_of_file(hungry.folder / "target").size() == kBytes);
  }
}

}  // namespace tickwire
