// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/bytes.hpp"
#include "test/net/raw_host.hpp"
#include "test/support/child_process.hpp"
#include "test/support/tls_hosts.hpp"
#include "test/support/why.hpp"

/// Raw TLS to programs that have never heard of Tickwire.
using namespace tickwire;
using namespace std::chrono_literals;
using test::ChildProcess;
using test::contains;
using test::RawHost;
using test::TlsFiles;

namespace {

/// The place that a waiting s_server has told, or nothing yet.
std::optional<std::string> accepting_at(const ChildProcess& program) {
  const std::string before = "ACCEPT ";
  const std::size_t begin = program.output.find(before);
  if (begin == std::string::npos) return std::nullopt;
  const std::size_t end = program.output.find('\n', begin);
  if (end == std::string::npos) return std::nullopt;
  return program.output.substr(begin + before.size(), end - begin - before.size());
}

/// Certificates are made before the host that shows them.
struct Certificates {
  TlsFiles files;
};

struct RawTlsHost : Certificates, RawHost {
  RawTlsHost() : RawHost(believing(files)) {}

  [[nodiscard]] static TlsConfig believing(const TlsFiles& files) {
    TlsConfig tls = files.listening();
    tls.ca_file = files.authority.certificate_file;
    return tls;
  }
  /// "127.0.0.1:port" of a new raw port.
  [[nodiscard]] std::string listen() {
    const auto bound = logged->listen("raw+tls://127.0.0.1:0");
    REQUIRE_MESSAGE(bound, test::why(bound));
    return "127.0.0.1:" + std::to_string(bound->port);
  }
  /// The command of an s_server for one caller.
  [[nodiscard]] std::vector<std::string> s_server(const std::string& openssl) const {
    return {openssl,    "s_server",
            "-accept",  "127.0.0.1:0",
            "-naccept", "1",
            "-cert",    files.server.certificate_file,
            "-key",     files.server.private_key_file};
  }
  /// Where a new s_server waits.
  [[nodiscard]] std::string place_of(ChildProcess& program) {
    std::optional<std::string> place;
    REQUIRE(until([&] { return (place = accepting_at(program)).has_value(); }, program));
    return *place;
  }
  [[nodiscard]] ErrorCode end_code() const {
    return logged.log.last(EventType::disconnected).error.code;
  }
};

}  // namespace

TEST_CASE("openssl s_client talks to a raw port, and is let go with close_notify") {
  const auto openssl = test::find_program("openssl");
  if (!openssl) return;
  RawTlsHost host;
  ChildProcess program({*openssl, "s_client", "-connect", host.listen(), "-CAfile",
                        host.files.authority.certificate_file, "-verify_return_error", "-verify_ip",
                        "127.0.0.1", "-brief", "-ign_eof"});
  REQUIRE(program.write("question\n") == 9);
  REQUIRE(host.until([&] { return host.received() == "question\n"; }, program));
  REQUIRE(host.logged->send_bytes(host.peer(), detail::as_bytes("the whole answer\n")));
  CHECK(host.peer().close() == ErrorCode::none);
  REQUIRE(host.until([&] { return program.has_ended; }, program));
  CAPTURE(program.output);
  CHECK(contains(program.output, "TLSv1.3"));
  CHECK(contains(program.output, "Verification: OK"));
  CHECK(contains(program.output, "the whole answer\n"));
  CHECK_FALSE(contains(program.output, "unexpected eof"));
  CHECK_FALSE(contains(program.output, "error:"));
  REQUIRE(host.until([&] { return host.count(EventType::disconnected) == 1; }, program));
  CHECK(host.end_code() == ErrorCode::closed_locally);
}

TEST_CASE("openssl s_client that takes leave has closed, and one that is killed is truncated") {
  const auto openssl = test::find_program("openssl");
  if (!openssl) return;
  for (const bool is_killed : {false, true}) {
    RawTlsHost host;
    std::optional<ChildProcess> program;
    program.emplace(std::vector<std::string>{*openssl, "s_client", "-connect", host.listen(),
                                             "-quiet", "-no_ign_eof"});
    REQUIRE(program->write("question\n") == 9);
    REQUIRE(host.until([&] { return host.received() == "question\n"; }, *program));
    // Once it has read this, it has read all: a program that ends with something unread resets.
    REQUIRE(host.logged->send_bytes(host.peer(), detail::as_bytes("answer\n")));
    REQUIRE(host.until([&] { return contains(program->output, "answer\n"); }, *program));
    if (is_killed) {
      program.reset();
    } else {
      program->end_input();
    }
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    while (host.count(EventType::disconnected) == 0 &&
           std::chrono::steady_clock::now() < deadline) {
      host.run();
    }
    REQUIRE(host.count(EventType::disconnected) == 1);
    const ErrorCode code = host.end_code();
    CAPTURE(static_cast<int>(code));
    // Killed with something unread, its system sends a reset instead of an end.
    const bool is_cut = code == ErrorCode::stream_truncated || code == ErrorCode::connection_reset;
    CHECK((is_killed ? is_cut : code == ErrorCode::closed_by_peer));
  }
}

