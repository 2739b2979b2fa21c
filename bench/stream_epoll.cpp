// SPDX-License-Identifier: MIT
#include "support/frame.hpp"
#include "support/process.hpp"
#include "support/socket.hpp"
#include "support/stream.hpp"

/// A stream over the operating system alone: non-blocking sockets, epoll, frames by hand. With
/// `--batch 1` it makes one system call for each message.
namespace {

void send_stream(const bench::StreamOptions& options, std::uint16_t port) {
  bench::EpollStream stream(bench::dial_loopback(port));
  bench::FrameBatch batch(options);
  bench::StreamSource source(options);
  while (!source.is_finished()) {
    stream.write_all(batch.fill(source));
  }
}

void receive_stream(const bench::StreamOptions& options, bench::Socket socket,
                    bench::StreamSink& sink) {
  bench::EpollStream stream(std::move(socket));
  bench::FrameReader reader(options);
  while (!sink.is_finished()) {
    const std::size_t bytes = stream.read(reader.space());
    if (bytes == 0) throw std::runtime_error("The stream ended early.");
    reader.received(bytes, sink);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = bench::read_stream_options(argc, argv, {.peer = "epoll"});
  return bench::run_program(bench::time_limit_seconds(options), [&] {
    const bench::Socket listener = bench::listen_on_loopback();
    bench::Child sender([&] { send_stream(options, bench::port_of(listener)); });
    bench::StreamSink sink;
    receive_stream(options, bench::accept_one(listener), sink);
    sender.join();
    sink.report(options, "none", "a frame of 4 bytes of length and the message, whole in memory");
  });
}
