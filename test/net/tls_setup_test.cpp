// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "test/support/tls_hosts.hpp"

/// What is wrong with files is said by the call that needs them; and files that change.
using namespace tickwire;
using test::CertificateFiles;
using test::contains;
using test::TlsFiles;
using test::TlsHosts;

namespace {

struct BadConfig {
  TlsConfig tls;
  ErrorCode code;
  std::string words;
};

std::vector<BadConfig> bad_configs(TlsFiles& files) {
  const std::string missing = files.folder.path("missing.pem");
  const std::string garbage = files.folder.write("garbage.pem", "this is no PEM file\n");
  const auto with = [&](auto change) {
    TlsConfig tls = files.listening();
    change(tls);
    return tls;
  };
  return {
      {with([&](TlsConfig& tls) { tls.certificate_file = missing; }), ErrorCode::file_unreadable,
       missing},
      {with([&](TlsConfig& tls) { tls.private_key_file = missing; }), ErrorCode::file_unreadable,
       missing},
      {with([&](TlsConfig& tls) { tls.ca_file = missing; }), ErrorCode::file_unreadable, missing},
      {with([&](TlsConfig& tls) { tls.certificate_file = garbage; }),
       ErrorCode::certificate_unusable, garbage},
      {with([&](TlsConfig& tls) { tls.private_key_file = garbage; }),
       ErrorCode::certificate_unusable, garbage},
      {with([&](TlsConfig& tls) { tls.pinned_certificate_file = garbage; }),
       ErrorCode::certificate_unusable, "pinned_certificate_file"},
      {with([&](TlsConfig& tls) { tls.private_key_file = files.client.private_key_file; }),
       ErrorCode::certificate_key_mismatch, files.client.private_key_file},
      {with([&](TlsConfig& tls) {
         tls.ca_file = files.authority.certificate_file;
         tls.pinned_certificate_file = files.server.certificate_file;
       }),
       ErrorCode::invalid_argument, "not both"},
  };
}

void replace(const CertificateFiles& old, const CertificateFiles& with) {
  const auto overwrite = std::filesystem::copy_options::overwrite_existing;
  std::filesystem::copy_file(with.certificate_file, old.certificate_file, overwrite);
  std::filesystem::copy_file(with.private_key_file, old.private_key_file, overwrite);
}

/// Whom the server is now, to somebody who calls it anew.
std::string subject_now(TlsHosts& hosts, const TlsConfig& dial) {
  return hosts.connect(hosts.client, TlsHosts::by(dial)).verified_subject();
}

/// The same over raw+tls://.
std::string raw_subject_now(TlsHosts& hosts, const TlsConfig& dial, const Address& address) {
  const auto dialled = hosts.client->connect(address.to_string(), TlsHosts::by(dial));
  REQUIRE(dialled);
  REQUIRE(hosts.until([&] { return hosts.client.log.count(EventType::connected, *dialled) == 1; }));
  return dialled->verified_subject();
}

}  // namespace

TEST_CASE("tls set-up: listen refuses files that do not serve, names them, and changes nothing") {
  TlsFiles files;
  TlsHosts hosts(files.listening());
  std::string url = "tls://127.0.0.1:0";
  {
    Host other(hosts.complete({}));
    const auto free = other.listen(url);
    REQUIRE(free);
    url = free->to_string();
  }
  ListenOptions options;
  for (const BadConfig& each : bad_configs(files)) {
    CAPTURE(each.words);
    options.tls = each.tls;
    const auto bound = hosts.server->listen(url, options);
    REQUIRE_FALSE(bound);
    CHECK(bound.error().code == each.code);
    CHECK(contains(bound.error().message(), each.words));
    CHECK(contains(bound.error().message(), "TlsConfig"));
  }
  CHECK(hosts.server->listening_addresses().size() == 1);
  CHECK_FALSE(hosts.server->poll());
  options.tls = files.listening();
  CHECK(hosts.server->listen(url, options));
  CHECK(subject_now(hosts, files.dialling()) == "CN=relay,O=Example");
}

TEST_CASE("tls set-up: who listens needs a certificate, who dials does not") {
  TlsFiles files;
  TlsHosts hosts(files.listening());
  ListenOptions options;
  options.tls = files.dialling();
  for (const std::string url : {"tls://127.0.0.1:0", "raw+tls://127.0.0.1:0"}) {
    const auto bound = hosts.server->listen(url, options);
    REQUIRE_FALSE(bound);
    CHECK(bound.error().code == ErrorCode::invalid_argument);
    CHECK(contains(bound.error().message(), "certificate_file"));
  }
  hosts.connect(TlsHosts::by(files.dialling()));
}

TEST_CASE("tls set-up: connect refuses files that do not serve, and no event follows") {
  TlsFiles files;
  TlsHosts hosts(files.listening());
  const std::size_t many = 3000;  // more than there are slots
  for (const BadConfig& each : bad_configs(files)) {
    CAPTURE(each.words);
    const auto dialled = hosts.client->connect(hosts.address.to_string(), TlsHosts::by(each.tls));
    REQUIRE_FALSE(dialled);
    CHECK(dialled.error().code == each.code);
    CHECK(contains(dialled.error().message(), each.words));
  }
  TlsConfig missing;
  missing.ca_file = files.folder.path("missing.pem");
  for (std::size_t i = 0; i < many; ++i) {
    REQUIRE(hosts.client->connect(hosts.address.to_string(), TlsHosts::by(missing)).error().code ==
            ErrorCode::file_unreadable);
  }
  hosts.run(std::chrono::milliseconds(10));
  CHECK(hosts.client.log.all().empty());
  CHECK(hosts.server.log.all().empty());
  hosts.connect(TlsHosts::by(files.dialling()));
}

