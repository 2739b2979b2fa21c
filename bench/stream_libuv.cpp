// SPDX-License-Identifier: MIT
#include "support/frame.hpp"
#include "support/process.hpp"
#include "support/socket.hpp"
#include "support/stream.hpp"
#include "support/uv_stream.hpp"

/// A stream over libuv: one loop on each side, small messages gathered into one buffer for each
/// `uv_write`, reads straight to where frames are taken apart.
namespace {

void send_stream(const bench::StreamOptions& options, std::uint16_t port) {
  bench::UvStream stream(bench::dial_loopback(port));
  bench::FrameBatch batch(options);
  bench::StreamSource source(options);
  const std::function<void()> write_next = [&] {
    if (source.is_finished()) return stream.stop();
    stream.write(batch.fill(source), write_next);
  };
  write_next();
  stream.run();
}

void receive_stream(const bench::StreamOptions& options, bench::Socket socket,
                    bench::StreamSink& sink) {
  bench::UvStream stream(std::move(socket));
  bench::FrameReader reader(options);
  stream.read([&] { return reader.space(); },
              [&](std::size_t bytes) {
                reader.received(bytes, sink);
                if (sink.is_finished()) stream.stop();
              });
  stream.run();
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = bench::read_stream_options(argc, argv, {.peer = "libuv"});
  return bench::run_program(bench::time_limit_seconds(options), [&] {
    const bench::Socket listener = bench::listen_on_loopback();
    bench::Child sender([&] { send_stream(options, bench::port_of(listener)); });
    bench::StreamSink sink;
    receive_stream(options, bench::accept_one(listener), sink);
    sender.join();
    sink.report(options, "none", "a frame of 4 bytes of length and the message, whole in memory");
  });
}
