// SPDX-License-Identifier: MIT
#include <tickwire/task.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
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

/// Says that a task's variables are gone.
class Mark {
 public:
  explicit Mark(int& count) noexcept : count_(&count) { ++*count_; }
  Mark(Mark&& other) noexcept : count_(std::exchange(other.count_, nullptr)) {}
  ~Mark() {
    if (count_ != nullptr) --*count_;
  }

 private:
  int* count_;
};

/// A pair with tasks on both sides.
struct Tasked {
  explicit Tasked(const test::Scheme& scheme, test::PairOptions options = {})
      : pair(scheme, std::move(options)) {
    pair.server->attach(*server);
    pair.client->attach(*client);
  }
  int alive = 0;  // marks; outlives the tasks that count them
  std::unique_ptr<Tasks> server = std::make_unique<Tasks>();
  std::unique_ptr<Tasks> client = std::make_unique<Tasks>();
  HostPair pair;
};

Task<> echo(Connection connection) {
  while (auto text = co_await receive<std::string>(connection)) {
    if (!co_await sent(connection.send(*text))) co_return;
  }
}

Task<> call(Host& host, std::string url, Book& book) {
  const auto dialled = host.connect(url);
  if (!dialled) co_return book.push_back(dialled.error().message());
  const auto up = co_await connected(*dialled, 5s);
  if (!up) co_return book.push_back(up.error().message());
  for (int i = 0; i < 3; ++i) {
    const auto receipt = co_await sent(dialled->send("my message " + std::to_string(i)));
    book.push_back(receipt && *receipt == Receipt::acknowledged ? "sent" : "not sent");
    auto answer = co_await receive<std::string>(*dialled, 5s);
    book.push_back(answer ? *answer : answer.error().message());
  }
  dialled->close();
}

}  // namespace

CONTRACT_CASE("a client and an echo server read from top to bottom") {
  Tasked tasked(scheme);
  auto& pair = tasked.pair;
  tasked.server->serve(echo);
  Book book;
  REQUIRE(tasked.client->spawn(call(*pair.client, pair.address.to_string(), book)));
  REQUIRE(pair.until([&] { return tasked.client->count() == 0 && tasked.server->count() == 0; }));
  CHECK(book == Book{"sent", "my message 0", "sent", "my message 1", "sent", "my message 2"});
  CHECK(pair.client.log.messages() == 0);
  CHECK(pair.server.log.messages() == 0);
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::disconnected) == 1; }));
}

