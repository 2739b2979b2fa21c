// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "test/support/tcp_proxy.hpp"
#include "test/support/tls_hosts.hpp"
#include "test/support/udp_proxy.hpp"

/// Diallers who prove who they are, or do not.
using namespace tickwire;
using test::CertificateDates;
using test::CertificateFiles;
using test::contains;
using test::TlsFiles;
using test::TlsHosts;
using test::TlsRefusal;

namespace {

TlsConfig asking(const TlsFiles& files, ClientCertificates wish) {
  TlsConfig config = files.listening();
  config.ca_file = files.authority.certificate_file;
  config.client_certificates = wish;
  return config;
}

TlsConfig dialling_as(const TlsFiles& files, const CertificateFiles& own) {
  TlsConfig config = test::showing(own);
  config.ca_file = files.authority.certificate_file;
  return config;
}

}  // namespace

TEST_CASE("tls clients: both ends know the other's subject, and the hook sees the client's") {
  for (const auto wish : {ClientCertificates::asked, ClientCertificates::required}) {
    TlsFiles files;
    std::vector<ConnectionRequest> requests;
    HostConfig server;
    server.authenticate = [&](const ConnectionRequest& request) -> Result<void> {
      requests.push_back(request);
      return {};
    };
    TlsHosts hosts(asking(files, wish), server);
    ConnectOptions options = TlsHosts::by(dialling_as(files, files.client));
    options.name = "somebody else";
    hosts.connect(options);
    CHECK(hosts.callee.verified_subject() == "CN=player,O=Example");
    CHECK(hosts.callee.name() == "somebody else");
    CHECK(hosts.caller.verified_subject() == "CN=relay,O=Example");
    REQUIRE(requests.size() == 1);
    CHECK(requests[0].verified_subject == "CN=player,O=Example");
    CHECK(requests[0].name == "somebody else");
  }
}

TEST_CASE("tls clients: a subject stays readable as long as the handle does") {
  TlsFiles files;
  TlsHosts hosts(asking(files, ClientCertificates::required));
  hosts.connect(TlsHosts::by(dialling_as(files, files.client)));
  CHECK(hosts.caller.close() == ErrorCode::none);
  hosts.server.awake = false;
  std::optional<Event> end;
  REQUIRE(hosts.until([&] {
    end = hosts.server->poll();
    return end && end->type == EventType::disconnected;
  }));
  CHECK(hosts.callee.verified_subject() == "CN=player,O=Example");
  end.reset();
  for (int i = 0; i < 3; ++i)
    CHECK_FALSE(hosts.server->poll());
  CHECK(hosts.callee.verified_subject().empty());
}

TEST_CASE(
    "tls clients: a certificate goes unseen where nobody asks, and none is fine where asked") {
  TlsFiles files;
  TlsHosts silent(asking(files, ClientCertificates::none));
  silent.connect(TlsHosts::by(dialling_as(files, files.client)));
  CHECK(silent.callee.verified_subject().empty());
  TlsHosts asked(asking(files, ClientCertificates::asked));
  asked.connect(TlsHosts::by(files.dialling()));
  CHECK(asked.callee.verified_subject().empty());
  CHECK(asked.caller.verified_subject() == "CN=relay,O=Example");
}

TEST_CASE("tls clients: the hook turns away by subject, with words that reach the dialler") {
  TlsFiles files;
  HostConfig server;
  server.authenticate = [&](const ConnectionRequest& request) -> Result<void> {
    if (request.verified_subject == "CN=player,O=Example") return {};
    return Error{ErrorCode::refused_by_application, 0, "no seat for " + request.verified_subject};
  };
  TlsHosts hosts(asking(files, ClientCertificates::required), server);
  const auto guest = files.folder.issue("guest", {.common_name = "guest", .issuer = "authority"});
  const TlsRefusal refusal = hosts.refusal(dialling_as(files, guest));
  CHECK(refusal.error.code == ErrorCode::refused_by_application);
  CHECK(contains(refusal.error.message(), "no seat for CN=guest"));
  CHECK(hosts.server->stats().handshakes_refused == 1);
  CHECK(hosts.server->stats().handshakes_failed == 0);
  hosts.client.log.clear();
  hosts.connect(TlsHosts::by(dialling_as(files, files.client)));
}

TEST_CASE("tls clients: who shows none where one is required is told so and never connected") {
  TlsFiles files;
  // Many times: the alert and the end of the stream come close together.
  for (int i = 0; i < 10; ++i) {
    TlsHosts hosts(asking(files, ClientCertificates::required));
    const TlsRefusal refusal = hosts.refusal(files.dialling());
    CHECK(refusal.error.code == ErrorCode::certificate_rejected);
    CHECK(contains(refusal.error.message(), "this end has shown none"));
    CHECK(contains(refusal.line, "showed no certificate, and this end requires one"));
    CHECK(hosts.server->stats().handshakes_failed == 1);
  }
}

