// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "test/support/certificates.hpp"
#include "test/support/host_pair.hpp"
#include "test/support/why.hpp"

namespace tickwire::test {

[[nodiscard]] inline const Scheme& tls_scheme() {
  static const Scheme scheme{"tls", true, false, ErrorCode::connection_refused};
  return scheme;
}

/// A config that shows this certificate.
[[nodiscard]] inline TlsConfig showing(const CertificateFiles& files) {
  TlsConfig config;
  config.certificate_file = files.certificate_file;
  config.private_key_file = files.private_key_file;
  return config;
}

/// An authority that is believed, and what it has issued.
struct TlsFiles {
  CertificateFolder folder;
  CertificateFiles authority =
      folder.issue("authority", {.common_name = "Authority", .use = CertificateUse::authority});
  CertificateFiles server = folder.issue("server", order("relay"));
  CertificateFiles client = folder.issue(
      "client", {.common_name = "player", .organization = "Example", .issuer = "authority"});

  /// A certificate for this machine.
  [[nodiscard]] static CertificateOrder order(std::string name) {
    CertificateOrder order;
    order.common_name = std::move(name);
    order.organization = "Example";
    order.dns_names = {"localhost"};
    order.addresses = {"127.0.0.1", "::1"};
    order.issuer = "authority";
    return order;
  }
  [[nodiscard]] TlsConfig listening() const { return showing(server); }
  [[nodiscard]] TlsConfig dialling() const {
    TlsConfig config;
    config.ca_file = authority.certificate_file;
    return config;
  }
};

[[nodiscard]] inline bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// What both ends were told of a call that failed.
struct TlsRefusal {
  Error error;
  std::string line;  ///< of the accepting host's log
};

/// A server that listens on tls://127.0.0.1 with a config of its own, and a client.
class TlsHosts : public HostPair {
 public:
  explicit TlsHosts(const TlsConfig& listen, HostConfig config = {})
      : HostPair(tls_scheme(), with_server(listen, std::move(config))) {}

  [[nodiscard]] static ConnectOptions by(const TlsConfig& tls) {
    ConnectOptions options;
    options.tls = tls;
    return options;
  }
  [[nodiscard]] bool server_says(std::string_view words) const {
    const auto& lines = server.lines;
    return std::any_of(lines.begin(), lines.end(),
                       [&](const std::string& line) { return contains(line, words); });
  }

  /// A call that has to fail: in one `error` at the client, in a counter and a line at the server.
  TlsRefusal refusal(const TlsConfig& dial) { return refusal(dial, address.to_string()); }
  TlsRefusal refusal(const TlsConfig& dial, const std::string& url) {
    const auto before = server->stats();
    client.log.clear();
    const auto dialled = client->connect(url, by(dial));
    REQUIRE_MESSAGE(dialled, test::why(dialled));
    REQUIRE(until([&] {
      const HostStats now = server->stats();
      const bool is_told = now.handshakes_failed + now.handshakes_refused >
                           before.handshakes_failed + before.handshakes_refused;
      return is_told && client.log.count(EventType::error) > 0;
    }));
    run(std::chrono::milliseconds(10));
    CHECK(client.log.all().size() == 1);
    const Told& told = client.log.last(EventType::error);
    CHECK(told.connection == *dialled);
    CHECK(dialled->verified_subject().empty());
    CHECK(contains(told.error.message(), url));
    CHECK(server.log.all().empty());
    CHECK(server->stats().accepted == before.accepted);
    CHECK(server->stats().open_connections == before.open_connections);
    return {told.error, server.lines.empty() ? std::string() : server.lines.back()};
  }

 private:
  static PairOptions with_server(const TlsConfig& listen, HostConfig config) {
    PairOptions options;
    options.server = std::move(config);
    options.server.tls = listen;
    options.server.log.level = LogLevel::info;
    return options;
  }
};

}  // namespace tickwire::test
