// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <string>

#include "test/unit/tls/tls_rig.hpp"

namespace tickwire::test {
namespace {

using namespace detail;

Error refusal(const TlsConfig& config, TlsRole role) {
  const auto context = make_tls_context(config, role, TlsPayload::tickwire);
  return context ? Error{} : context.error();
}

/// The code, and that the sentence has the field, the file and the cause.
void check_file(const Error& error, ErrorCode code, const std::string& field,
                const std::string& path, const std::string& cause) {
  CAPTURE(error.detail);
  CHECK(error.code == code);
  CHECK(error.detail.find("TlsConfig::" + field) != std::string::npos);
  CHECK(error.detail.find(path) != std::string::npos);
  CHECK(error.detail.find(cause) != std::string::npos);
}

TEST_CASE("tls files: a missing file and a folder are unreadable, whichever field names them") {
  const TlsRig rig;
  const std::string missing = rig.folder.path("missing.pem");
  TlsConfig config = rig.listen;
  config.certificate_file = missing;
  Error error = refusal(config, TlsRole::acceptor);
  check_file(error, ErrorCode::file_unreadable, "certificate_file", missing, "No such file");
  CHECK(error.system_code == 2);
  config = rig.listen;
  config.private_key_file = missing;
  check_file(refusal(config, TlsRole::acceptor), ErrorCode::file_unreadable, "private_key_file",
             missing, "No such file");
  config = {};
  config.ca_file = rig.folder.path("");
  check_file(refusal(config, TlsRole::dialler), ErrorCode::file_unreadable, "ca_file",
             config.ca_file, "cannot be read");
  config = {};
  config.pinned_certificate_file = missing;
  check_file(refusal(config, TlsRole::dialler), ErrorCode::file_unreadable,
             "pinned_certificate_file", missing, "cannot be read");
}

TEST_CASE("tls files: an empty file, garbage and a damaged certificate are unusable") {
  TlsRig rig;
  TlsConfig config = rig.listen;
  config.certificate_file = rig.folder.write("empty.pem", "");
  check_file(refusal(config, TlsRole::acceptor), ErrorCode::certificate_unusable,
             "certificate_file", "empty.pem", "is empty");
  config.certificate_file = rig.folder.write("garbage.pem", "\x01\x02 not a certificate\n");
  check_file(refusal(config, TlsRole::acceptor), ErrorCode::certificate_unusable,
             "certificate_file", "garbage.pem", "no certificate");
  config.certificate_file = rig.folder.write(
      "damaged.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  check_file(refusal(config, TlsRole::acceptor), ErrorCode::certificate_unusable,
             "certificate_file", "damaged.pem", "damaged");
  config = rig.dial;
  config.ca_file =
      rig.folder.join("half.pem", {rig.authority.certificate_file, rig.folder.path("damaged.pem")});
  check_file(refusal(config, TlsRole::dialler), ErrorCode::certificate_unusable, "ca_file",
             "half.pem", "damaged");
}

TEST_CASE("tls files: a key that is empty, garbage, a certificate or under a passphrase") {
  TlsRig rig;
  TlsConfig config = rig.listen;
  config.private_key_file = rig.folder.write("empty.key", "");
  check_file(refusal(config, TlsRole::acceptor), ErrorCode::certificate_unusable,
             "private_key_file", "empty.key", "is empty");
  config.private_key_file = rig.folder.write("garbage.key", "key? what key?\n");
  check_file(refusal(config, TlsRole::acceptor), ErrorCode::certificate_unusable,
             "private_key_file", "garbage.key", "no private key");
  config.private_key_file = rig.server.certificate_file;
  check_file(refusal(config, TlsRole::acceptor), ErrorCode::certificate_unusable,
             "private_key_file", "server.pem", "holds a certificate");
  config.private_key_file = rig.folder.encrypted_key("server");
  check_file(refusal(config, TlsRole::acceptor), ErrorCode::certificate_unusable,
             "private_key_file", "server.encrypted.key", "passphrase");
}

TEST_CASE("tls files: a key of another certificate is told") {
  TlsRig rig;
  TlsConfig config = rig.listen;
  config.private_key_file = rig.folder.other_key();
  check_file(refusal(config, TlsRole::acceptor), ErrorCode::certificate_key_mismatch,
             "private_key_file", "other.key", "another certificate");
}

TEST_CASE("tls files: certificate, issuers and key may stand in one file") {
  TlsRig rig;
  rig.listen.certificate_file = rig.folder.join(
      "all.pem",
      {rig.server.certificate_file, rig.authority.certificate_file, rig.server.private_key_file});
  rig.listen.private_key_file.clear();
  TlsPair pair(rig);
  CHECK(pair.up());
}

TEST_CASE("tls files: a configuration that cannot work is refused") {
  const TlsRig rig;
  CHECK(refusal({}, TlsRole::acceptor).code == ErrorCode::invalid_argument);
  CHECK(refusal({}, TlsRole::dialler).code == ErrorCode::none);
  TlsConfig config;
  config.private_key_file = rig.client.private_key_file;
  CHECK(refusal(config, TlsRole::dialler).code == ErrorCode::invalid_argument);
  config = rig.dial;
  config.pinned_certificate_file = rig.server.certificate_file;
  CHECK(refusal(config, TlsRole::dialler).code == ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace tickwire::test
