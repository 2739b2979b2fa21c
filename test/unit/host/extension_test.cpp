// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include <tickwire/extension.hpp>

#include "test/support/host_pair.hpp"

using namespace tickwire;
using namespace std::chrono_literals;
using test::HostPair;

namespace {

/// Writes down all that it is told, and does as it is told.
class Scribe final : public Extension {
 public:
  Scribe(std::string name, std::vector<std::string>& book) : name_(std::move(name)), book_(book) {}
  ~Scribe() override = default;

  void on_attach(Host&) override { note("attached"); }
  void on_detach(Host&) override { note("detached"); }
  Disposition on_event(Host& host, Event& event) override {
    note(std::string(test::name_of(event.type)));
    return when_event ? when_event(host, event) : Disposition::pass;
  }
  void on_tick(Host&, const Tick&) override { note("tick"); }
  void on_pass(Host& host) override {
    ++passes;
    if (when_pass) when_pass(host);
  }

  std::function<Disposition(Host&, Event&)> when_event;
  std::function<void(Host&)> when_pass;
  int passes = 0;

 private:
  void note(const std::string& what) { book_.push_back(name_ + " " + what); }

  std::string name_;
  std::vector<std::string>& book_;
};

std::vector<std::string> only(const std::vector<std::string>& book, const std::string& what) {
  std::vector<std::string> lines;
  for (const std::string& line : book) {
    if (line.find(what) != std::string::npos) lines.push_back(line);
  }
  return lines;
}

}  // namespace

TEST_CASE("extensions see every event before the program, in the order in which they came") {
  HostPair pair(test::memory_scheme());
  std::vector<std::string> book;
  Scribe a("a", book), b("b", book);
  pair.client->attach(a);
  pair.client->attach(b);
  pair.connect();
  CHECK(book[0] == "a attached");
  CHECK(book[1] == "b attached");
  CHECK(only(book, " connected") == std::vector<std::string>{"a connected", "b connected"});
  CHECK(a.passes > 0);
  pair.run(100ms, 20ms);
  const auto ticks = only(book, "tick");
  REQUIRE(ticks.size() >= 4);
  CHECK(ticks[0] == "a tick");
  CHECK(ticks[1] == "b tick");
}

TEST_CASE("what an extension consumes nobody else sees, the end of a connection included") {
  HostPair pair(test::memory_scheme());
  pair.connect();
  std::vector<std::string> book;
  Scribe a("a", book), b("b", book);
  a.when_event = [](Host&, Event&) { return Disposition::consume; };
  pair.client->attach(a);
  pair.client->attach(b);
  const std::size_t before = pair.client.log.all().size();
  REQUIRE(test::send_text(pair.callee, "x"));
  CHECK(pair.callee.close() == ErrorCode::none);
  REQUIRE(pair.until([&] { return !only(book, "disconnected").empty(); }));
  pair.run(20ms);
  CHECK(only(book, "b object_received").empty());
  CHECK(only(book, "b disconnected").empty());
  CHECK(pair.client.log.all().size() == before);
  CHECK_FALSE(pair.caller.is_open());
  CHECK(pair.caller.address() == Address());
}

TEST_CASE(
    "an extension may raise events of its own, which others see first and the program reads") {
  HostPair pair(test::memory_scheme());
  pair.connect();
  std::vector<std::string> book;
  Scribe a("a", book), b("b", book);
  a.when_event = [](Host& host, Event& event) {
    if (event.type != EventType::object_received) return Disposition::pass;
    Event raised;
    raised.type = EventType::custom;
    raised.connection = event.connection;
    host.raise(std::move(raised));
    return Disposition::consume;
  };
  pair.client->attach(a);
  pair.client->attach(b);
  REQUIRE(test::send_text(pair.callee, "x"));
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::custom) == 1; }));
  CHECK(only(book, "an extension's event").size() == 2);
  CHECK(pair.client.log.messages() == 0);
}

TEST_CASE("an extension that is destroyed is detached, and one outlives its host") {
  std::vector<std::string> book;
  Scribe survivor("survivor", book);
  {
    HostPair pair(test::memory_scheme());
    auto brief = std::make_unique<Scribe>("brief", book);
    pair.client->attach(*brief);
    pair.client->attach(survivor);
    pair.connect();
    brief.reset();
    book.clear();
    REQUIRE(test::send_text(pair.callee, "x"));
    REQUIRE(pair.until([&] { return pair.client.log.messages() == 1; }));
    CHECK(only(book, "brief").empty());
    CHECK(only(book, "survivor object_received").size() == 1);
  }
  CHECK(only(book, "survivor detached").size() == 1);
}

