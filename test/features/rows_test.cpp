// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <tickwire/codec.hpp>

#include "test/support/host_pair.hpp"
#include "test/support/tcp_proxy.hpp"

/// What the five older libraries do, each case named after its library; what has a header of its
/// own is tested with that.
using namespace tickwire;
using namespace std::chrono_literals;
using test::EventLog;
using test::HostPair;

namespace {

using Texts = std::vector<std::string>;

/// Steps the server by `update`, for its listeners, and the others by `poll`.
bool update_until(HostPair& pair, const std::function<bool()>& holds) {
  pair.server.awake = false;
  const bool held = pair.until([&] {
    pair.server->update();
    return holds();
  });
  pair.server.awake = true;
  return held;
}

// Whoever counts strings wants no log of them.
test::PairOptions for_strings() {
  test::PairOptions options;
  options.keep = EventLog::Keep::no_messages;
  options.server.events = EventType::object_received;
  options.client.events = EventType::object_received | EventType::writable;
  return options;
}

/// Sends a hundred thousand strings from the caller, and reads each at the server. `pass` runs once
/// in each pass.
void send_strings(HostPair& pair, const std::function<void()>& pass) {
  pair.server.awake = false;
  constexpr std::size_t count = 100'000;
  std::size_t sent = 0;
  std::size_t received = 0;
  const auto text = [](std::size_t i) {
    return std::to_string(i) + std::string(i % 97, static_cast<char>('a' + i % 26));
  };
  REQUIRE(pair.until([&] {
    for (int i = 0; i < 2000 && sent < count && pair.caller.send(text(sent)); ++i)
      ++sent;
    pass();
    while (auto event = pair.server->poll()) {
      if (event->type != EventType::object_received) continue;
      const auto got = event->as<std::string>();
      REQUIRE(got);
      REQUIRE(*got == text(received));
      ++received;
    }
    return received == count;
  }));
}

}  // namespace

CONTRACT_CASE("obj-over-tcp: a list of a million elements is echoed unharmed") {
  test::PairOptions options;
  options.keep = EventLog::Keep::no_messages;
  HostPair pair(scheme, std::move(options));
  pair.connect();
  Value list = Value::List(1'000'000);
  for (std::size_t i = 0; i < 1'000'000; ++i)
    (*list.list())[i] = Value(i * 7919 % 1'000'003);
  REQUIRE(pair.caller.send(list));
  pair.server.awake = false;
  pair.client.awake = false;
  bool is_back = false;
  REQUIRE(pair.until([&] {
    while (auto event = pair.server->poll()) {
      if (event->type != EventType::object_received) continue;
      const auto object = event->as<Value>();
      REQUIRE(object);
      REQUIRE(event->connection.send(*object));
    }
    while (auto event = pair.client->poll()) {
      if (event->type != EventType::object_received) continue;
      const auto object = event->as<Value>();
      REQUIRE(object);
      CHECK(*object == list);
      is_back = true;
    }
    return is_back;
  }));
}

CONTRACT_CASE("obj-over-tcp: a program chooses its events, and is handed its user data") {
  test::PairOptions options;
  options.client.events = EventType::object_received;
  HostPair pair(scheme, std::move(options));
  ConnectOptions with_data;
  with_data.user_data = std::string("number one");
  pair.connect(with_data);
  REQUIRE(pair.caller.send("out"));
  REQUIRE(pair.callee.send("in"));
  REQUIRE(pair.callee.send_bytes(std::vector<std::byte>(3)));
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::data_sent) == 2; }));
  pair.run(20ms);
  REQUIRE(pair.client.log.all().size() == 2);
  CHECK(pair.client.log.all()[0].type == EventType::connected);
  CHECK(pair.client.log.all()[1].text == "in");
  REQUIRE(pair.client.log.all()[1].connection.user_data<std::string>() != nullptr);
  CHECK(*pair.client.log.all()[1].connection.user_data<std::string>() == "number one");
}

CONTRACT_CASE("obj-over-tcp: close one connection, or everything; who is connected") {
  HostPair pair(scheme);
  CHECK_FALSE(pair.server->is_connected());
  CHECK(pair.server->listening_addresses().size() == 1);
  pair.connect();
  const Connection first = pair.caller;
  pair.connect();
  CHECK(pair.server->connections().size() == 2);
  CHECK(pair.client->connections() == std::vector<Connection>{first, pair.caller});
  CHECK(first.close() == ErrorCode::none);
  REQUIRE(pair.until([&] { return pair.server->connections().size() == 1; }));
  CHECK(pair.server->is_connected());
  pair.server->close();
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::disconnected) == 2; }));
  CHECK_FALSE(pair.server->is_connected());
  CHECK_FALSE(pair.client->is_connected());
  CHECK(pair.server->listening_addresses().empty());
}

