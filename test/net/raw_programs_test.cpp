// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cstdio>
#include <optional>
#include <string>

#include "lib/base/bytes.hpp"
#include "test/net/raw_host.hpp"
#include "test/support/child_process.hpp"
#include "test/support/plain_socket.hpp"
#include "test/support/tcp_schemes.hpp"

/// Raw streams to programs that have never heard of Tickwire.
using namespace tickwire;
using test::ChildProcess;
using test::RawHost;

TEST_CASE("netcat calls a raw port, closes its half, and gets the whole answer") {
  const auto netcat = test::find_program("nc");
  if (!netcat) return;
  RawHost host;
  const auto bound = host.logged->listen("raw+tcp://127.0.0.1:0");
  REQUIRE(bound);
  ChildProcess program({*netcat, "-N", "127.0.0.1", std::to_string(bound->port)});
  REQUIRE(program.write("question") == 8);
  program.end_input();
  const std::string answer = test::pattern(1'000'000);
  bool is_answered = false;
  REQUIRE(host.until(
      [&] {
        if (!is_answered && host.received() == "question") {
          REQUIRE(host.logged->send_bytes(host.peer(), detail::as_bytes(answer)));
          is_answered = true;
        }
        return program.has_ended;
      },
      program));
  CHECK(program.output == answer);
  REQUIRE(host.until([&] { return host.count(EventType::disconnected) == 1; }, program));
  CHECK(host.logged.log.last(EventType::disconnected).error.code == ErrorCode::closed_by_peer);
}

TEST_CASE("netcat listens, is called as a raw stream, and talks in both directions") {
  const auto netcat = test::find_program("nc");
  if (!netcat) return;
  RawHost host;
  const std::string port = std::to_string(test::closed_port());
  ChildProcess program({*netcat, "-N", "-l", "127.0.0.1", port});
  // It takes a moment to listen: called until it answers.
  Connection connection;
  REQUIRE(host.until(
      [&] {
        if (host.count(EventType::connected) == 1) return true;
        if (connection == Connection() ||
            host.logged.log.count(EventType::error, connection) == 1) {
          connection = *host.logged->connect("raw+tcp://127.0.0.1:" + port);
        }
        return false;
      },
      program));
  REQUIRE(connection.send_bytes(detail::as_bytes("from tickwire")));
  REQUIRE(program.write("from netcat") == 11);
  REQUIRE(host.until(
      [&] { return program.output == "from tickwire" && host.received() == "from netcat"; },
      program));
  CHECK(connection.close() == ErrorCode::none);
  program.end_input();
  REQUIRE(host.until([&] { return program.has_ended; }, program));
  REQUIRE(host.until([&] { return host.count(EventType::disconnected) == 1; }, program));
  CHECK(host.logged.log.last(EventType::disconnected).error.code == ErrorCode::closed_locally);
}

TEST_CASE("curl fetches a page from a raw port") {
  const auto curl = test::find_program("curl");
  if (!curl) return;
  RawHost host;
  const auto bound = host.logged->listen("raw+tcp://127.0.0.1:0");
  REQUIRE(bound);
  ChildProcess program({*curl, "--silent", "--show-error", "--noproxy", "*",
                        "http://127.0.0.1:" + std::to_string(bound->port) + "/page"});
  const std::string page = "<p>served by a game library</p>\n";
  REQUIRE(
      host.until([&] { return host.received().find("\r\n\r\n") != std::string::npos; }, program));
  CHECK(host.received().starts_with("GET /page HTTP/1.1\r\n"));
  const std::string answer =
      "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(page.size()) + "\r\n\r\n" + page;
  REQUIRE(host.logged->send_bytes(host.peer(), detail::as_bytes(answer)));
  CHECK(host.peer().close() == ErrorCode::none);
  REQUIRE(host.until([&] { return program.has_ended; }, program));
  CHECK(program.output == page);
}

TEST_CASE("a raw stream fetches a page from a web server") {
  const auto python = test::find_program("python3");
  if (!python) return;
  RawHost host;
  ChildProcess program({*python, "-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory",
                        "/nowhere-at-all", "0"});
  const std::string before = "port ";
  std::string port;
  REQUIRE(host.until(
      [&] {
        const std::size_t begin = program.output.find(before);
        if (begin == std::string::npos) return false;
        const std::size_t end = program.output.find(' ', begin + before.size());
        if (end == std::string::npos) return false;
        port = program.output.substr(begin + before.size(), end - begin - before.size());
        return true;
      },
      program));
  const auto dialled = host.logged->connect("raw+tcp://127.0.0.1:" + port);
  REQUIRE(dialled);
  REQUIRE(host.until([&] { return host.count(EventType::connected) == 1; }, program));
  REQUIRE(dialled->send_bytes(detail::as_bytes("GET /no-such-page HTTP/1.0\r\n\r\n")));
  REQUIRE(host.until([&] { return host.count(EventType::disconnected) == 1; }, program));
  CHECK(host.logged.log.last(EventType::disconnected).error.code == ErrorCode::closed_by_peer);
  CHECK(host.received().find("404") != std::string::npos);
  CHECK(host.received().find("</html>") != std::string::npos);
}
