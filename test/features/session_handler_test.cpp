// SPDX-License-Identifier: MIT
#include <tickwire/session_handler.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <tickwire/codec.hpp>

#include "test/support/host_pair.hpp"

using namespace tickwire;
using namespace std::chrono_literals;
using test::HostPair;

namespace {

using Book = std::vector<std::string>;

std::size_t count(const Book& book, const std::string& line) {
  return static_cast<std::size_t>(std::count(book.begin(), book.end(), line));
}

/// Writes down what it is told, and does what the test wants.
class Scribe : public SessionHandler {
 public:
  explicit Scribe(Book& into) : book(into) {
    handle(&Scribe::on_text);
    handle<int>([this](int number) { note("int " + std::to_string(number)); });
  }
  ~Scribe() override { note("gone"); }

  void on_open() override { note("open " + connection().name()); }
  void on_tick(const Tick&) override { note("tick"); }
  void on_text(const std::string& text) {
    note("text " + text);
    if (when_text) when_text(*this, text);
  }
  void on_object(const Event& event) override {
    note("object " + std::string(event.message_name()));
  }
  void on_bytes(std::span<const std::byte> bytes) override {
    note("bytes " + std::to_string(bytes.size()));
  }
  void on_sent(MessageId, Receipt receipt) override {
    note(receipt == Receipt::acknowledged ? "acknowledged" : "sent");
  }
  void on_close(const Error& error) override {
    note("close " + std::string(to_string(error.code)));
  }

  Book& book;
  std::function<void(Scribe&, const std::string&)> when_text;

 private:
  void note(std::string line) { book.push_back(std::move(line)); }
};

/// A pair whose server has a scribe for each connection.
struct Served {
  explicit Served(const test::Scheme& scheme) : pair(scheme) { pair.server->attach(*handlers); }

  Book book;
  std::function<void(Scribe&, const std::string&)> when_text;
  std::unique_ptr<SessionHandlers> handlers = std::make_unique<SessionHandlers>([this](Connection) {
    auto scribe = std::make_unique<Scribe>(book);
    scribe->when_text = when_text;
    return scribe;
  });
  HostPair pair;
};

}  // namespace

CONTRACT_CASE("a handler is told what happens to its connection, and then destroyed") {
  Served served(scheme);
  auto& book = served.book;
  auto& when_text = served.when_text;
  auto& handlers = served.handlers;
  auto& pair = served.pair;
  when_text = [](Scribe& scribe, const std::string& text) { CHECK(scribe.send(text + "!")); };
  pair.connect({.name = "ann"});
  CHECK(book.front() == "open ann");
  CHECK(handlers->count() == 1);
  CHECK(handlers->find(pair.callee) != nullptr);
  REQUIRE(pair.caller.send("hello"));
  REQUIRE(pair.caller.send(7));
  REQUIRE(pair.caller.send(2.5));
  REQUIRE(pair.caller.send_bytes(std::vector<std::byte>(3)));
  REQUIRE(
      pair.until([&] { return count(book, "bytes 3") == 1 && count(book, "acknowledged") == 1; }));
  CHECK(count(book, "text hello") == 1);
  CHECK(count(book, "int 7") == 1);
  CHECK(count(book, "object f64") == 1);
  REQUIRE(pair.until([&] { return pair.client.log.messages() == 1; }));
  CHECK(pair.client.log.texts() == Book{"hello!"});
  book.clear();
  pair.run(100ms);
  CHECK(count(book, "tick") >= 4);
  CHECK(pair.caller.close() == ErrorCode::none);
  REQUIRE(pair.until([&] { return count(book, "gone") == 1; }));
  CHECK(book[book.size() - 2] == "close closed by the remote end");
  CHECK(book.back() == "gone");
  CHECK(handlers->count() == 0);
  // The program saw who came and went, and no messages.
  CHECK(pair.server.log.messages() == 0);
  CHECK(pair.server.log.count(EventType::connected) == 1);
  CHECK(pair.server.log.count(EventType::disconnected) == 1);
  book.clear();
  pair.run(100ms);
  CHECK(book.empty());
}

CONTRACT_CASE("a factory may leave a connection to the program") {
  HostPair pair(scheme);
  SessionHandlers nobody([](Connection) { return nullptr; });
  pair.server->attach(nobody);
  pair.connect();
  REQUIRE(pair.caller.send("x"));
  REQUIRE(pair.until([&] { return pair.server.log.messages() == 1; }));
  CHECK(nobody.count() == 0);
  CHECK(nobody.find(pair.callee) == nullptr);
}

CONTRACT_CASE("a dialled connection has a handler, too, and each has its own") {
  Served served(scheme);
  Book client_book;
  SessionHandlers diallers([&](Connection connection) -> std::unique_ptr<SessionHandler> {
    if (connection.direction() != Direction::dialled) return nullptr;
    return std::make_unique<Scribe>(client_book);
  });
  served.pair.client->attach(diallers);
  served.pair.connect({.name = "ann"});
  const Connection second = served.pair.connect(served.pair.client, {.name = "bob"});
  CHECK(diallers.count() == 2);
  CHECK(served.handlers->count() == 2);
  CHECK(diallers.find(second) != diallers.find(served.pair.caller));
  CHECK(count(served.book, "open bob") == 1);
  CHECK(second.close() == ErrorCode::none);
  REQUIRE(
      served.pair.until([&] { return diallers.count() == 1 && served.handlers->count() == 1; }));
  CHECK(count(client_book, "close closed by this program") == 1);
  CHECK(count(client_book, "gone") == 1);
}

