// SPDX-License-Identifier: MIT
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "support/frame.hpp"
#include "support/process.hpp"
#include "support/socket.hpp"
#include "support/stream.hpp"
#include "support/tls_files.hpp"

/// A stream over OpenSSL alone: blocking sockets, a batch to each SSL_write, which makes records of
/// 16 KiB of it.
namespace {

constexpr std::size_t kReadBufferBytes = 64u << 10;

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using Context = std::unique_ptr<SSL_CTX, FreeContext>;

void demand(bool worked, const char* call) {
  if (worked) return;
  char words[256] = "no reason given";
  if (const auto code = ERR_get_error(); code != 0) ERR_error_string_n(code, words, sizeof words);
  throw std::runtime_error(std::string(call) + ": " + words);
}

/// One TLS connection over a connected socket.
class Tls {
 public:
  Tls(const Context& context, bench::Socket socket)
      : socket_(std::move(socket)), ssl_(SSL_new(context.get())) {
    demand(ssl_ != nullptr && SSL_set_fd(ssl_, socket_.descriptor()) == 1, "SSL_new");
  }
  ~Tls() { SSL_free(ssl_); }
  Tls(const Tls&) = delete;
  Tls& operator=(const Tls&) = delete;
  [[nodiscard]] SSL* get() const noexcept { return ssl_; }

 private:
  bench::Socket socket_;
  SSL* ssl_;
};

void send_stream(const bench::StreamOptions& options, const bench::TlsFiles& files,
                 std::uint16_t port) {
  const Context context(SSL_CTX_new(TLS_client_method()));
  demand(context != nullptr, "SSL_CTX_new");
  demand(SSL_CTX_load_verify_file(context.get(), files.certificate().c_str()) == 1,
         "SSL_CTX_load_verify_file");
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  const Tls tls(context, bench::dial_loopback(port));
  demand(SSL_connect(tls.get()) == 1, "SSL_connect");

  bench::FrameBatch batch(options);
  bench::StreamSource source(options);
  while (!source.is_finished()) {
    const auto frames = batch.fill(source);
    std::size_t written = 0;
    demand(SSL_write_ex(tls.get(), frames.data(), frames.size(), &written) == 1, "SSL_write_ex");
  }
  // Until the other end has it all: closing with something unread would cut the stream.
  std::byte end{};
  std::size_t read = 0;
  demand(SSL_read_ex(tls.get(), &end, 1, &read) == 0, "SSL_read_ex");
}

void receive_stream(const bench::StreamOptions& options, const Tls& tls, bench::StreamSink& sink) {
  demand(SSL_accept(tls.get()) == 1, "SSL_accept");
  bench::FrameReader reader(options);
  while (!sink.is_finished()) {
    const auto space = reader.space();
    std::size_t bytes = 0;
    demand(SSL_read_ex(tls.get(), space.data(), space.size(), &bytes) == 1, "SSL_read_ex");
    reader.received(bytes, sink);
  }
  SSL_shutdown(tls.get());
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = bench::read_stream_options(argc, argv, {.peer = "openssl", .scheme = "tls"});
  return bench::run_program(bench::time_limit_seconds(options), [&] {
    const bench::TlsFiles files;
    const bench::Socket listener = bench::listen_on_loopback();
    bench::Child sender([&] { send_stream(options, files, bench::port_of(listener)); });

    const Context context(SSL_CTX_new(TLS_server_method()));
    demand(context != nullptr, "SSL_CTX_new");
    demand(SSL_CTX_use_certificate_chain_file(context.get(), files.certificate().c_str()) == 1 &&
               SSL_CTX_use_PrivateKey_file(context.get(), files.private_key().c_str(),
                                           SSL_FILETYPE_PEM) == 1,
           "SSL_CTX_use_certificate_chain_file");
    // Several records from each read, as Tickwire does it; without, each record takes two reads.
    SSL_CTX_set_read_ahead(context.get(), 1);
    SSL_CTX_set_default_read_buffer_len(context.get(), kReadBufferBytes);
    bench::StreamSink sink;
    {
      const Tls tls(context, bench::accept_one(listener));
      receive_stream(options, tls, sink);
      if (SSL_get_cipher(tls.get()) != std::string("TLS_AES_128_GCM_SHA256"))
        throw std::runtime_error("The two ends agreed on another cipher suite.");
    }
    sender.join();
    sink.report(options, bench::TlsFiles::encryption,
                "a frame of 4 bytes of length and the message, whole in memory");
  });
}