CONTRACT_CASE("messages wait for a slow task, hold up the sender, and none is lost") {
  test::PairOptions options;
  options.server.limits.receive_window_bytes = 128 * 1024;
  Tasked tasked(scheme, std::move(options));
  auto& pair = tasked.pair;
  constexpr int count = 600;
  std::vector<std::size_t> sizes;
  Error end;
  // The names of coroutines, and not lambdas: their captures would be gone when they go on.
  struct Slow {
    static Task<> read(Connection connection, std::vector<std::size_t>& sizes, Error& end) {
      while (true) {
        auto text = co_await receive<std::string>(connection);
        if (!text) {
          end = text.error();
          co_return;
        }
        sizes.push_back(text->size());
        co_await sleep(5ms);
      }
    }
  };
  pair.connect();
  REQUIRE(tasked.server->spawn(pair.callee, Slow::read(pair.callee, sizes, end)));
  for (int i = 0; i < count; ++i)
    REQUIRE(pair.caller.send(std::string(400 + static_cast<std::size_t>(i), 'x')));
  pair.run(100ms);
  // The window, and not all of 420 kB.
  CHECK(pair.callee.stats().bytes_received < 200'000);
  CHECK(sizes.size() < 50);
  REQUIRE(pair.until([&] { return sizes.size() == count; }));
  for (int i = 0; i < count; ++i)
    CHECK(sizes[static_cast<std::size_t>(i)] == 400 + static_cast<std::size_t>(i));
  pair.run(10ms);
  CHECK(pair.caller.close("done") == ErrorCode::none);
  REQUIRE(pair.until([&] { return tasked.server->count() == 0; }));
  CHECK(end.code == ErrorCode::closed_by_peer);
  CHECK(end.message() == "done");
}

CONTRACT_CASE("a task reads what came before its connection closed, and then hears of the end") {
  Tasked tasked(scheme);
  auto& pair = tasked.pair;
  Book book;
  struct Late {
    static Task<> read(Connection connection, Book& book) {
      co_await sleep(300ms);
      while (true) {
        auto text = co_await receive<std::string>(connection);
        book.push_back(text ? *text : text.error().message());
        if (!text) co_return;
      }
    }
  };
  pair.connect();
  REQUIRE(tasked.server->spawn(pair.callee, Late::read(pair.callee, book)));
  REQUIRE(pair.caller.send("a"));
  REQUIRE(pair.caller.send("b"));
  CHECK(pair.caller.close("bye") == ErrorCode::none);
  REQUIRE(pair.until([&] { return tasked.server->count() == 0; }));
  CHECK(book == Book{"a", "b", "bye"});
}

CONTRACT_CASE("what no task reads any more goes to the program, in order") {
  Tasked tasked(scheme);
  auto& pair = tasked.pair;
  Book book;
  struct Once {
    static Task<> read(Connection connection, Book& book) {
      book.push_back((co_await receive<std::string>(connection)).value_or("?"));
    }
  };
  pair.connect();
  REQUIRE(tasked.server->spawn(pair.callee, Once::read(pair.callee, book)));
  for (const char* text : {"one", "two", "three", "four"})
    REQUIRE(pair.caller.send(text));
  REQUIRE(pair.until([&] { return pair.server.log.messages() == 3; }));
  CHECK(book == Book{"one"});
  CHECK(pair.server.log.texts() == Book{"two", "three", "four"});
}

CONTRACT_CASE("next_event hands out whatever comes, bytes and objects of any type") {
  Tasked tasked(scheme);
  auto& pair = tasked.pair;
  Book book;
  struct Reader {
    static Task<> read(Connection connection, Book& book) {
      while (auto event = co_await next_event(connection)) {
        if (event->is<int>()) book.push_back("int " + std::to_string(*event->as<int>()));
        if (event->is<std::string>()) book.push_back(*event->as<std::string>());
        if (event->type == EventType::data_received) break;
      }
      auto bytes = co_await receive_bytes(connection);
      book.push_back(bytes ? std::to_string(bytes->size()) + " bytes" : bytes.error().message());
      bytes = co_await receive_bytes(connection);
      book.push_back(bytes ? "bytes" : std::string(to_string(bytes.error().code)));
      auto number = co_await receive<int>(connection);
      book.push_back(number ? "int" : std::string(to_string(number.error().code)));
    }
  };
  pair.connect();
  REQUIRE(tasked.server->spawn(pair.callee, Reader::read(pair.callee, book)));
  REQUIRE(pair.caller.send(7));
  REQUIRE(pair.caller.send("text"));
  REQUIRE(pair.caller.send_bytes(std::vector<std::byte>(1)));
  REQUIRE(pair.caller.send_bytes(std::vector<std::byte>(4)));
  REQUIRE(pair.caller.send("no bytes"));
  REQUIRE(pair.caller.send("no number"));
  REQUIRE(pair.until([&] { return tasked.server->count() == 0; }));
  CHECK(book == Book{"int 7", "text", "4 bytes", "wrong type", "wrong type"});
}

TEST_CASE("every wait may have a time-out, to the pass") {
  Tasked tasked(test::memory_scheme());
  auto& pair = tasked.pair;
  pair.connect();
  std::vector<ErrorCode> codes;
  std::vector<Duration> times;
  struct Patience {
    static Task<> lose(HostPair& pair, std::vector<ErrorCode>& codes,
                       std::vector<Duration>& times) {
      auto note = [&, begin = pair.clock.now()](ErrorCode code) mutable {
        codes.push_back(code);
        times.push_back(pair.clock.now() - begin);
        begin = pair.clock.now();
      };
      note((co_await receive<int>(pair.caller, 50ms)).error().code);
      note((co_await next_event(pair.caller, 20ms)).error().code);
      note((co_await ticks(1000, 30ms)).error().code);
      co_await sleep(10ms);
      note(ErrorCode::none);
      const auto nowhere = pair.client->connect("memory://nowhere", {.timeout = 10s});
      pair.server.awake = false;
      note((co_await sent(pair.caller.send("x"), 40ms)).error().code);
      pair.server.awake = true;
      const auto up = co_await connected(*nowhere, 10ms);
      note(up.error().code);
    }
  };
  REQUIRE(tasked.client->spawn(Patience::lose(pair, codes, times)));
  REQUIRE(pair.until([&] { return tasked.client->count() == 0; }));
  CHECK(codes == std::vector<ErrorCode>{ErrorCode::timed_out, ErrorCode::timed_out,
                                        ErrorCode::timed_out, ErrorCode::none, ErrorCode::timed_out,
                                        ErrorCode::not_connected});
  REQUIRE(times.size() == 6);
  CHECK(times[0] >= 50ms);
  CHECK(times[0] <= 51ms);
  CHECK(times[1] <= 21ms);
  CHECK(times[2] <= 31ms);
  CHECK(times[3] <= 11ms);
  CHECK(times[4] <= 41ms);
}

TEST_CASE("a host that has no ticks wakes for a task that sleeps, and one that waits says so") {
  HostConfig config;
  config.tick_rate_hz = std::nullopt;
  config.events = EventMask::all().without(EventType::data_sent);
  config.memory_network = std::make_shared<MemoryNetwork>();
  Host host(config);
  Tasks tasks;
  host.attach(tasks);
  std::vector<ErrorCode> codes;
  struct Sleeper {
    static Task<> run(Host& host, std::vector<ErrorCode>& codes) {
      co_await sleep(20ms);
      codes.push_back((co_await ticks(1)).error().code);
      codes.push_back((co_await sent(MessageId(7))).error().code);
      codes.push_back((co_await sent(Connection().send("x"))).error().code);
      codes.push_back((co_await receive<int>(Connection())).error().code);
      codes.push_back((co_await connected(Connection())).error().code);
      host.stop();
    }
  };
  REQUIRE(tasks.spawn(Sleeper::run(host, codes)));
  CHECK(host.run() == ErrorCode::none);
  CHECK(codes == std::vector<ErrorCode>{ErrorCode::not_supported, ErrorCode::not_supported,
                                        ErrorCode::not_connected, ErrorCode::not_connected,
                                        ErrorCode::not_connected});
}

TEST_CASE("ticks are counted from where a task begins to wait") {
  Tasked tasked(test::memory_scheme());
  std::vector<std::uint64_t> indices;
  struct Counter {
    static Task<> count(std::vector<std::uint64_t>& indices) {
      for (const std::uint64_t step : {1u, 1u, 3u, 0u})
        indices.push_back((co_await ticks(step))->index);
    }
  };
  REQUIRE(tasked.client->spawn(Counter::count(indices)));
  REQUIRE(tasked.pair.until([&] { return tasked.client->count() == 0; }));
  REQUIRE(indices.size() == 4);
  CHECK(indices[1] == indices[0] + 1);
  CHECK(indices[2] == indices[1] + 3);
  CHECK(indices[3] == indices[2] + 1);
}

TEST_CASE("a task may wait for tasks, as deep and as often as it likes") {
  struct Sum {
    static Task<int> up_to(int n, int& marks) {
      const Mark mark(marks);
      if (n == 0) co_return 0;
      co_return n + co_await up_to(n - 1, marks);
    }
    static Task<std::unique_ptr<int>> boxed(int n) { co_return std::make_unique<int>(n); }
    static Task<> nothing() { co_return; }
    static Task<> all(int& marks, int& sum, int& boxes) {
      sum = co_await up_to(1000, marks);
      for (int i = 0; i < 100'000; ++i)
        co_await nothing();
      boxes = *co_await boxed(3) + *co_await boxed(4);
      auto kept = up_to(2, marks);
      sum += co_await std::move(kept);
    }
  };
  Tasked tasked(test::memory_scheme());
  int sum = 0;
  int boxes = 0;
  REQUIRE(tasked.client->spawn(Sum::all(tasked.alive, sum, boxes)));
  CHECK(tasked.client->count() == 0);
  CHECK(sum == 500'503);
  CHECK(boxes == 7);
  CHECK(tasked.alive == 0);
}

namespace {

// What a task does that never ends by itself, two tasks deep.
Task<> wait_for_ever(Connection connection, int& alive) {
  const Mark mark(alive);
  if (connection == Connection()) {
    co_await sleep(Duration::max());
  } else {
    static_cast<void>(co_await receive<int>(connection));
    co_await sleep(Duration::max());
  }
}
Task<> wait_deeply(Connection connection, int& alive, Mark) {
  const Mark mark(alive);
  co_await wait_for_ever(connection, alive);
}

}  // namespace

CONTRACT_CASE("a task ends with its connection, and its variables with it") {
  Tasked tasked(scheme);
  auto& server = tasked.server;
  auto& pair = tasked.pair;
  auto& alive = tasked.alive;
  pair.connect();
  REQUIRE(server->spawn(pair.callee, wait_deeply(pair.callee, alive, Mark(alive))));
  REQUIRE(server->spawn(pair.callee, wait_deeply(Connection(), alive, Mark(alive))));
  const auto other = server->spawn(wait_deeply(pair.callee, alive, Mark(alive)));
  REQUIRE(other);
  CHECK(alive == 9);
  pair.run(20ms);
  CHECK(server->count() == 3);
  CHECK(pair.caller.close() == ErrorCode::none);
  REQUIRE(pair.until([&] { return server->count() == 1; }));
  CHECK(alive == 3);
  CHECK(server->is_running(*other));
  CHECK(server->cancel(*other));
  CHECK_FALSE(server->cancel(*other));
  CHECK_FALSE(server->is_running(*other));
  CHECK(alive == 0);
}

TEST_CASE("all tasks end when they are taken from their host, or it goes") {
  Tasked tasked(test::memory_scheme());
  auto& client = tasked.client;
  auto& pair = tasked.pair;
  auto& alive = tasked.alive;
  pair.connect();
  REQUIRE(client->spawn(pair.caller, wait_deeply(pair.caller, alive, Mark(alive))));
  REQUIRE(client->spawn(wait_deeply(pair.caller, alive, Mark(alive))));
  REQUIRE(client->spawn(wait_deeply(Connection(), alive, Mark(alive))));
  CHECK(alive == 9);
  SUBCASE("destroyed") {
    client.reset();
    REQUIRE(pair.callee.send("for the program"));
    REQUIRE(pair.until([&] { return pair.client.log.messages() == 1; }));
  }
  SUBCASE("detached, and attached again") {
    pair.client->detach(*client);
    CHECK(client->count() == 0);
    const auto refused = client->spawn(wait_deeply(Connection(), alive, Mark(alive)));
    CHECK(refused.error().code == ErrorCode::not_supported);
    CHECK(alive == 0);
    pair.client->attach(*client);
    CHECK(client->spawn(wait_deeply(Connection(), alive, Mark(alive))));
    CHECK(client->count() == 1);
    client.reset();
  }
  SUBCASE("the host goes") {
    pair.client.host.reset();
  }
  CHECK(alive == 0);
}

TEST_CASE("tasks that wait for tasks end from the inside, however many they are") {
  Tasked tasked(test::memory_scheme());
  const auto nest = [&](const auto& self, int depth, std::vector<int>& ended) -> Task<int> {
    struct End {
      int depth;
      std::vector<int>& ended;
      ~End() { ended.push_back(depth); }
    };
    // What waits deeper inside may refer to it.
    const End end{depth, ended};
    if (depth > 0) co_return 1 + co_await self(self, depth - 1, ended);
    co_await sleep(1h);
    co_return 0;
  };
  constexpr int kDepth = 200'000;
  std::vector<int> ended;
  std::vector<int> expected;
  for (int i = 0; i <= kDepth; ++i)
    expected.push_back(i);
  const auto wait = [&]() -> Task<> { static_cast<void>(co_await nest(nest, kDepth, ended)); };
  SUBCASE("cancelled") {
    const auto id = tasked.server->spawn(wait());
    REQUIRE(id);
    REQUIRE(ended.empty());
    CHECK(tasked.server->cancel(*id));
  }
  SUBCASE("with their host") {
    REQUIRE(tasked.server->spawn(wait()));
    tasked.server.reset();
  }
  SUBCASE("all done") {
    REQUIRE(tasked.server->spawn(wait()));
    tasked.pair.run(61min, 30min);
    tasked.pair.run(1h, 30min);
    CHECK(tasked.server->count() == 0);
  }
  CHECK(ended == expected);
}

TEST_CASE("a task may cancel others, itself, and all") {
  Tasked tasked(test::memory_scheme());
  auto& client = tasked.client;
  auto& pair = tasked.pair;
  auto& alive = tasked.alive;
  struct Ender {
    static Task<> end(std::unique_ptr<Tasks>& tasks, TaskId other, TaskId& self, int& marks,
                      bool& went_on) {
      const Mark mark(marks);
      co_await sleep(1ms);
      CHECK(tasks->cancel(other));
      CHECK(tasks->cancel(self));
      tasks.reset();
      co_await Ender::nothing();
      co_await sleep(1ms);
      went_on = true;
    }
    static Task<> nothing() { co_return; }
  };
  const auto other = client->spawn(wait_deeply(Connection(), alive, Mark(alive)));
  const auto third = client->spawn(wait_deeply(Connection(), alive, Mark(alive)));
  REQUIRE(other);
  REQUIRE(third);
  TaskId self = 0;
  bool went_on = false;
  const auto ender = client->spawn(Ender::end(client, *other, self, alive, went_on));
  REQUIRE(ender);
  self = *ender;
  REQUIRE(pair.until([&] { return alive == 0; }));
  pair.run(10ms);
  CHECK(client == nullptr);
  CHECK_FALSE(went_on);
}

TEST_CASE("what a task throws its caller gets, and in the end the host's error event") {
  Tasked tasked(test::memory_scheme());
  auto& server = tasked.server;
  auto& client = tasked.client;
  auto& pair = tasked.pair;
  auto& alive = tasked.alive;
  struct Thrower {
    static Task<int> fail(int& marks) {
      const Mark mark(marks);
      co_await sleep(1ms);
      throw std::runtime_error("out of luck");
    }
    static Task<> catch_it(int& marks, Book& book) {
      const Mark mark(marks);
      try {
        static_cast<void>(co_await fail(marks));
      } catch (const std::runtime_error& error) {
        book.emplace_back(error.what());
      }
      static_cast<void>(co_await fail(marks));
      book.emplace_back("not reached");
    }
    static Task<> serve(Connection) { throw std::runtime_error("no service"); }
  };
  Book book;
  REQUIRE(client->spawn(Thrower::catch_it(alive, book)));
  REQUIRE(pair.until([&] { return client->count() == 0; }));
  CHECK(alive == 0);
  CHECK(book == Book{"out of luck"});
  pair.run(5ms);
  CHECK(pair.client.log.count(ErrorCode::exception_thrown) == 1);
  const auto& told = pair.client.log.last(EventType::error);
  CHECK(told.error.message().find("out of luck") != std::string::npos);
  CHECK(told.connection == Connection());
  server->serve([](Connection) -> Task<> { throw std::logic_error("not even begun"); });
  pair.connect();
  server->serve(Thrower::serve);
  pair.connect();
  pair.run(5ms);
  CHECK(pair.server.log.count(ErrorCode::exception_thrown) == 2);
  CHECK(server->count() == 0);
  CHECK(pair.callee.is_open());
}

TEST_CASE("tasks above the limit are refused, a moved-from one too") {
  int alive = 0;
  HostPair pair(test::memory_scheme());
  Tasks tasks({.max_tasks = 2});
  pair.client->attach(tasks);
  CHECK(tasks.spawn(wait_for_ever(Connection(), alive)));
  CHECK(tasks.spawn(wait_for_ever(Connection(), alive)));
  CHECK(tasks.spawn(wait_for_ever(Connection(), alive)).error().code == ErrorCode::queue_full);
  CHECK(alive == 2);
  CHECK(tasks.spawn(Task<>()).error().code == ErrorCode::invalid_argument);
}

TEST_CASE("a task waits in vain for what has ended, but not for ever") {
  Tasked tasked(test::memory_scheme());
  auto& client = tasked.client;
  auto& pair = tasked.pair;
  pair.connect();
  CHECK(pair.callee.close("enough") == ErrorCode::none);
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::disconnected) == 1; }));
  std::vector<ErrorCode> codes;
  struct Asker {
    static Task<> ask(Connection connection, std::vector<ErrorCode>& codes) {
      codes.push_back((co_await receive<int>(connection)).error().code);
      codes.push_back((co_await connected(connection)).error().code);
    }
  };
  REQUIRE(client->spawn(Asker::ask(pair.caller, codes)));
  pair.run(100ms);
  REQUIRE(client->spawn(pair.caller, Asker::ask(pair.caller, codes)));
  CHECK(codes == std::vector<ErrorCode>(4, ErrorCode::not_connected));
  CHECK(client->count() == 0);
}