CONTRACT_CASE("a handler may close its own connection in the middle of a message") {
  Served served(scheme);
  served.when_text = [](Scribe& scribe, const std::string& text) {
    if (text == "QUIT") CHECK(scribe.close("as you wish") == ErrorCode::none);
  };
  served.pair.connect();
  REQUIRE(served.pair.caller.send("QUIT"));
  REQUIRE(served.pair.until([&] { return served.handlers->count() == 0; }));
  CHECK(count(served.book, "gone") == 1);
  REQUIRE(served.pair.until(
      [&] { return served.pair.client.log.count(EventType::disconnected) == 1; }));
  CHECK(served.pair.client.log.last(EventType::disconnected).error.message() == "as you wish");
}

TEST_CASE("what a handler throws reaches the host's error event, and the connection stays") {
  Served served(test::memory_scheme());
  auto& pair = served.pair;
  served.when_text = [](Scribe&, const std::string& text) { throw std::runtime_error(text); };
  pair.connect();
  REQUIRE(pair.caller.send("too much"));
  REQUIRE(pair.caller.send(1));
  REQUIRE(pair.until([&] { return count(served.book, "int 1") == 1; }));
  REQUIRE(pair.until([&] { return pair.server.log.count(ErrorCode::exception_thrown) == 1; }));
  const auto& told = pair.server.log.last(EventType::error);
  CHECK(told.connection == Connection());
  CHECK(told.error.message().find("too much") != std::string::npos);
  CHECK(pair.callee.is_open());
}

TEST_CASE("every function of a handler, and the factory, may throw") {
  class Thrower final : public SessionHandler {
   public:
    void on_open() override { throw 1; }
    void on_object(const Event&) override { throw 2; }
    void on_bytes(std::span<const std::byte>) override { throw 3; }
    void on_close(const Error&) override { throw 4; }
    void on_tick(const Tick&) override {
      if (!std::exchange(has_ticked_, true)) throw 5;
    }

   private:
    bool has_ticked_ = false;
  };
  HostPair pair(test::memory_scheme());
  bool throws = false;
  SessionHandlers handlers([&](Connection) -> std::unique_ptr<SessionHandler> {
    if (throws) throw std::runtime_error("no handler today");
    return std::make_unique<Thrower>();
  });
  pair.server->attach(handlers);
  pair.connect();
  REQUIRE(pair.caller.send("x"));
  REQUIRE(pair.caller.send_bytes(std::vector<std::byte>(1)));
  pair.run(100ms);
  CHECK(pair.callee.is_open());
  CHECK(pair.caller.close() == ErrorCode::none);
  REQUIRE(pair.until([&] { return handlers.count() == 0; }));
  pair.run(10ms);
  CHECK(pair.server.log.count(ErrorCode::exception_thrown) == 5);
  throws = true;
  pair.connect();
  pair.run(10ms);
  CHECK(pair.server.log.count(ErrorCode::exception_thrown) == 6);
  CHECK(handlers.count() == 0);
  CHECK(pair.callee.is_open());
}

TEST_CASE("an object that does not decode is an error of the host, and the next one is taken") {
  HostPair pair(test::memory_scheme());
  Book book;
  SessionHandlers handlers([&](Connection) { return std::make_unique<Scribe>(book); });
  pair.client->attach(handlers);
  pair.connect();
  // A number, sent on under the name of a type that it is not.
  REQUIRE(pair.caller.send(99));
  pair.server.awake = false;
  bool is_forwarded = false;
  REQUIRE(pair.until([&] {
    while (auto event = pair.server->poll()) {
      if (event->type != EventType::object_received) continue;
      event->type_id = message_type<std::string>;
      const Connection back[] = {pair.callee};
      is_forwarded = pair.server->forward(*event, back).queued == 1;
    }
    return is_forwarded;
  }));
  pair.server.awake = true;
  REQUIRE(pair.callee.send("fine"));
  REQUIRE(pair.until([&] { return count(book, "text fine") == 1; }));
  CHECK(pair.client.log.last(EventType::error).error.code == ErrorCode::malformed_object);
  CHECK(pair.caller.is_open());
}

TEST_CASE("handlers are told of the end when they are taken from their host, or it goes") {
  Served served(test::memory_scheme());
  auto& pair = served.pair;
  pair.connect();
  Book last;
  SUBCASE("destroyed") {
    served.handlers.reset();
  }
  SUBCASE("detached") {
    pair.server->detach(*served.handlers);
  }
  SUBCASE("the host goes") {
    pair.server.host.reset();
  }
  last.assign(served.book.end() - 2, served.book.end());
  CHECK(last[0] == "close closed by this program");
  CHECK(last[1] == "gone");
}

TEST_CASE("a handler may destroy all handlers while it is told something") {
  Served served(test::memory_scheme());
  auto& pair = served.pair;
  served.when_text = [&](Scribe& scribe, const std::string&) {
    served.handlers.reset();
    CHECK(count(scribe.book, "gone") == 1);  // the other's; this one lives until it returns
  };
  pair.connect();
  const Connection second = pair.connect(pair.client);
  REQUIRE(second.send("end it"));
  REQUIRE(pair.until([&] { return count(served.book, "gone") == 2; }));
  REQUIRE(pair.caller.send("still here"));
  REQUIRE(pair.until([&] { return pair.server.log.messages() == 1; }));
}

TEST_CASE("a factory that destroys all handlers opens none") {
  HostPair pair(test::memory_scheme());
  int opened = 0;
  struct Counted final : SessionHandler {
    explicit Counted(int& counter) : count(counter) {}
    void on_open() override { ++count; }
    int& count;
  };
  std::unique_ptr<SessionHandlers> handlers;
  handlers = std::make_unique<SessionHandlers>([&](Connection) {
    handlers.reset();
    return std::make_unique<Counted>(opened);
  });
  pair.server->attach(*handlers);
  pair.connect();
  CHECK(opened == 0);
}
