// SPDX-License-Identifier: MIT
#include <tickwire/task.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <tickwire/codec.hpp>

#include "test/support/host_pair.hpp"

/// Messages of tasks that had left their sessions already, for an extension's event behind them.
namespace tickwire {
namespace {

using namespace std::chrono_literals;
using test::HostPair;
using Book = std::vector<std::string>;

/// Raises an event about a bystander behind each message that it sees, up to a number of them.
class Raiser final : public Extension {
 public:
  explicit Raiser(int most) : left_(most) {}
  ~Raiser() override = default;
  Disposition on_event(Host& host, Event& event) override {
    if (event.type != EventType::object_received || left_ == 0) return Disposition::pass;
    --left_;
    raise(host);
    return Disposition::pass;
  }
  void raise(Host& host) {
    Event raised;
    raised.type = EventType::custom;
    raised.connection = bystander;
    host.raise(std::move(raised));
  }
  Connection bystander;

 private:
  int left_;
};

/// What the program reads of each connection, after the tasks.
class Witness final : public Extension {
 public:
  explicit Witness(std::map<Connection, Book, std::less<>>& books) : books_(books) {}
  ~Witness() override = default;
  Disposition on_event(Host&, Event& event) override {
    if (event.is<std::string>()) books_[event.connection].push_back(*event.as<std::string>());
    if (event.type == EventType::disconnected) books_[event.connection].push_back("end");
    return Disposition::pass;
  }

 private:
  std::map<Connection, Book, std::less<>>& books_;
};
using Books = std::map<Connection, Book, std::less<>>;

/// A pair whose server has tasks, behind an extension that moves all that waits into the ring.
struct Crowded {
  explicit Crowded(test::PairOptions options, int raised = 1)
      : raiser(raised), witness(books), pair(test::memory_scheme(), std::move(options)) {
    pair.server->attach(raiser);
    pair.server->attach(tasks);
    pair.server->attach(witness);
    pair.connect();
    raiser.bystander = pair.callee;
    pair.connect();
  }
  /// All of them, and what else there is, come in one pass.
  void send(int count, bool closes = false) {
    pair.server.awake = false;
    for (int i = 0; i < count; ++i)
      REQUIRE(pair.caller.send(std::to_string(i)));
    if (closes) CHECK(pair.caller.close("bye") == ErrorCode::none);
    pair.run(20ms);
    pair.server.awake = true;
  }