TEST_CASE("obj-over-tcp: in stream mode bytes come as they come, and complete") {
  ManualClock clock;
  HostConfig config;
  config.clock = &clock;
  Host server(config);
  Host client(config);
  const auto bound = server.listen("raw+tcp://127.0.0.1:0");
  REQUIRE(bound);
  const auto dialled = client.connect(bound->to_string());
  REQUIRE(dialled);
  const std::string sent = test::pattern(300'000);
  std::string echoed;
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (echoed.size() < sent.size() && std::chrono::steady_clock::now() < deadline) {
    while (auto event = server.poll()) {
      if (event->type != EventType::data_received) continue;
      REQUIRE(event->connection.send_bytes(event->bytes()));
    }
    while (auto event = client.poll()) {
      if (event->type == EventType::connected) {
        for (std::size_t at = 0; at < sent.size(); at += 1000)
          REQUIRE(dialled->send_bytes(std::as_bytes(std::span(sent).subspan(at, 1000))));
      }
      const auto bytes = event->bytes();
      echoed.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    clock.advance(1ms);
  }
  CHECK(echoed == sent);
}

CONTRACT_CASE("SimpleServer: several listeners each for connection, message, disconnect, update") {
  HostPair pair(scheme);
  Host& server = *pair.server;
  Texts book;
  const auto note = [&](const char* line) {
    return [&book, line](auto&&...) { book.emplace_back(line); };
  };
  const auto a = server.on_connected(note("connected 1"));
  const auto b = server.on_connected(note("connected 2"));
  const auto c = server.on_network_message([&](Connection from, const NetworkMessage& message) {
    CHECK(message.has_header("handshake"));
    CHECK(message.has_header("kind"));
    CHECK(message.header("kind") == "greeting");
    CHECK_FALSE(message.header("handshake"));
    CHECK_FALSE(message.header("other"));
    book.emplace_back(message.body_text());
    CHECK(from.send(NetworkMessage("Hello from the server!").add_header("handshake", "example")));
  });
  const auto d = server.on_network_message(note("message 2"));
  const auto e = server.on_disconnected(note("gone 1"));
  const auto f = server.on_disconnected(note("gone 2"));
  int updates = 0;
  server.on_update([&](const Tick&) { ++updates; });
  server.on_update([&](const Tick&) { ++updates; });
  const auto dialled = pair.client->connect(pair.address.to_string());
  REQUIRE(dialled);
  REQUIRE(update_until(pair, [&] { return dialled->is_open() && book.size() == 2; }));
  REQUIRE(dialled->send(
      NetworkMessage("Hello server!").add_header("handshake").add_header("kind", "greeting")));
  REQUIRE(update_until(pair, [&] { return pair.client.log.messages() == 1; }));
  CHECK(dialled->close() == ErrorCode::none);
  REQUIRE(update_until(pair, [&] { return book.size() == 6; }));
  CHECK(book ==
        Texts{"connected 1", "connected 2", "Hello server!", "message 2", "gone 1", "gone 2"});
  CHECK(updates % 2 == 0);
}

CONTRACT_CASE("SimpleServer: to one, to several, to all, to all except") {
  HostPair pair(scheme);
  std::vector<Connection> to;
  std::vector<Connection> at;
  for (int i = 0; i < 4; ++i) {
    pair.connect();
    at.push_back(pair.caller);
    to.push_back(pair.callee);
  }
  Host& server = *pair.server;
  REQUIRE(server.send(to[0], "one"));
  CHECK(server.send_to(std::vector<Connection>{to[1], to[2]}, "several").queued == 2);
  CHECK(server.broadcast("all").queued == 4);
  BroadcastOptions but_the_last;
  but_the_last.except = to[3];
  CHECK(server.broadcast("all except", but_the_last).queued == 3);
  REQUIRE(pair.until([&] { return pair.client.log.messages() == 10; }));
  CHECK(pair.client.log.texts(at[0]) == Texts{"one", "all", "all except"});
  CHECK(pair.client.log.texts(at[1]) == Texts{"several", "all", "all except"});
  CHECK(pair.client.log.texts(at[2]) == Texts{"several", "all", "all except"});
  CHECK(pair.client.log.texts(at[3]) == Texts{"all"});
}

TEST_CASE("SimpleServer: with verbose logging who comes and goes is logged, and not without") {
  for (const LogLevel level : {LogLevel::debug, LogLevel::warning}) {
    test::PairOptions options;
    options.server.log.level = level;
    HostPair pair(test::memory_scheme(), std::move(options));
    pair.connect();
    CHECK(pair.caller.close() == ErrorCode::none);
    REQUIRE(pair.until([&] { return pair.server.log.count(EventType::disconnected) == 1; }));
    std::string all;
    for (const std::string& line : pair.server.lines)
      all += line + '\n';
    const bool is_verbose = level == LogLevel::debug;
    CHECK((all.find("connected") != std::string::npos) == is_verbose);
    CHECK((all.find("disconnected") != std::string::npos) == is_verbose);
  }
}

CONTRACT_CASE("SimpleServer: a call that fails comes with a message that says why") {
  test::PairOptions options;
  options.server.authenticate = [](const ConnectionRequest& request) -> Result<void> {
    if (request.name == "ann") return {};
    return Error{ErrorCode::refused_by_application, 0, "Only Ann is let in."};
  };
  HostPair pair(scheme, std::move(options));
  ConnectOptions as_bob;
  as_bob.name = "bob";
  const auto dialled = pair.client->connect(pair.address.to_string(), as_bob);
  REQUIRE(dialled);
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::error) == 1; }));
  CHECK(pair.client.log.last(EventType::error).error.message().find("Only Ann is let in.") !=
        std::string::npos);
  ConnectOptions as_ann;
  as_ann.name = "ann";
  pair.connect(as_ann);
  CHECK(pair.callee.name() == "ann");
}