TEST_CASE("openssl s_client shows a certificate, and the host knows its subject") {
  const auto openssl = test::find_program("openssl");
  if (!openssl) return;
  RawTlsHost host;
  ListenOptions options;
  options.tls = host.logged->config().tls;
  options.tls->client_certificates = ClientCertificates::required;
  const auto bound = host.logged->listen("raw+tls://127.0.0.1:0", options);
  REQUIRE(bound);
  ChildProcess program(
      {*openssl, "s_client", "-connect", "127.0.0.1:" + std::to_string(bound->port), "-cert",
       host.files.client.certificate_file, "-key", host.files.client.private_key_file, "-quiet"});
  REQUIRE(host.until([&] { return host.count(EventType::connected) == 1; }, program));
  CHECK(host.peer().verified_subject() == "CN=player,O=Example");
}

TEST_CASE("openssl s_client that knows only TLS 1.2 does not get in") {
  const auto openssl = test::find_program("openssl");
  if (!openssl) return;
  RawTlsHost host;
  ChildProcess program({*openssl, "s_client", "-connect", host.listen(), "-tls1_2", "-brief"});
  REQUIRE(host.until([&] { return program.has_ended; }, program));
  CHECK(contains(program.output, "protocol version"));
  CHECK(host.logged->stats().handshakes_failed == 1);
  CHECK(host.logged.log.all().empty());
}

TEST_CASE("openssl s_server is called as a raw stream and talks in both directions") {
  const auto openssl = test::find_program("openssl");
  if (!openssl) return;
  RawTlsHost host;
  ChildProcess program(host.s_server(*openssl));
  const auto dialled = host.logged->connect("raw+tls://" + host.place_of(program));
  REQUIRE_MESSAGE(dialled, test::why(dialled));
  REQUIRE(host.until([&] { return host.count(EventType::connected) == 1; }, program));
  CHECK(dialled->verified_subject() == "CN=relay,O=Example");
  REQUIRE(dialled->send_bytes(detail::as_bytes("from tickwire\n")));
  REQUIRE(program.write("from openssl\n") == 13);
  REQUIRE(host.until(
      [&] {
        return contains(program.output, "from tickwire\n") && host.received() == "from openssl\n";
      },
      program));
  REQUIRE(program.write("Q\n") == 2);  // it hangs up without close_notify
  REQUIRE(host.until([&] { return host.count(EventType::disconnected) == 1; }, program));
  CHECK(host.end_code() == ErrorCode::stream_truncated);
  REQUIRE(host.until([&] { return program.has_ended; }, program));
}

TEST_CASE("a raw stream fetches a page from openssl s_server, to its close_notify") {
  const auto openssl = test::find_program("openssl");
  if (!openssl) return;
  RawTlsHost host;
  auto command = host.s_server(*openssl);
  command.push_back("-www");
  ChildProcess program(command);
  const auto dialled = host.logged->connect("raw+tls://" + host.place_of(program));
  REQUIRE(dialled);
  REQUIRE(host.until([&] { return host.count(EventType::connected) == 1; }, program));
  REQUIRE(dialled->send_bytes(detail::as_bytes("GET / HTTP/1.0\r\n\r\n")));
  REQUIRE(host.until([&] { return host.count(EventType::disconnected) == 1; }, program));
  CHECK(host.end_code() == ErrorCode::closed_by_peer);
  CHECK(host.received().starts_with("HTTP/1.0 200 ok"));
  CHECK(contains(host.received(), "TLSv1.3"));
}

TEST_CASE("openssl s_server that is called by tls:// speaks TLS, but no tickwire/1") {
  const auto openssl = test::find_program("openssl");
  if (!openssl) return;
  RawTlsHost host;
  ChildProcess program(host.s_server(*openssl));
  REQUIRE(host.logged->connect("tls://" + host.place_of(program)));
  REQUIRE(host.until([&] { return host.count(EventType::error) == 1; }, program));
  const Error& error = host.logged.log.last(EventType::error).error;
  CHECK(error.code == ErrorCode::tls_failed);
  CHECK(contains(error.message(), "tickwire/1"));
}

TEST_CASE("curl fetches a page from a raw TLS port, and trusts it by its authority") {
  const auto curl = test::find_program("curl");
  if (!curl) return;
  RawTlsHost host;
  ChildProcess program({*curl, "--silent", "--show-error", "--noproxy", "*", "--cacert",
                        host.files.authority.certificate_file,
                        "https://" + host.listen() + "/page"});
  const std::string page = test::pattern(300'000);
  REQUIRE(host.until([&] { return contains(host.received(), "\r\n\r\n"); }, program));
  CHECK(host.received().starts_with("GET /page HTTP/1.1\r\n"));
  // Its end is the page's: curl tells a truncated one.
  const std::string answer = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + page;
  REQUIRE(host.logged->send_bytes(host.peer(), detail::as_bytes(answer)));
  CHECK(host.peer().close() == ErrorCode::none);
  REQUIRE(host.until([&] { return program.has_ended; }, program));
  CHECK(program.output.size() == page.size());
  CHECK((program.output == page));
}