  Books books;
  Raiser raiser;
  Tasks tasks;
  Witness witness;
  HostPair pair;
};

Task<> read_some(Connection connection, Book& book, int count, Duration pause) {
  for (int i = 0; i < count; ++i) {
    auto text = co_await receive<std::string>(connection);
    book.push_back(text ? *text : text.error().message());
    if (!text) co_return;
    co_await sleep(pause);
  }
}

test::PairOptions with_passes_of(std::size_t events) {
  test::PairOptions options;
  options.server.max_events_per_pass = events;
  return options;
}

}  // namespace

TEST_CASE("what a task leaves unread comes before the later messages that are in the ring") {
  Crowded crowded(with_passes_of(2));
  auto& pair = crowded.pair;
  Book& book = crowded.books[pair.callee];
  SUBCASE("it ends by itself") {
    REQUIRE(crowded.tasks.spawn(read_some(pair.callee, book, 1, 0ms)));
    crowded.send(6);
  }
  SUBCASE("it is cancelled") {
    const auto id = crowded.tasks.spawn(read_some(pair.callee, book, 2, 1h));
    crowded.send(6);
    pair.server.poll();
    CHECK(crowded.tasks.cancel(*id));
  }
  SUBCASE("all tasks end") {
    REQUIRE(crowded.tasks.spawn(read_some(pair.callee, book, 2, 1h)));
    crowded.send(6);
    pair.server.poll();
    pair.server->detach(crowded.tasks);
  }
  REQUIRE(pair.until([&] { return book.size() == 6; }));
  CHECK(book == Book{"0", "1", "2", "3", "4", "5"});
  CHECK(pair.server.log.texts() == Book{"1", "2", "3", "4", "5"});
  CHECK(pair.server.log.count(EventType::custom) == 1);
}

TEST_CASE("a connection's end waits behind the messages in the ring that a task reads later") {
  Crowded crowded({});
  auto& pair = crowded.pair;
  Book& book = crowded.books[pair.callee];
  const auto id = crowded.tasks.spawn(read_some(pair.callee, book, 9, 50ms));
  crowded.send(3, true);
  pair.run(20ms);
  CHECK(book == Book{"0"});
  CHECK(pair.server.log.count(EventType::disconnected) == 0);
  SUBCASE("and is told once they are read") {
    REQUIRE(pair.until([&] { return crowded.tasks.count() == 0; }));
    CHECK(book == Book{"0", "1", "2", "end", "bye"});
  }
  SUBCASE("and comes behind what the program gets of them") {
    CHECK(pair.callee.address() != Address());
    CHECK(crowded.tasks.cancel(*id));
    REQUIRE(pair.until([&] { return book.size() == 4; }));
    CHECK(book == Book{"0", "1", "2", "end"});
  }
  pair.run(20ms);
  CHECK(pair.server.log.count(EventType::disconnected) == 1);
  CHECK(pair.callee.address() == Address());
}

TEST_CASE("tasks that end in one pass give all that they left back in order, also to a full ring") {
  test::PairOptions options = with_passes_of(7);
  options.server.event_capacity = 3;
  Crowded crowded(std::move(options), 1000);
  auto& pair = crowded.pair;
  const Connection more = pair.connect(pair.client);
  const Connection callee = pair.server.log.last(EventType::connected).connection;
  REQUIRE(callee != pair.callee);
  for (int i = 0; i < 3; ++i) {
    REQUIRE(crowded.tasks.spawn(read_some(pair.callee, crowded.books[pair.callee], 1, 5ms)));
    REQUIRE(crowded.tasks.spawn(read_some(callee, crowded.books[callee], 1, 5ms)));
  }
  Book expected;
  for (int i = 0; i < 40; ++i) {
    expected.push_back(std::to_string(i));
    REQUIRE(more.send(expected.back()));
  }
  crowded.send(40);
  REQUIRE(pair.until([&] {
    return crowded.books[callee].size() == 40 && crowded.books[pair.callee].size() == 40;
  }));
  CHECK(crowded.books[pair.callee] == expected);
  CHECK(crowded.books[callee] == expected);
}

TEST_CASE("whatever tasks begin, leave and end, messages keep their order, and the end is last") {
  for (const unsigned seed : {1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u}) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    test::PairOptions options = with_passes_of(1 + random() % 12);
    options.server.event_capacity = 1 + random() % 40;
    Crowded crowded(std::move(options), 1 << 20);
    auto& pair = crowded.pair;
    Book& book = crowded.books[pair.callee];
    Book expected;
    std::vector<TaskId> ids;
    for (int step = 0; step < 600; ++step) {
      if (random() % 3 == 0) {
        for (auto count = random() % 12; count > 0; --count) {
          expected.push_back(std::to_string(expected.size()));
          REQUIRE(pair.caller.send(expected.back()));
        }
      }
      const int most = static_cast<int>(random() % 5);
      const Duration pause = 1ms * (random() % 4);
      if (random() % 8 == 0)
        ids.push_back(*crowded.tasks.spawn(read_some(pair.callee, book, most, pause)));
      if (random() % 8 == 0 && !ids.empty())
        static_cast<void>(crowded.tasks.cancel(ids[random() % ids.size()]));
      if (random() % 16 == 0) crowded.raiser.raise(*pair.server);
      pair.step();
    }
    CHECK(pair.caller.close("bye") == ErrorCode::none);
    for (const TaskId id : ids)
      static_cast<void>(crowded.tasks.cancel(id));
    REQUIRE(pair.until([&] { return pair.server.log.count(EventType::disconnected) == 1; }));
    expected.emplace_back("end");
    CHECK(book == expected);
  }
}

TEST_CASE("a task gets the messages that the program does not receive by itself") {
  Crowded crowded({}, 0);
  auto& pair = crowded.pair;
  Book& book = crowded.books[pair.callee];
  REQUIRE(crowded.tasks.spawn(read_some(pair.callee, book, 3, 5ms)));
  crowded.send(1);
  pair.server.poll();
  CHECK(book == Book{"0"});
  CHECK(pair.server->set_receiving(pair.callee, Receiving::on) == ErrorCode::none);
  REQUIRE(pair.caller.send("for the program"));
  pair.client.poll();
  pair.server.poll();
  CHECK(pair.server.log.texts() == Book{"for the program"});
}

}  // namespace tickwire
