// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <string>

#include "test/unit/tls/tls_rig.hpp"

namespace tickwire::test {
namespace {

using namespace detail;

/// A rig whose acceptor asks for certificates of its authority.
TlsRig& asking(TlsRig& rig, ClientCertificates wish) {
  rig.listen.client_certificates = wish;
  rig.listen.ca_file = rig.authority.certificate_file;
  return rig;
}

void show(TlsRig& rig, const CertificateFiles& files) {
  rig.dial.certificate_file = files.certificate_file;
  rig.dial.private_key_file = files.private_key_file;
}

/// What the dialler reads once its own handshake is done: TLS 1.3 tells it no earlier.
Error told(TlsPair& pair) {
  CHECK(pair.dialled == IoStatus::done);
  IoStatus last = IoStatus::done;
  CHECK(receive(*pair.dialler, &last).empty());
  CHECK(last == IoStatus::failed);
  return pair.dialler->failure();
}

TEST_CASE("tls client: who shows a valid certificate is known by its subject") {
  for (const auto wish : {ClientCertificates::asked, ClientCertificates::required}) {
    TlsRig rig;
    asking(rig, wish);
    show(rig, rig.client);
    TlsPair pair(rig);
    REQUIRE(pair.up());
    CHECK(pair.acceptor->verified_subject() == "CN=Zoë\\, player,O=Example");
    CHECK(talk(pair));
  }
}

TEST_CASE("tls client: a certificate is shown only to those who ask") {
  TlsRig rig;
  show(rig, rig.client);
  TlsPair pair(rig);
  REQUIRE(pair.up());
  CHECK(pair.acceptor->verified_subject().empty());
}

TEST_CASE("tls client: where it is only asked for, none is fine") {
  TlsRig rig;
  TlsPair pair(asking(rig, ClientCertificates::asked));
  REQUIRE(pair.up());
  CHECK(pair.acceptor->verified_subject().empty());
}

TEST_CASE("tls client: where one is required, none is an error that both ends understand") {
  TlsRig rig;
  TlsPair pair(asking(rig, ClientCertificates::required));
  CHECK(pair.accepted == IoStatus::failed);
  CHECK(pair.acceptor->failure().code == ErrorCode::certificate_untrusted);
  CHECK(pair.acceptor->failure().detail.find("showed no certificate") != std::string::npos);
  const Error error = told(pair);
  CHECK(error.code == ErrorCode::certificate_rejected);
  CHECK(error.detail.find("this end has shown none") != std::string::npos);
}

TEST_CASE("tls client: a certificate of an unknown issuer is refused, asked or required") {
  for (const auto wish : {ClientCertificates::asked, ClientCertificates::required}) {
    TlsRig rig;
    asking(rig, wish);
    rig.folder.issue("stranger", {.common_name = "Stranger", .use = CertificateUse::authority});
    show(rig, rig.folder.issue("guest", {.common_name = "guest", .issuer = "stranger"}));
    TlsPair pair(rig);
    CHECK(pair.acceptor->failure().code == ErrorCode::certificate_untrusted);
    const Error error = told(pair);
    CHECK(error.code == ErrorCode::certificate_rejected);
    CHECK(error.detail.find("does not know its issuer") != std::string::npos);
  }
}

TEST_CASE("tls client: an expired certificate is refused") {
  TlsRig rig;
  asking(rig, ClientCertificates::required);
  show(rig, rig.folder.issue("late", {.common_name = "late",
                                      .issuer = "authority",
                                      .dates = CertificateDates::expired}));
  TlsPair pair(rig);
  CHECK(pair.acceptor->failure().code == ErrorCode::certificate_expired);
  CHECK(told(pair).code == ErrorCode::certificate_rejected);
}

TEST_CASE("tls client: an acceptor can pin the one certificate that comes in") {
  TlsRig rig;
  asking(rig, ClientCertificates::required);
  rig.listen.ca_file.clear();
  rig.listen.pinned_certificate_file = rig.client.certificate_file;
  show(rig, rig.client);
  CHECK(TlsPair(rig).up());
  show(rig, rig.folder.issue("twin", {.common_name = "Zoë, player", .issuer = "authority"}));
  TlsPair pair(rig);
  CHECK(pair.acceptor->failure().code == ErrorCode::certificate_untrusted);
  CHECK(told(pair).code == ErrorCode::certificate_rejected);
}

TEST_CASE("tls client: without verification a certificate is taken, but proves nothing") {
  TlsRig rig;
  asking(rig, ClientCertificates::required);
  rig.listen.verify = TlsVerification::off_anybody_may_answer;
  show(rig, rig.folder.issue("self", {.common_name = "self"}));
  TlsPair pair(rig);
  REQUIRE(pair.up());
  CHECK(pair.acceptor->verified_subject().empty());
}

TEST_CASE("tls client: who is refused and writes into the cut connection is told the reason") {
  TlsRig rig;
  TlsPair pair(asking(rig, ClientCertificates::required));
  REQUIRE(pair.dialled == IoStatus::done);
  pair.wire.cut();
  CHECK_FALSE(send(*pair.dialler, "hello"));
  CHECK(pair.dialler->failure().code == ErrorCode::certificate_rejected);
}

}  // namespace
}  // namespace tickwire::test