TEST_CASE("tls clients: certificates of strangers and of yesterday are turned down, and told why") {
  TlsFiles files;
  files.folder.issue("stranger",
                     {.common_name = "Stranger", .use = test::CertificateUse::authority});
  const auto stranger = files.folder.issue("guest", {.common_name = "guest", .issuer = "stranger"});
  const auto old = files.folder.issue(
      "old", {.common_name = "old", .issuer = "authority", .dates = CertificateDates::expired});
  for (const auto wish : {ClientCertificates::asked, ClientCertificates::required}) {
    TlsHosts hosts(asking(files, wish));
    const TlsRefusal unknown = hosts.refusal(dialling_as(files, stranger));
    CHECK(unknown.error.code == ErrorCode::certificate_rejected);
    CHECK(contains(unknown.error.message(), "it does not know its issuer"));
    CHECK(contains(unknown.line, "its issuer is CN=Stranger"));
    const TlsRefusal expired = hosts.refusal(dialling_as(files, old));
    CHECK(expired.error.code == ErrorCode::certificate_rejected);
    CHECK(contains(expired.error.message(), "has expired"));
    CHECK(contains(expired.line, "(CN=old) has expired on "));
  }
}

TEST_CASE("tls clients: what a refused dialler had queued does not hide why it was refused") {
  TlsFiles files;
  TlsHosts hosts(asking(files, ClientCertificates::required));
  // Raw, it is connected as soon as its own end of the handshake is through.
  const auto raw = hosts.server->listen("raw+tls://127.0.0.1:0");
  REQUIRE(raw);
  const auto dialled = hosts.client->connect(raw->to_string(), TlsHosts::by(files.dialling()));
  REQUIRE(dialled);
  REQUIRE(hosts.until([&] {
    const std::string bytes(100'000, 'x');
    if (dialled->is_open()) static_cast<void>(dialled->send_bytes(std::as_bytes(std::span(bytes))));
    return hosts.client.log.count(EventType::error) +
               hosts.client.log.count(EventType::disconnected) ==
           1;
  }));
  CHECK(hosts.server.log.all().empty());
  CHECK(hosts.server->stats().handshakes_failed == 1);
  const bool was_up = hosts.client.log.count(EventType::connected) == 1;
  const Error& error =
      hosts.client.log.last(was_up ? EventType::disconnected : EventType::error).error;
  CHECK(error.code == ErrorCode::certificate_rejected);
}

TEST_CASE("tls clients: a resumed session still knows who the client is") {
  TlsFiles files;
  TlsHosts hosts(asking(files, ClientCertificates::required));
  for (int i = 0; i < 3; ++i) {
    hosts.connect(TlsHosts::by(dialling_as(files, files.client)));
    CHECK(hosts.callee.verified_subject() == "CN=player,O=Example");
    CHECK(hosts.caller.verified_subject() == "CN=relay,O=Example");
    REQUIRE(test::send_text(hosts.callee, "so that the ticket is read"));
    REQUIRE(hosts.until(
        [&] { return hosts.client.log.messages() == static_cast<std::size_t>(i) + 1; }));
  }
}

TEST_CASE("tls clients: nobody comes back to a connection with another certificate") {
  using namespace std::chrono_literals;
  TlsFiles files;
  // What the client calls with, now and when it comes back.
  const auto own = files.folder.issue("own", {.common_name = "player", .issuer = "authority"});
  test::PairOptions options;
  options.server.tls = asking(files, ClientCertificates::required);
  options.server.timeouts.resume_window = 60s;
  options.client.timeouts.resume_window = 60s;
  test::HostPair pair(test::tls_scheme(), std::move(options));
  test::TcpProxy proxy(test::parse_udp_address("127.0.0.1:0"),
                       test::parse_udp_address("127.0.0.1:" + std::to_string(pair.address.port)));
  pair.address.port = ntohs(proxy.local().sin_port);
  const auto until = [&](auto holds) {
    return pair.until([&] {
      proxy.service(pair.clock.now().time_since_epoch());
      return holds();
    });
  };
  const auto dialled =
      pair.client->connect(pair.address.to_string(), TlsHosts::by(dialling_as(files, own)));
  REQUIRE(dialled);
  REQUIRE(until([&] { return dialled->is_open() && pair.server->is_connected(); }));
  const auto is_back = [&] { return pair.client.log.count(EventType::resumed) > 0; };
  const auto is_over = [&] { return pair.client.log.count(EventType::disconnected) > 0; };

  proxy.cut(test::TcpProxy::Cut::reset);
  REQUIRE(until(is_back));
  CHECK_FALSE(is_over());

  const auto replace = [](const CertificateFiles& old, const CertificateFiles& by) {
    const auto overwrite = std::filesystem::copy_options::overwrite_existing;
    std::filesystem::copy_file(by.certificate_file, old.certificate_file, overwrite);
    std::filesystem::copy_file(by.private_key_file, old.private_key_file, overwrite);
  };
  replace(own, files.folder.issue("other", {.common_name = "guest", .issuer = "authority"}));
  // Its tickets would bring the old subject back.
  replace(files.server, files.folder.issue("renewed", TlsFiles::order("relay")));
  REQUIRE(pair.server->reload_certificates());
  REQUIRE(pair.client->reload_certificates());
  proxy.cut(test::TcpProxy::Cut::reset);
  REQUIRE(until(is_over));
  CHECK(pair.server->stats().handshakes_refused == 1);
  CHECK(pair.client.log.count(EventType::resumed) == 1);
  CHECK(pair.server.log.count(EventType::resumed) == 1);
}