TEST_CASE("tls set-up: a bad file is said by connect, too, when the host is a name") {
  TlsFiles files;
  TlsHosts hosts(files.listening());
  TlsConfig missing;
  missing.ca_file = files.folder.path("missing.pem");
  const auto dialled = hosts.client->connect(
      "tls://localhost:" + std::to_string(hosts.address.port), TlsHosts::by(missing));
  REQUIRE_FALSE(dialled);
  CHECK(dialled.error().code == ErrorCode::file_unreadable);
}

TEST_CASE("tls reload: those who are up stay, those who come see the new certificate") {
  TlsFiles files;
  TlsHosts hosts(files.listening());
  hosts.connect(TlsHosts::by(files.dialling()));
  CHECK(hosts.caller.verified_subject() == "CN=relay,O=Example");
  replace(files.server, files.folder.issue("next", TlsFiles::order("next relay")));
  CHECK(subject_now(hosts, files.dialling()) == "CN=relay,O=Example");
  REQUIRE(hosts.server->reload_certificates());
  CHECK(subject_now(hosts, files.dialling()) == "CN=next relay,O=Example");
  CHECK(hosts.caller.verified_subject() == "CN=relay,O=Example");
  REQUIRE(test::send_text(hosts.caller, "still here"));
  REQUIRE(hosts.until([&] { return hosts.server.log.messages() == 1; }));
  CHECK(hosts.client.log.count(EventType::disconnected) == 0);
}

TEST_CASE("tls reload: files that do not serve are refused, and the old ones stay in use") {
  TlsFiles files;
  TlsHosts hosts(files.listening());
  hosts.connect(TlsHosts::by(files.dialling()));
  std::filesystem::copy_file(files.client.private_key_file, files.server.private_key_file,
                             std::filesystem::copy_options::overwrite_existing);
  const auto mismatch = hosts.server->reload_certificates();
  REQUIRE_FALSE(mismatch);
  CHECK(mismatch.error().code == ErrorCode::certificate_key_mismatch);
  CHECK(contains(mismatch.error().message(), files.server.private_key_file));
  CHECK(subject_now(hosts, files.dialling()) == "CN=relay,O=Example");
  std::filesystem::remove(files.server.certificate_file);
  const auto missing = hosts.server->reload_certificates();
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == ErrorCode::file_unreadable);
  CHECK(subject_now(hosts, files.dialling()) == "CN=relay,O=Example");
}

TEST_CASE("tls reload: one bad file among several schemes changes none of them") {
  TlsFiles files;
  TlsHosts hosts(files.listening());
  const CertificateFiles second = files.folder.issue("second", TlsFiles::order("second"));
  ListenOptions options;
  options.tls = test::showing(second);
  const auto raw = hosts.server->listen("raw+tls://127.0.0.1:0", options);
  REQUIRE(raw);
  CHECK(raw_subject_now(hosts, files.dialling(), *raw) == "CN=second,O=Example");
  replace(files.server, files.folder.issue("next", TlsFiles::order("next relay")));
  std::filesystem::remove(second.certificate_file);
  REQUIRE_FALSE(hosts.server->reload_certificates());
  CHECK(raw_subject_now(hosts, files.dialling(), *raw) == "CN=second,O=Example");
  CHECK(subject_now(hosts, files.dialling()) == "CN=relay,O=Example");
}

TEST_CASE("tls reload: a dialler reads its files anew, and keeps what it has when they are bad") {
  TlsFiles files;
  TlsConfig listen = files.listening();
  listen.client_certificates = ClientCertificates::required;
  listen.ca_file = files.authority.certificate_file;
  TlsHosts hosts(listen);
  TlsConfig dial = test::showing(files.client);
  dial.ca_file = files.authority.certificate_file;
  const auto accepted_as = [&] {
    static_cast<void>(hosts.connect(hosts.client, TlsHosts::by(dial)));
    return hosts.server.log.last(EventType::connected).connection.verified_subject();
  };
  CHECK(accepted_as() == "CN=player,O=Example");
  replace(files.client,
          files.folder.issue("renamed", {.common_name = "renamed", .issuer = "authority"}));
  REQUIRE(hosts.client->reload_certificates());
  CHECK(accepted_as() == "CN=renamed");
  std::filesystem::remove(files.client.certificate_file);
  const auto missing = hosts.client->reload_certificates();
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == ErrorCode::file_unreadable);
  CHECK(accepted_as() == "CN=renamed");
}

TEST_CASE("tls reload: files of a dialler that nobody uses any more hold up nothing") {
  TlsFiles files;
  TlsHosts hosts(files.listening());
  TlsConfig dial = files.dialling();
  dial.ca_file = files.folder.join("once.pem", {files.authority.certificate_file});
  const Connection up = hosts.connect(hosts.client, TlsHosts::by(dial));
  std::filesystem::remove(dial.ca_file);
  REQUIRE_FALSE(hosts.client->reload_certificates());
  CHECK(up.close() == ErrorCode::none);
  REQUIRE(hosts.until([&] { return hosts.client.log.count(EventType::disconnected) == 1; }));
  hosts.run(std::chrono::seconds(3), std::chrono::milliseconds(50));
  CHECK(hosts.client->reload_certificates());
  // Whoever needs them is told.
  const auto again = hosts.client->connect(hosts.address.to_string(), TlsHosts::by(dial));
  REQUIRE_FALSE(again);
  CHECK(again.error().code == ErrorCode::file_unreadable);
}
