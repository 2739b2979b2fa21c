// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>

#include "test/support/tls_hosts.hpp"
#include "test/support/why.hpp"

/// Whom a dialler over tls:// believes, and what both ends are told when it does not.
using namespace tickwire;
using namespace std::chrono_literals;
using test::CertificateDates;
using test::CertificateOrder;
using test::contains;
using test::TlsFiles;
using test::TlsHosts;
using test::TlsRefusal;

namespace {

/// Calls, and has to get in as somebody who believes the other end.
Connection get_in(TlsHosts& hosts, const TlsConfig& dial, const std::string& url) {
  const std::size_t before = hosts.server.log.count(EventType::connected);
  const auto dialled = hosts.client->connect(url, TlsHosts::by(dial));
  REQUIRE_MESSAGE(dialled, test::why(dialled));
  const auto is_in = [&] {
    REQUIRE(hosts.client.log.count(EventType::error) == 0);
    return hosts.client.log.count(EventType::connected, *dialled) == 1 &&
           hosts.server.log.count(EventType::connected) > before;
  };
  // Names are looked up in real time, whatever the clock says: it stands still.
  REQUIRE(hosts.until(is_in, Duration::zero()));
  return *dialled;
}

TlsConfig shown(TlsFiles& files, const CertificateOrder& order) {
  return test::showing(files.folder.issue("shown", order));
}

/// While it lives, the certificates in a file are what the system believes: OpenSSL reads the
/// variable whenever it loads the system's store.
class SystemStore {
 public:
  explicit SystemStore(const std::string& file) {
    if (const char* before = std::getenv(kVariable)) before_ = before;
    REQUIRE(setenv(kVariable, file.c_str(), 1) == 0);
  }
  ~SystemStore() {
    if (before_) {
      setenv(kVariable, before_->c_str(), 1);
    } else {
      unsetenv(kVariable);
    }
  }
  SystemStore(const SystemStore&) = delete;
  SystemStore& operator=(const SystemStore&) = delete;

 private:
  static constexpr const char* kVariable = "SSL_CERT_FILE";
  std::optional<std::string> before_;
};

/// What comes of a server with such a certificate, for a client who believes the authority.
TlsRefusal refused(TlsFiles& files, const CertificateOrder& order) {
  TlsHosts hosts(shown(files, order));
  return hosts.refusal(files.dialling());
}

}  // namespace

TEST_CASE("tls hosts: a believed server is known by its subject, by address and by name") {
  TlsFiles files;
  TlsHosts hosts(files.listening());
  const std::string port = std::to_string(hosts.address.port);
  for (const std::string host : {"127.0.0.1", "localhost"}) {
    CAPTURE(host);
    const Connection dialled = get_in(hosts, files.dialling(), "tls://" + host + ":" + port);
    CHECK(dialled.verified_subject() == "CN=relay,O=Example");
    const Connection accepted = hosts.server.log.last(EventType::connected).connection;
    CHECK(accepted.verified_subject().empty());
    REQUIRE(test::send_text(dialled, "to " + host));
    REQUIRE(test::send_text(accepted, "from " + host));
    REQUIRE(hosts.until([&] {
      return contains(hosts.server.log.texts().empty() ? "" : hosts.server.log.texts().back(),
                      "to " + host) &&
             contains(hosts.client.log.texts().empty() ? "" : hosts.client.log.texts().back(),
                      "from " + host);
    }));
  }
  CHECK(hosts.client.lines.empty());
}

TEST_CASE("tls hosts: an IPv6 address is checked against the certificate like any other") {
  TlsFiles files;
  TlsHosts hosts(files.listening());
  const auto bound = hosts.server->listen("tls://[::1]:0");
  if (!bound && bound.error().code == ErrorCode::address_unavailable) {
    MESSAGE("no IPv6 on this machine: skipped");
    return;
  }
  REQUIRE(bound);
  CHECK(get_in(hosts, files.dialling(), bound->to_string()).verified_subject() ==
        "CN=relay,O=Example");
  CertificateOrder four_only = TlsFiles::order("four");
  four_only.addresses = {"127.0.0.1"};
  ListenOptions options;
  options.tls = shown(files, four_only);
  const auto other = hosts.server->listen("tls://[::1]:0", options);
  REQUIRE(other);
  hosts.server.log.clear();
  const Error error = hosts.refusal(files.dialling(), other->to_string()).error;
  CHECK(error.code == ErrorCode::certificate_wrong_host);
  CHECK(contains(error.message(), "this end called \"::1\""));
}

TEST_CASE("tls hosts: an expired certificate and one of the future are told to both ends") {
  TlsFiles files;
  CertificateOrder order = TlsFiles::order("old");
  order.dates = CertificateDates::expired;
  const TlsRefusal expired = refused(files, order);
  CHECK(expired.error.code == ErrorCode::certificate_expired);
  CHECK(contains(expired.error.message(), "(CN=old,O=Example) has expired on "));
  CHECK(contains(expired.line, "did not get in"));
  CHECK(contains(expired.line, "it has expired"));
  order.dates = CertificateDates::not_yet_valid;
  const TlsRefusal future = refused(files, order);
  CHECK(future.error.code == ErrorCode::certificate_expired);
  CHECK(contains(future.error.message(), "is not valid before "));
}