CONTRACT_CASE("Alvaro: metadata travels beside the data, objects and bytes") {
  HostPair pair(scheme);
  pair.connect();
  SendOptions with;
  with.metadata = {{"whoami", "server"}, {"parts", 3}};
  REQUIRE(pair.callee.send("Hello, World!", with));
  REQUIRE(pair.callee.send_bytes(std::vector<std::byte>(5), with));
  REQUIRE(pair.callee.send("without"));
  REQUIRE(pair.until([&] { return pair.client.log.messages() == 3; }));
  std::size_t told = 0;
  for (const auto& each : pair.client.log.all()) {
    if (each.metadata.empty()) continue;
    ++told;
    REQUIRE(each.metadata.find("whoami") != nullptr);
    CHECK(*each.metadata.find("whoami") == Value("server"));
    CHECK(*each.metadata.find("parts") == Value(3));
  }
  CHECK(told == 2);
}

TEST_CASE("tinyproto: one server listens at several addresses, of several kinds") {
  HostPair pair(test::memory_scheme());
  Host& server = *pair.server;
  std::vector<std::string> urls{pair.address.to_string()};
  for (const char* url :
       {"tcp://127.0.0.1:0", "enet://127.0.0.1:0", "tcp://127.0.0.1:0", "memory://second-door"}) {
    const auto bound = server.listen(url);
    REQUIRE(bound);
    urls.push_back(bound->to_string());
  }
  CHECK(server.listening_addresses().size() == 5);
  for (const std::string& url : urls)
    REQUIRE(pair.client->connect(url));
  REQUIRE(pair.until([&] { return server.connections().size() == 5; }));
  REQUIRE(pair.until([&] { return pair.client->connections().size() == 5; }));
  CHECK(server.broadcast("to every door").queued == 5);
  REQUIRE(pair.until([&] { return pair.client.log.messages() == 5; }));
}

CONTRACT_CASE("tinyproto: who comes above the connection limit is told, and the others stay") {
  test::PairOptions options;
  options.server.limits.max_connections = 2;
  HostPair pair(scheme, std::move(options));
  pair.connect();
  pair.connect();
  REQUIRE(pair.client->connect(pair.address.to_string()));
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::error) == 1; }));
  CHECK(pair.client.log.last(EventType::error).error.code == ErrorCode::server_full);
  CHECK(pair.server->connections().size() == 2);
}

CONTRACT_CASE("tinyproto: a message shuts the server down, along with all clients") {
  HostPair pair(scheme);
  pair.connect();
  pair.connect();
  Host& server = *pair.server;
  Texts echoes;
  const auto words = server.on_message<std::string>([&](Connection from, const std::string& text) {
    if (text == "QUIT") {
      CHECK(from.close() == ErrorCode::none);
    } else if (text == "SRVQUIT") {
      server.close("The server shuts down.");
    } else {
      CHECK(from.send("Echo back: " + text));
    }
  });
  REQUIRE(pair.caller.send("something"));
  REQUIRE(update_until(pair, [&] { return pair.client.log.messages() == 1; }));
  CHECK(pair.client.log.texts() == Texts{"Echo back: something"});
  REQUIRE(pair.caller.send("SRVQUIT"));
  REQUIRE(update_until(pair, [&] {
    return pair.client.log.count(EventType::disconnected) == 2 && !server.is_connected();
  }));
  CHECK(pair.client.log.last(EventType::disconnected).error.message() == "The server shuts down.");
}

CONTRACT_CASE("tinyproto: a hundred thousand strings arrive, each complete and in order") {
  HostPair pair(scheme, for_strings());
  pair.connect();
  send_strings(pair, [] {});
}

TEST_CASE("tinyproto: a hundred thousand strings arrive in pieces of at most 1,500 bytes") {
  for (const auto& scheme : test::schemes()) {
    if (scheme.name != "tcp" && scheme.name != "tls") continue;
    SUBCASE(scheme.name.c_str()) {
      HostPair pair(scheme, for_strings());
      test::TcpImpairment pieces;
      pieces.max_write_bytes = 1500;
      test::TcpProxy proxy(
          test::parse_udp_address("127.0.0.1:0"),
          test::parse_udp_address("127.0.0.1:" + std::to_string(pair.address.port)), pieces);
      const auto service = [&] { proxy.service(pair.clock.now().time_since_epoch()); };
      pair.address.port = ntohs(proxy.local().sin_port);
      const auto dialled = pair.client->connect(pair.address.to_string());
      REQUIRE(dialled);
      pair.caller = *dialled;
      REQUIRE(pair.until([&] {
        service();
        return dialled->is_open() && pair.server->is_connected();
      }));
      send_strings(pair, service);
      CHECK(proxy.counters().connections == 1);
    }
  }
}