TEST_CASE("sleeping for no time waits for the next pass, and a thousand tasks take turns") {
  Tasked tasked(test::memory_scheme());
  auto& client = tasked.client;
  auto& pair = tasked.pair;
  auto& alive = tasked.alive;
  struct Yielder {
    static Task<> yield(int& rounds, int& marks) {
      const Mark mark(marks);
      for (int i = 0; i < 10; ++i) {
        co_await sleep(0ms);
        ++rounds;
      }
    }
  };
  int rounds = 0;
  for (int i = 0; i < 1000; ++i)
    REQUIRE(client->spawn(Yielder::yield(rounds, alive)));
  CHECK(rounds == 0);
  pair.step();
  CHECK(rounds == 1000);
  pair.step();
  CHECK(rounds == 2000);
  REQUIRE(pair.until([&] { return client->count() == 0; }));
  CHECK(rounds == 10'000);
  CHECK(alive == 0);
}

namespace {

Task<> note_text(Connection connection, std::string& text) {
  const auto received = co_await receive<std::string>(connection);
  text = received ? *received : received.error().message();
}

Task<> note_connected(Connection connection, std::string& text) {
  const auto up = co_await connected(connection, 1s);
  text = up ? "up" : up.error().message();
}

}  // namespace

TEST_CASE("a variable of a task destroys the tasks as they are detached") {
  HostPair pair(test::memory_scheme());
  pair.connect();
  auto tasks = std::make_unique<Tasks>();
  pair.server->attach(*tasks);
  const auto work = [&](Connection connection) -> Task<> {
    const std::shared_ptr<void> last(nullptr, [&](void*) { tasks.reset(); });
    static_cast<void>(co_await receive<std::string>(connection));
  };
  REQUIRE(tasks->spawn(work(pair.callee)));
  SUBCASE("by the program") {
    pair.server->detach(*tasks);
  }
  SUBCASE("as the host goes") {
    pair.server.host.reset();
  }
  CHECK(tasks == nullptr);
}

TEST_CASE("tasks that move to another host do not take its connections for old ones") {
  HostPair pair(test::memory_scheme());
  Tasks tasks;
  std::optional<Host> host;
  for (int i = 0; i < 2; ++i) {
    CAPTURE(i);
    host.emplace(pair.complete({}));
    host->attach(tasks);
    const auto dialled = host->connect(pair.address.to_string());
    REQUIRE(dialled);
    std::string said;
    REQUIRE(tasks.spawn(note_connected(*dialled, said)));
    const auto pump = [&] {
      while (host->poll()) {
      }
    };
    REQUIRE(pair.until([&] {
      pump();
      return !said.empty();
    }));
    CHECK(said == "up");
    CHECK(dialled->close() == ErrorCode::none);
    for (int k = 0; k < 5; ++k) {
      pair.step();
      pump();
    }
    host.reset();
  }
}

TEST_CASE("a task that is cancelled as its tasks move on leaves the next one's waits alone") {
  HostPair pair(test::memory_scheme());
  pair.connect();
  Tasks tasks;
  pair.server->attach(tasks);
  std::string got;
  const auto first = [&](Connection connection) -> Task<> {
    static_cast<void>(co_await receive<std::string>(connection));
    pair.server->detach(tasks);
    pair.server->attach(tasks);
    CHECK(tasks.spawn(note_text(connection, got)));
  };
  REQUIRE(tasks.spawn(pair.callee, first(pair.callee)));
  REQUIRE(test::send_text(pair.caller, "1"));
  pair.run(10ms);
  REQUIRE(test::send_text(pair.caller, "2"));
  pair.run(10ms);
  CHECK(got == "2");
}

TEST_CASE("tasks that are attached behind an end hear of it") {
  HostPair pair(test::memory_scheme());
  pair.connect();
  Tasks tasks;
  std::string got;
  REQUIRE(pair.caller.close() == ErrorCode::none);
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::disconnected) == 1; }));
  REQUIRE(pair.callee.address() != Address());
  pair.server->attach(tasks);
  REQUIRE(tasks.spawn(note_text(pair.callee, got)));
  pair.run(1s);
  CHECK(got == "not connected");
  CHECK(tasks.count() == 0);
}

