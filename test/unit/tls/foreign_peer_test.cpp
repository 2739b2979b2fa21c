// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cstddef>
#include <random>
#include <string>
#include <string_view>

#include "test/unit/tls/tls_rig.hpp"

namespace tickwire::test {
namespace {

using namespace detail;
using namespace std::literals;
using Then = LoneEnd::Then;

/// The hello of a client that knows TLS 1.2 and no extension at all.
std::string hello_of_tls12() {
  std::string hello = "\x16\x03\x01\x00\x2d\x01\x00\x00\x29\x03\x03"s.substr(0, 11);
  hello.append(32, 'r');                           // its random bytes
  hello.append("\x00\x00\x02\xc0\x2f\x01\x00"sv);  // no session, one cipher suite, no compression
  return hello;
}

TEST_CASE("tls peer: garbage is no TLS, in either role and from the first byte on") {
  const TlsRig rig;
  for (const TlsRole role : {TlsRole::dialler, TlsRole::acceptor}) {
    for (const std::string_view bytes : {"TWIRE hello"sv, "x"sv, "\0\0\0\0\0\0"sv, "\x16\x09"sv}) {
      LoneEnd end(rig, role);
      CHECK(end.failure_after(bytes, Then::nothing).code == ErrorCode::not_tls);
      CHECK(end.session->handshake() == IoStatus::failed);
    }
  }
}

TEST_CASE("tls peer: who speaks HTTP is told from other garbage, and gets no alert for an answer") {
  const TlsRig rig;
  LoneEnd server(rig, TlsRole::acceptor);
  const Error error = server.failure_after("GET / HTTP/1.1\r\nHost: a\r\n\r\n", Then::nothing);
  CHECK(error.code == ErrorCode::not_tls);
  CHECK(error.detail == "the other end speaks plain HTTP, not TLS");
  CHECK(server.wire.to_right->total_bytes == 0);
  LoneEnd client(rig, TlsRole::dialler);
  CHECK(client.failure_after("HTTP/1.1 400 Bad Request\r\n", Then::end).detail == error.detail);
}

TEST_CASE("tls peer: silence is waited for, and an end behind it is no TLS") {
  const TlsRig rig;
  for (const TlsRole role : {TlsRole::dialler, TlsRole::acceptor}) {
    LoneEnd silent(rig, role);
    CHECK(silent.failure_after("", Then::nothing).code == ErrorCode::none);
    CHECK(silent.session->awaits() == Awaits::readable);
    LoneEnd gone(rig, role);
    CHECK(gone.failure_after("", Then::end).code == ErrorCode::not_tls);
    LoneEnd cut(rig, role);
    CHECK(cut.failure_after("", Then::cut).code == ErrorCode::connection_reset);
  }
}

TEST_CASE("tls peer: an end in the middle of a handshake is told as such") {
  const TlsRig rig;
  LoneEnd end(rig, TlsRole::acceptor);
  const Error error = end.failure_after("\x16\x03\x01\x00\x2d\x01"sv, Then::end);
  CHECK(error.code == ErrorCode::tls_failed);
  CHECK(error.detail.find("middle of the TLS handshake") != std::string::npos);
}

TEST_CASE("tls peer: one that knows nothing above TLS 1.2 is told") {
  const TlsRig rig;
  LoneEnd server(rig, TlsRole::acceptor);
  const Error old_client = server.failure_after(hello_of_tls12(), Then::nothing);
  CHECK(old_client.code == ErrorCode::tls_failed);
  CHECK(old_client.detail == "the other end does not speak TLS 1.3");
  LoneEnd client(rig, TlsRole::dialler);
  const Error old_server = client.failure_after("\x15\x03\x03\x00\x02\x02\x46"sv, Then::end);
  CHECK(old_server.code == ErrorCode::tls_failed);
  CHECK(old_server.detail == "the other end does not speak TLS 1.3");
}

TEST_CASE("tls peer: a goodbye instead of a handshake is a failure") {
  const TlsRig rig;
  LoneEnd client(rig, TlsRole::dialler);
  CHECK(client.failure_after("\x15\x03\x03\x00\x02\x01\x00"sv, Then::end).code ==
        ErrorCode::tls_failed);
}

TEST_CASE("tls peer: both ends must speak tickwire/1, and both learn it when one does not") {
  const TlsRig rig;
  const auto dial = load(rig.dial, TlsRole::dialler);
  const auto listen = load(rig.listen, TlsRole::acceptor);
  const auto raw_dial = load(rig.dial, TlsRole::dialler, TlsPayload::anything);
  const auto raw_listen = load(rig.listen, TlsRole::acceptor, TlsPayload::anything);
  CHECK(TlsPair(*raw_dial, *raw_listen).up());

  TlsPair raw_client(*raw_dial, *listen);
  CHECK(raw_client.acceptor->failure().code == ErrorCode::tls_failed);
  CHECK(raw_client.acceptor->failure().detail.find("no tickwire/1") != std::string::npos);
  CHECK(raw_client.dialler->failure().code == ErrorCode::tls_failed);
  CHECK(raw_client.dialler->failure().detail.find("application protocol") != std::string::npos);

  TlsPair raw_server(*dial, *raw_listen);
  CHECK(raw_server.dialled == IoStatus::failed);
  CHECK(raw_server.dialler->failure().code == ErrorCode::tls_failed);
  CHECK(raw_server.dialler->failure().detail.find("tickwire/1") != std::string::npos);
}

TEST_CASE("tls peer: a handshake with one changed byte never comes up, and never hangs") {
  const TlsRig rig;
  for (unsigned seed = 0; seed < 40; ++seed) {
    INFO("seed ", seed);
    std::mt19937 random(seed);
    const auto dial = load(rig.dial, TlsRole::dialler);
    const auto listen = load(rig.listen, TlsRole::acceptor);
    MemoryStreams wire = make_memory_streams();
    const auto to_left = wire.to_left;
    const auto dialler = dial->wrap(std::move(wire.left), TlsRig::host, "");
    const auto acceptor = listen->wrap(std::move(wire.right), "", "");
    CHECK(dialler->handshake() == IoStatus::blocked);
    CHECK(acceptor->handshake() == IoStatus::blocked);
    auto& bytes = to_left->bytes;
    // Not in a record's header of its old version field, which means nothing.
    const std::size_t at = 11 + random() % (bytes.size() - 11);
    bytes[at] ^= std::byte{0x55};
    to_left->ended = true;
    CHECK(dialler->handshake() == IoStatus::failed);
    CHECK(dialler->failure().code != ErrorCode::none);
    CHECK_FALSE(dialler->failure().detail.empty());
  }
}

}  // namespace
}  // namespace tickwire::test