TEST_CASE("tls hosts: a certificate for another host is refused with the names that it has") {
  TlsFiles files;
  CertificateOrder order = TlsFiles::order("elsewhere");
  order.dns_names = {"relay.example"};
  order.addresses = {"10.0.0.7"};
  const TlsRefusal refusal = refused(files, order);
  CHECK(refusal.error.code == ErrorCode::certificate_wrong_host);
  CHECK(contains(refusal.error.message(), "is for relay.example, 10.0.0.7"));
  CHECK(contains(refusal.error.message(), "this end called \"127.0.0.1\""));
  CHECK(contains(refusal.line, "turned this end's certificate down"));
}

TEST_CASE("tls hosts: an unknown issuer is refused by name, and the server learns it") {
  TlsFiles files;
  files.folder.issue("stranger",
                     {.common_name = "Stranger", .use = test::CertificateUse::authority});
  CertificateOrder order = TlsFiles::order("guest");
  order.issuer = "stranger";
  const TlsRefusal refusal = refused(files, order);
  CHECK(refusal.error.code == ErrorCode::certificate_untrusted);
  CHECK(contains(refusal.error.message(), "its issuer is CN=Stranger"));
  CHECK(contains(refusal.line, "it does not know its issuer"));
}

TEST_CASE("tls hosts: the system's store does not believe one who signed itself") {
  TlsFiles files;
  CertificateOrder order = TlsFiles::order("lonely");
  order.issuer.clear();
  TlsHosts hosts(shown(files, order));
  const TlsRefusal refusal = hosts.refusal(TlsConfig());
  CHECK(refusal.error.code == ErrorCode::certificate_untrusted);
  CHECK(contains(refusal.error.message(), "(CN=lonely,O=Example) is signed by itself"));
}

TEST_CASE("tls hosts: without a ca_file the issuers that the system believes are believed") {
  TlsFiles files;
  TlsHosts before(files.listening());
  CHECK(before.refusal(TlsConfig()).error.code == ErrorCode::certificate_untrusted);
  TlsHosts hosts(files.listening());  // a host loads the store once
  const SystemStore store(files.authority.certificate_file);
  const Connection dialled = get_in(hosts, TlsConfig(), hosts.address.to_string());
  CHECK(dialled.verified_subject() == "CN=relay,O=Example");
}

TEST_CASE("tls hosts: the pinned certificate gets in under any name, and no other does") {
  TlsFiles files;
  CertificateOrder order;
  order.common_name = "pinned";
  const TlsConfig listen = shown(files, order);
  TlsHosts hosts(listen);
  TlsConfig wrong;
  wrong.pinned_certificate_file = files.server.certificate_file;
  const TlsRefusal refusal = hosts.refusal(wrong);
  CHECK(refusal.error.code == ErrorCode::certificate_untrusted);
  CHECK(contains(refusal.error.message(), "(CN=pinned) is not the pinned one"));
  CHECK(contains(refusal.line, "turned this end's certificate down"));
  TlsConfig right;
  right.pinned_certificate_file = listen.certificate_file;
  hosts.client.log.clear();
  CHECK(get_in(hosts, right, hosts.address.to_string()).verified_subject() == "CN=pinned");
}

TEST_CASE("tls hosts: server_name is what the certificate has to be for") {
  TlsFiles files;
  CertificateOrder order = TlsFiles::order("relay");
  order.dns_names = {"relay.example"};
  order.addresses.clear();
  TlsHosts hosts(shown(files, order));
  TlsConfig dial = files.dialling();
  dial.server_name = "other.example";
  const TlsRefusal refusal = hosts.refusal(dial);
  CHECK(refusal.error.code == ErrorCode::certificate_wrong_host);
  CHECK(contains(refusal.error.message(), "this end called \"other.example\""));
  dial.server_name = "relay.example";
  hosts.client.log.clear();
  CHECK(get_in(hosts, dial, hosts.address.to_string()).verified_subject() == "CN=relay,O=Example");
}

TEST_CASE(
    "tls hosts: verification that is switched off proves nobody and logs a warning each time") {
  TlsFiles files;
  CertificateOrder order = TlsFiles::order("old");
  order.issuer.clear();
  order.dates = CertificateDates::expired;
  TlsHosts hosts(shown(files, order));
  TlsConfig dial;
  dial.verify = TlsVerification::off_anybody_may_answer;
  for (std::size_t calls = 1; calls <= 2; ++calls) {
    const Connection dialled = get_in(hosts, dial, hosts.address.to_string());
    CHECK(dialled.verified_subject().empty());
    REQUIRE(hosts.client.lines.size() == calls);
    CHECK(contains(hosts.client.lines.back(), "TlsConfig::verify is off"));
    CHECK(contains(hosts.client.lines.back(), hosts.address.to_string()));
  }
}

TEST_CASE("tls hosts: a listener that asks for certificates and checks none logs a warning") {
  TlsFiles files;
  TlsConfig listen = files.listening();
  listen.client_certificates = ClientCertificates::required;
  listen.verify = TlsVerification::off_anybody_may_answer;
  TlsHosts hosts(listen);
  CHECK(hosts.server_says("TlsConfig::verify is off"));
  TlsConfig dial = files.dialling();
  const TlsConfig own = test::showing(files.folder.issue("anybody", {.common_name = "anybody"}));
  dial.certificate_file = own.certificate_file;
  dial.private_key_file = own.private_key_file;
  get_in(hosts, dial, hosts.address.to_string());
  CHECK(hosts.server.log.last(EventType::connected).connection.verified_subject().empty());
}