TEST_CASE("a task for one who is asked about and turned away ends") {
  test::PairOptions options;
  Tasks tasks;
  std::string got;
  options.server.authenticate = [&](const ConnectionRequest& request) -> Result<void> {
    CHECK(tasks.spawn(request.connection, note_text(request.connection, got)));
    return Error{ErrorCode::refused_by_application, 0, "no"};
  };
  HostPair pair(test::memory_scheme(), std::move(options));
  pair.server->attach(tasks);
  REQUIRE(pair.client->connect(pair.address.to_string()));
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::error) == 1; }));
  pair.run(1s, 10ms);
  CHECK(got == "not connected");
  CHECK(tasks.count() == 0);
}

TEST_CASE("what a serving lambda captures lives as long as the tasks that it has made") {
  Tasked tasked(test::memory_scheme());
  auto& pair = tasked.pair;
  const auto captured = std::make_shared<std::string>("captured");
  Book book;
  tasked.server->serve([captured, &book](Connection connection) -> Task<> {
    const auto text = co_await receive<std::string>(connection);
    book.push_back(text ? *captured + " " + *text : text.error().message());
  });
  pair.connect();
  const Connection second = pair.connect(pair.client);
  tasked.server->serve({});
  CHECK(captured.use_count() == 2);
  REQUIRE(test::send_text(pair.caller, "one"));
  REQUIRE(pair.until([&] { return book.size() == 1; }));
  CHECK(captured.use_count() == 2);
  REQUIRE(test::send_text(second, "two"));
  REQUIRE(pair.until([&] { return book.size() == 2; }));
  CHECK(book == Book{"captured one", "captured two"});
  CHECK(captured.use_count() == 1);
}

TEST_CASE("a task may wait for more ticks than there will ever be") {
  Tasked tasked(test::memory_scheme());
  const auto wait = []() -> Task<> {
    static_cast<void>(co_await ticks(std::numeric_limits<std::uint64_t>::max()));
  };
  REQUIRE(tasked.server->spawn(wait()));
  tasked.pair.run(1s);
  CHECK(tasked.server->count() == 1);
}