TEST_CASE("an extension that goes inside a callback takes nothing from the next one") {
  HostPair pair(test::memory_scheme());
  pair.connect();
  std::vector<std::string> book;
  Scribe b("b", book);
  auto a = std::make_unique<Scribe>("a", book);
  pair.client->attach(*a);
  pair.client->attach(b);
  SUBCASE("detached in on_event") {
    a->when_event = [&](Host& host, Event&) {
      host.detach(*a);
      return Disposition::pass;
    };
  }
  SUBCASE("destroyed in on_event") {
    a->when_event = [&](Host&, Event&) {
      const auto gone = std::move(a);
      return Disposition::pass;
    };
  }
  SUBCASE("replaced in on_pass") {
    a->when_pass = [&](Host& host) {
      host.detach(*a);
      a->when_pass = nullptr;
      host.attach(*a);
    };
  }
  REQUIRE(test::send_text(pair.callee, "x"));
  REQUIRE(pair.until([&] { return pair.client.log.messages() == 1; }));
  CHECK(only(book, "b object_received").size() == 1);
  CHECK(only(book, "a object_received").size() == 1);
  REQUIRE(test::send_text(pair.callee, "y"));
  REQUIRE(pair.until([&] { return pair.client.log.messages() == 2; }));
  CHECK(only(book, "b object_received").size() == 2);
}

TEST_CASE("an extension's connections still answer when the host goes") {
  std::vector<std::string> book;
  bool answered = false;
  class Last final : public Extension {
   public:
    explicit Last(std::function<void(Host&)> goodbye) : goodbye_(std::move(goodbye)) {}
    void on_detach(Host& host) override { goodbye_(host); }

   private:
    std::function<void(Host&)> goodbye_;
  };
  HostPair pair(test::memory_scheme());
  pair.connect();
  Last last(
      [&](Host& host) { answered = pair.caller.is_open() && host.connections().size() == 1; });
  pair.client->attach(last);
  pair.client.host.reset();
  CHECK(answered);
}

TEST_CASE("an error that an extension raises for a connection costs it nothing of its own") {
  test::PairOptions options;
  options.client.max_events_per_pass = 1;
  options.client.event_capacity = 2;
  HostPair pair(test::memory_scheme(), std::move(options));
  pair.connect();
  std::vector<std::string> book;
  Scribe scribe("s", book);
  scribe.when_pass = [&](Host& host) {
    Event raised;
    raised.connection = pair.caller;
    raised.error = {ErrorCode::unknown, 0, "raised"};
    host.raise(std::move(raised));
  };
  for (int i = 0; i < 20; ++i)
    REQUIRE(test::send_text(pair.callee, std::to_string(i)));
  pair.server.poll();
  pair.client.awake = false;  // its log would not like such an error
  REQUIRE(pair.client->poll().has_value());
  CHECK_FALSE(pair.client->poll().has_value());
  pair.network->sever_all();
  pair.client->attach(scribe);
  int passes = 0;
  int messages = 1;
  int ends = 0;
  while (ends == 0 && ++passes < 200) {
    while (const auto event = pair.client->poll()) {
      messages += event->type == EventType::object_received ? 1 : 0;
      ends += event->type == EventType::disconnected ? 1 : 0;
      if (event->type == EventType::object_received)
        CHECK(event->connection.address() == pair.address);
    }
    if (passes == 10) pair.client->detach(scribe);
  }
  CHECK(messages == 20);
  CHECK(ends == 1);
}

TEST_CASE("a raised event that the program's mask leaves out is not made, and counted") {
  test::PairOptions options;
  options.client.events = EventMask::all().without(EventType::custom);
  HostPair pair(test::memory_scheme(), std::move(options));
  pair.connect();
  const auto raise = [&](EventType type, Connection connection) {
    Event raised;
    raised.type = type;
    raised.connection = connection;
    raised.error.code = ErrorCode::unknown;
    pair.client->raise(std::move(raised));
  };
  std::vector<std::string> book;
  Scribe scribe("s", book);
  pair.client->attach(scribe);
  raise(EventType::custom, pair.caller);
  raise(EventType::custom, {});
  raise(EventType::logged_in, pair.caller);
  raise(EventType::error, {});
  pair.client.poll();
  CHECK(only(book, "extension's").size() == 1);  // the `logged_in`
  CHECK(book.size() == 3);
  CHECK(pair.client.log.count(EventType::custom) == 0);
  CHECK(pair.client.log.count(EventType::logged_in) == 1);
  CHECK(pair.client.log.count(EventType::error) == 1);
  CHECK(pair.caller.stats().drops.masked_events == 1);
  CHECK(pair.client->stats().connections.drops.masked_events == 2);
}

TEST_CASE("an extension that is attached already stays as it is") {
  HostPair pair(test::memory_scheme());
  std::vector<std::string> book;
  {
    Scribe scribe("s", book);
    pair.client->attach(scribe);
    pair.client->attach(scribe);
    pair.server->attach(scribe);
    CHECK(book == std::vector<std::string>{"s attached"});
    pair.connect();
    CHECK(only(book, "s connected").size() == 1);
    pair.server->detach(scribe);
    CHECK(only(book, "detached").empty());
  }
  // Nobody remembers it.
  REQUIRE(test::send_text(pair.caller, "x"));
  CHECK(pair.until([&] { return pair.server.log.messages() == 1; }));
}
