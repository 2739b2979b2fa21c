// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <string>

#include "test/unit/tls/tls_rig.hpp"

namespace tickwire::test {
namespace {

using namespace detail;

/// Lets the rig's server show another certificate than its own.
void show(TlsRig& rig, const CertificateOrder& order) {
  const CertificateFiles files = rig.folder.issue("shown", order);
  rig.listen.certificate_file = files.certificate_file;
  rig.listen.private_key_file = files.private_key_file;
}

CertificateOrder fitting(const std::string& issuer,
                         CertificateDates dates = CertificateDates::current) {
  return {.common_name = "shown", .dns_names = {TlsRig::host}, .issuer = issuer, .dates = dates};
}

/// The dialler's error; the acceptor is told that its certificate was turned down.
Error dial_error(const TlsRig& rig, const std::string& host = TlsRig::host) {
  TlsPair pair(rig, host);
  CHECK(pair.dialled == IoStatus::failed);
  CHECK(pair.accepted == IoStatus::failed);
  CHECK(pair.dialler->verified_subject().empty());
  const Error error = pair.dialler->failure();
  CAPTURE(error.detail);
  CHECK(error.detail.size() > 20);
  CHECK(error.system_code != 0);
  return error;
}

bool has(const Error& error, const std::string& words) {
  return error.detail.find(words) != std::string::npos;
}

TEST_CASE("tls trust: a certificate for the host that was called, from a believed issuer, passes") {
  const TlsRig rig;
  for (const std::string host :
       {"relay.example", "RELAY.example.", "a.games.example", "127.0.0.1", "::1", "::1%lo"}) {
    CAPTURE(host);
    TlsPair pair(rig, host);
    REQUIRE(pair.up());
    CHECK(pair.dialler->verified_subject() == "CN=relay,O=Example");
    CHECK(pair.acceptor->verified_subject().empty());
    CHECK(talk(pair));
  }
}

TEST_CASE("tls trust: an expired certificate and one of the future are told apart") {
  TlsRig old;
  show(old, fitting("authority", CertificateDates::expired));
  const Error expired = dial_error(old);
  CHECK(expired.code == ErrorCode::certificate_expired);
  CHECK(has(expired, "(CN=shown) has expired on "));
  TlsRig fresh;
  show(fresh, fitting("authority", CertificateDates::not_yet_valid));
  const Error future = dial_error(fresh);
  CHECK(future.code == ErrorCode::certificate_expired);
  CHECK(has(future, "is not valid before "));
}

TEST_CASE("tls trust: a common name is a text for people, and stands for no host") {
  TlsRig rig;
  show(rig, {.common_name = TlsRig::host, .issuer = "authority"});
  const Error error = dial_error(rig);
  CHECK(error.code == ErrorCode::certificate_wrong_host);
  CHECK(has(error, "names no host"));
}

TEST_CASE("tls trust: an authority that has expired is named") {
  TlsRig rig;
  rig.dial.ca_file = rig.folder
                         .issue("old", {.common_name = "Old authority",
                                        .dates = CertificateDates::expired,
                                        .use = CertificateUse::authority})
                         .certificate_file;
  show(rig, fitting("old"));
  const Error error = dial_error(rig);
  CHECK(error.code == ErrorCode::certificate_expired);
  CHECK(has(error, "issuer of the other end's (CN=Old authority)"));
}

TEST_CASE("tls trust: a certificate for another name or address is refused") {
  const TlsRig rig;
  for (const std::string host : {"other.example", "games.example", "a.b.games.example",
                                 "127.0.0.1.example", "127.0.0.2", "::2"}) {
    CAPTURE(host);
    const Error error = dial_error(rig, host);
    CHECK(error.code == ErrorCode::certificate_wrong_host);
    CHECK(has(error, "relay.example, *.games.example, 127.0.0.1, "));
    CHECK(has(error, "called \"" + host + "\""));
  }
}

TEST_CASE("tls trust: server_name stands in for the host of the URL") {
  TlsRig rig;
  rig.dial.server_name = "relay.example";
  CHECK(TlsPair(rig, "10.1.2.3").up());
  rig.dial.server_name = "127.0.0.1";
  CHECK(TlsPair(rig, "elsewhere").up());
  rig.dial.server_name = "elsewhere";
  CHECK(dial_error(rig).code == ErrorCode::certificate_wrong_host);
}

TEST_CASE("tls trust: without a proper host nobody is believed") {
  const TlsRig rig;
  for (const std::string host : {"", ".example"}) {
    TlsPair pair(rig, host);
    CHECK(pair.dialled == IoStatus::failed);
    CHECK(pair.dialler->failure().code == ErrorCode::invalid_argument);
  }
}

TEST_CASE("tls trust: an unknown issuer and a certificate that signed itself are refused") {
  TlsRig rig;
  rig.folder.issue("stranger", {.common_name = "Stranger", .use = CertificateUse::authority});
  show(rig, fitting("stranger"));
  const Error unknown = dial_error(rig);
  CHECK(unknown.code == ErrorCode::certificate_untrusted);
  CHECK(has(unknown, "its issuer is CN=Stranger"));
  show(rig, fitting(""));
  const Error self_signed = dial_error(rig);
  CHECK(self_signed.code == ErrorCode::certificate_untrusted);
  CHECK(has(self_signed, "signed by itself"));
  rig.dial.ca_file.clear();  // nor does the system know it
  CHECK(dial_error(rig).code == ErrorCode::certificate_untrusted);
}

TEST_CASE("tls trust: a leaf that has signed another certificate is no authority") {
  TlsRig rig;
  show(rig, fitting("client"));
  rig.listen.certificate_file =
      rig.folder.join("chain.pem", {rig.listen.certificate_file, rig.client.certificate_file});
  CHECK(dial_error(rig).code == ErrorCode::certificate_untrusted);
}

TEST_CASE("tls trust: a leaf in the ca_file is believed, if name and dates are right") {
  TlsRig rig;
  rig.dial.ca_file = rig.server.certificate_file;
  CHECK(TlsPair(rig).up());
  CHECK(dial_error(rig, "other.example").code == ErrorCode::certificate_wrong_host);
  show(rig, fitting(""));
  rig.dial.ca_file = rig.listen.certificate_file;
  CHECK(TlsPair(rig).up());
}

TEST_CASE("tls trust: only the pinned certificate will do, whatever its name and its issuer") {
  TlsRig rig;
  rig.dial = {};
  rig.dial.pinned_certificate_file = rig.server.certificate_file;
  for (const std::string host : {"other.example", "10.0.0.1", ""}) {
    TlsPair pair(rig, host);
    REQUIRE(pair.up());
    CHECK(pair.dialler->verified_subject() == "CN=relay,O=Example");
  }
  show(rig, fitting("authority"));
  const Error error = dial_error(rig);
  CHECK(error.code == ErrorCode::certificate_untrusted);
  CHECK(has(error, "(CN=shown) is not the pinned one"));
}

TEST_CASE("tls trust: a pinned certificate must be of today") {
  for (const auto dates : {CertificateDates::expired, CertificateDates::not_yet_valid}) {
    TlsRig rig;
    show(rig, fitting("", dates));
    rig.dial = {};
    rig.dial.pinned_certificate_file = rig.listen.certificate_file;
    CHECK(dial_error(rig).code == ErrorCode::certificate_expired);
  }
}

TEST_CASE("tls trust: with verification off anybody may answer, and nobody is proven") {
  TlsRig rig;
  show(rig, fitting("", CertificateDates::expired));
  rig.dial.verify = TlsVerification::off_anybody_may_answer;
  for (const std::string host : {"other.example", ""}) {
    TlsPair pair(rig, host);
    REQUIRE(pair.up());
    CHECK(pair.dialler->verified_subject().empty());
    CHECK(talk(pair));
  }
}

TEST_CASE("tls trust: the end whose certificate is refused learns why") {
  TlsRig rig;
  rig.dial.ca_file = rig.client.certificate_file;
  TlsPair unknown(rig);
  CHECK(unknown.acceptor->failure().code == ErrorCode::certificate_rejected);
  CHECK(has(unknown.acceptor->failure(), "does not know its issuer"));
  rig.dial.ca_file = rig.authority.certificate_file;
  show(rig, fitting("authority", CertificateDates::expired));
  TlsPair expired(rig);
  CHECK(expired.acceptor->failure().code == ErrorCode::certificate_rejected);
  CHECK(has(expired.acceptor->failure(), "expired"));
}

}  // namespace
}  // namespace tickwire::test
