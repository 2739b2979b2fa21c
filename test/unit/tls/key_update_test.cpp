// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "test/unit/tls/tls_rig.hpp"

namespace tickwire::test {
namespace {

using namespace detail;

struct Free {
  void operator()(SSL_CTX* object) const noexcept { SSL_CTX_free(object); }
  void operator()(SSL* object) const noexcept { SSL_free(object); }
};

/// A client of bare OpenSSL that does what our own never does.
class StrangeClient {
 public:
  explicit StrangeClient(ByteStream& wire)
      : context_(SSL_CTX_new(TLS_client_method())), ssl_(SSL_new(context_.get())), wire_(wire) {
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(in_, -1);
    SSL_set_bio(ssl_.get(), in_, out_);
    SSL_set_connect_state(ssl_.get());
  }
  ~StrangeClient() { ERR_clear_error(); }

  SSL& ssl() { return *ssl_; }

  /// Bytes from the wire to OpenSSL and back.
  void exchange() {
    const std::string in = receive(wire_);
    if (!in.empty()) BIO_write(in_, in.data(), static_cast<int>(in.size()));
    if (SSL_is_init_finished(ssl_.get()) == 0) static_cast<void>(SSL_do_handshake(ssl_.get()));
    flush();
  }
  void flush() {
    std::array<char, 4096> buffer{};
    for (int size = 0; (size = BIO_read(out_, buffer.data(), 4096)) > 0;)
      REQUIRE(send(wire_, std::string_view(buffer.data(), static_cast<std::size_t>(size))));
  }

 private:
  std::unique_ptr<SSL_CTX, Free> context_;
  std::unique_ptr<SSL, Free> ssl_;
  ByteStream& wire_;
  BIO* in_ = nullptr;
  BIO* out_ = nullptr;
};

struct Visit {
  Visit()
      : wire(make_memory_streams()),
        session(load(rig.listen, TlsRole::acceptor, TlsPayload::anything)
                    ->wrap(std::move(wire.left), "", "")),
        client(*wire.right) {
    wire.to_left->capacity_bytes = MemoryPipe::no_limit;
    for (int round = 0; round < 10 && session->handshake() != IoStatus::done; ++round)
      client.exchange();
    client.exchange();
    REQUIRE(session->handshake() == IoStatus::done);
  }

  void change_keys(int times, int kind) {
    for (int i = 0; i < times; ++i) {
      REQUIRE(SSL_key_update(&client.ssl(), kind) == 1);
      REQUIRE(SSL_do_handshake(&client.ssl()) == 1);
    }
  }

  TlsRig rig;
  MemoryStreams wire;
  std::unique_ptr<ByteStream> session;
  StrangeClient client;
};

TEST_CASE("tls keys: a peer may change its keys between messages, and ask for ours") {
  Visit visit;
  for (int i = 0; i < 5; ++i) {
    visit.change_keys(1, SSL_KEY_UPDATE_REQUESTED);
    REQUIRE(SSL_write(&visit.client.ssl(), "hello", 5) == 5);
    visit.client.flush();
    CHECK(receive(*visit.session) == "hello");
    REQUIRE(send(*visit.session, "welcome"));
    visit.client.exchange();
    std::array<char, 20> buffer{};
    CHECK(SSL_read(&visit.client.ssl(), buffer.data(), 20) == 7);
  }
}

TEST_CASE("tls keys: a flood of new keys takes many reads, each bounded") {
  Visit visit;
  visit.change_keys(20'000, SSL_KEY_UPDATE_NOT_REQUESTED);
  REQUIRE(SSL_write(&visit.client.ssl(), "at last", 7) == 7);
  visit.client.flush();
  int reads = 0;
  std::array<std::byte, 100> buffer{};
  IoResult result{IoStatus::blocked, 0};
  while (result.status == IoStatus::blocked && reads < 1000) {
    const std::size_t before = visit.wire.to_left->bytes.size();
    result = visit.session->read(buffer, {});
    ++reads;
    CHECK(before - visit.wire.to_left->bytes.size() <= 256u << 10);
    if (result.status == IoStatus::blocked) CHECK(visit.session->has_buffered_input());
  }
  CHECK(result.bytes == 7);
  CHECK(reads > 1);
}

TEST_CASE("tls keys: what other code left in OpenSSL's error queue does no harm") {
  Visit visit;
  ERR_raise(ERR_LIB_SSL, SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE);
  std::array<std::byte, 100> buffer{};
  CHECK(visit.session->read(buffer, {}).status == IoStatus::blocked);
  CHECK(ERR_peek_error() == 0);
  visit.wire.cut();
  CHECK(visit.session->read(buffer, {}).status == IoStatus::failed);
  CHECK(ERR_peek_error() == 0);
  TlsConfig unusable;
  unusable.ca_file = visit.rig.server.private_key_file;
  CHECK_FALSE(make_tls_context(unusable, TlsRole::dialler, TlsPayload::anything));
  CHECK(ERR_peek_error() == 0);
}

}  // namespace
}  // namespace tickwire::test
