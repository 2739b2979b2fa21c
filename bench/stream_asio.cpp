// SPDX-License-Identifier: MIT
#include <algorithm>
#include <asio.hpp>
#include <asio/ssl.hpp>
#include <optional>
#include <stdexcept>

#include "support/frame.hpp"
#include "support/process.hpp"
#include "support/stream.hpp"
#include "support/tls_files.hpp"

/// A stream over Asio, plain or with its TLS: one thread and one `io_context` on each side, small
/// messages gathered into one buffer for each `async_write`, reads as large as they come.
namespace {

using asio::ip::tcp;
using TlsStream = asio::ssl::stream<tcp::socket>;

/// Writes batch after batch; then waits for the other end to close.
template <class Stream>
class Sender {
 public:
  Sender(const bench::StreamOptions& options, Stream& stream)
      : stream_(stream), batch_(options), source_(options), write_bytes_(options.write_bytes) {}

  void write_next() {
    if (source_.is_finished()) return wait_for_end();
    const auto frames = batch_.fill(source_);
    const auto some = [this, size = frames.size()](const asio::error_code& error,
                                                   std::size_t written) {
      return error ? 0 : std::min(size - written, write_bytes_);
    };
    asio::async_write(stream_, asio::buffer(frames.data(), frames.size()), some,
                      [this](const asio::error_code& error, std::size_t) {
                        if (error) throw asio::system_error(error);
                        write_next();
                      });
  }

 private:
  void wait_for_end() {
    stream_.async_read_some(asio::buffer(&end_, 1), [](const asio::error_code&, std::size_t) {});
  }

  Stream& stream_;
  bench::FrameBatch batch_;
  bench::StreamSource source_;
  std::size_t write_bytes_;
  std::byte end_{};
};

/// Reads until the last message.
template <class Stream>
class Receiver {
 public:
  Receiver(const bench::StreamOptions& options, Stream& stream, bench::StreamSink& sink)
      : stream_(stream), reader_(options), sink_(sink) {}

  void read_next() {
    const auto space = reader_.space();
    stream_.async_read_some(asio::buffer(space.data(), space.size()),
                            [this](const asio::error_code& error, std::size_t bytes) {
                              if (error) throw asio::system_error(error);
                              reader_.received(bytes, sink_);
                              if (!sink_.is_finished()) read_next();
                            });
  }

 private:
  Stream& stream_;
  bench::FrameReader reader_;
  bench::StreamSink& sink_;
};

tcp::endpoint loopback(std::uint16_t port) {
  return {asio::ip::address_v4::loopback(), port};
}

void send_stream(const bench::StreamOptions& options, const bench::TlsFiles* files,
                 std::uint16_t port) {
  asio::io_context io(ASIO_CONCURRENCY_HINT_UNSAFE);
  tcp::socket socket(io);
  socket.connect(loopback(port));
  socket.set_option(tcp::no_delay(true));
  if (files == nullptr) {
    Sender sender(options, socket);
    sender.write_next();
    io.run();
    return;
  }
  asio::ssl::context context(asio::ssl::context::tls_client);
  context.load_verify_file(files->certificate());
  context.set_verify_mode(asio::ssl::verify_peer);
  TlsStream stream(std::move(socket), context);
  stream.handshake(TlsStream::client);
  Sender sender(options, stream);
  sender.write_next();
  io.run();
}

void receive_stream(const bench::StreamOptions& options, const bench::TlsFiles* files,
                    asio::io_context& io, tcp::socket socket, bench::StreamSink& sink) {
  if (files == nullptr) {
    Receiver receiver(options, socket, sink);
    receiver.read_next();
    io.run();
    return;
  }
  asio::ssl::context context(asio::ssl::context::tls_server);
  context.use_certificate_chain_file(files->certificate());
  context.use_private_key_file(files->private_key(), asio::ssl::context::pem);
  TlsStream stream(std::move(socket), context);
  stream.handshake(TlsStream::server);
  Receiver receiver(options, stream, sink);
  receiver.read_next();
  io.run();
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = bench::read_stream_options(argc, argv, {.peer = "asio"});
  return bench::run_program(bench::time_limit_seconds(options), [&] {
    std::optional<bench::TlsFiles> made;
    if (options.scheme == "tls") made.emplace();
    const bench::TlsFiles* const files = made ? &*made : nullptr;
    asio::io_context io(ASIO_CONCURRENCY_HINT_UNSAFE);
    tcp::acceptor acceptor(io, loopback(0));
    const std::uint16_t port = acceptor.local_endpoint().port();
    bench::Child sender([&] { send_stream(options, files, port); });

    tcp::socket socket = acceptor.accept();
    socket.set_option(tcp::no_delay(true));
    bench::StreamSink sink;
    receive_stream(options, files, io, std::move(socket), sink);
    sender.join();
    sink.report(options, files == nullptr ? "none" : bench::TlsFiles::encryption,
                "a frame of 4 bytes of length and the message, whole in memory");
  });
}
