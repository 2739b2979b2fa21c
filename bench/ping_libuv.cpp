// SPDX-License-Identifier: MIT
#include "support/ping.hpp"
#include "support/process.hpp"
#include "support/socket.hpp"
#include "support/uv_stream.hpp"

/// A message there and back over libuv: a read callback that answers with `uv_try_write`, which
/// needs no request and no further turn of the loop.
namespace {

void pong(const bench::PingOptions& options, std::uint16_t port) {
  bench::UvStream stream(bench::dial_loopback(port));
  bench::PingFrame frame(options);
  stream.read([&] { return frame.space(); },
              [&](std::size_t bytes) {
                if (frame.received(bytes)) stream.write_now(frame.bytes());
              });
  stream.run(options.spins());
}

void ping(const bench::PingOptions& options, bench::Socket socket, bench::RoundTrips& trips) {
  bench::UvStream stream(std::move(socket));
  bench::PingFrame frame(options);
  const auto ask = [&] {
    bench::put_stamp(trips.next(), frame.message());
    stream.write_now(frame.bytes());
  };
  stream.read([&] { return frame.space(); },
              [&](std::size_t bytes) {
                if (!frame.received(bytes)) return;
                trips.take(frame.message());
                if (trips.is_finished()) return stream.stop();
                ask();
              });
  ask();
  stream.run(options.spins());
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = bench::read_ping_options(argc, argv, {.peer = "libuv"});
  return bench::run_program(bench::time_limit_seconds(options), [&] {
    const bench::Socket listener = bench::listen_on_loopback();
    bench::Child answering([&] {
      bench::pin(options, bench::PingEnd::answers);
      pong(options, bench::port_of(listener));
    });

    bench::pin(options, bench::PingEnd::asks);
    bench::RoundTrips trips(options);
    ping(options, bench::accept_one(listener), trips);
    answering.end();
    trips.report("a frame of 4 bytes of length and the message, a read callback and uv_try_write");
  });
}
