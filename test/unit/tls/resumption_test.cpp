// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cstddef>
#include <string>

#include "lib/transport/tls/session_cache.hpp"
#include "test/unit/tls/tls_rig.hpp"

namespace tickwire::test {
namespace {

using namespace detail;

/// What the acceptor says in a handshake: its certificate and the proof of it make most of that,
/// and a resumed session goes without.
std::size_t handshake_bytes(const TlsPair& pair) {
  return pair.wire.to_left->total_bytes;
}

constexpr std::size_t kCertificateBytes = 400;

/// Connects, checks that all is as it should be, reads the ticket, and goes.
std::size_t visit(TlsContext& dial, TlsContext& listen, const std::string& host = TlsRig::host) {
  TlsPair pair(dial, listen, host);
  REQUIRE(pair.up());
  CHECK(pair.dialler->verified_subject() == "CN=relay,O=Example");
  const std::size_t bytes = handshake_bytes(pair);
  CHECK(talk(pair));
  return bytes;
}

TEST_CASE("tls resumption: a second connection resumes, and the first one's proof still stands") {
  const TlsRig rig;
  const auto dial = load(rig.dial, TlsRole::dialler);
  const auto listen = load(rig.listen, TlsRole::acceptor);
  const std::size_t full = visit(*dial, *listen);
  for (int again = 0; again < 3; ++again)
    CHECK(visit(*dial, *listen) + kCertificateBytes < full);
}

TEST_CASE("tls resumption: a client that has shown its certificate is still known") {
  TlsRig rig;
  rig.listen.client_certificates = ClientCertificates::required;
  rig.listen.ca_file = rig.authority.certificate_file;
  rig.dial.certificate_file = rig.client.certificate_file;
  rig.dial.private_key_file = rig.client.private_key_file;
  const auto dial = load(rig.dial, TlsRole::dialler);
  const auto listen = load(rig.listen, TlsRole::acceptor);
  const std::size_t full = visit(*dial, *listen);
  TlsPair second(*dial, *listen);
  REQUIRE(second.up());
  CHECK(handshake_bytes(second) + kCertificateBytes < full);
  CHECK(second.acceptor->verified_subject() == "CN=Zoë\\, player,O=Example");
  CHECK(second.dialler->verified_subject() == "CN=relay,O=Example");
}

TEST_CASE("tls resumption: a session is used once, and only for the server it is of") {
  const TlsRig rig;
  const auto dial = load(rig.dial, TlsRole::dialler);
  const auto listen = load(rig.listen, TlsRole::acceptor);
  const std::size_t full = visit(*dial, *listen);
  CHECK(visit(*dial, *listen, "a.games.example") + 50 > full);
  const TlsPair unread(*dial, *listen);  // takes the session, and reads no new one
  CHECK(handshake_bytes(unread) + kCertificateBytes < full);
  CHECK(visit(*dial, *listen) + 50 > full);
}

TEST_CASE("tls resumption: a session of another name is not resumed, though its key is the same") {
  const TlsRig rig;
  const auto dial = load(rig.dial, TlsRole::dialler);
  const auto listen = load(rig.listen, TlsRole::acceptor);
  for (const std::string host : {"relay.example", "other.example"}) {
    MemoryStreams wire = make_memory_streams();
    const auto dialler = dial->wrap(std::move(wire.left), host, "same");
    const auto acceptor = listen->wrap(std::move(wire.right), "", "");
    static_cast<void>(dialler->handshake());
    static_cast<void>(acceptor->handshake());
    const bool fits = host == TlsRig::host;
    CHECK(dialler->handshake() == (fits ? IoStatus::done : IoStatus::failed));
    static_cast<void>(acceptor->handshake());
    static_cast<void>(receive(*dialler));
  }
}

TEST_CASE("tls resumption: an acceptor with new keys answers in full") {
  const TlsRig rig;
  const auto dial = load(rig.dial, TlsRole::dialler);
  const std::size_t full = visit(*dial, *load(rig.listen, TlsRole::acceptor));
  CHECK(visit(*dial, *load(rig.listen, TlsRole::acceptor)) + 50 > full);
}

TEST_CASE("tls resumption: sessions outlive their context") {
  const TlsRig rig;
  auto dial = load(rig.dial, TlsRole::dialler);
  auto listen = load(rig.listen, TlsRole::acceptor);
  TlsPair pair(*dial, *listen);
  dial.reset();
  listen.reset();
  CHECK(talk(pair));
}

TEST_CASE("tls resumption: as many servers as the cache holds are remembered, the newest ones") {
  SessionCache cache;
  for (std::size_t i = 0; i < SessionCache::most_keys + 10; ++i)
    cache.keep(std::to_string(i), {});
  CHECK(cache.size() == SessionCache::most_keys);
  cache.keep("300", {});
  cache.keep("265", {});
  CHECK(cache.size() == SessionCache::most_keys);
  CHECK(cache.take("nobody") == nullptr);
  static_cast<void>(cache.take("265"));
  CHECK(cache.size() == SessionCache::most_keys - 1);
}

}  // namespace
}  // namespace tickwire::test
