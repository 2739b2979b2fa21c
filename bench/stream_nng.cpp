// SPDX-License-Identifier: MIT
#include <nng/nng.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pipeline0/push.h>
#include <unistd.h>

#include <vector>

#include "support/nng_end.hpp"
#include "support/process.hpp"
#include "support/stream.hpp"

/// A stream over nng: push and pull. The sender has a queue before the library's threads; the
/// receiver takes messages in a callback on one of them.
namespace {

constexpr int kQueuedMessages = 1024;
constexpr std::byte kFiller{0x5a};

/// Sends until the time is up, and then stays: closing would drop what still waits.
[[noreturn]] void send_stream(const bench::StreamOptions& options, const std::string& address) {
  bench::NngSocket socket(nng_push0_open);
  socket.queue_for_sending(kQueuedMessages);
  socket.dial(address);
  bench::StreamSource source(options);
  std::vector<std::byte> message(options.message_bytes, kFiller);
  while (!source.is_finished()) {
    bench::put_stamp(source.next(), message);
    socket.send(message);
  }
  for (;;)
    pause();
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = bench::read_stream_options(argc, argv, {.peer = "nng"});
  return bench::run_program(bench::time_limit_seconds(options), [&] {
    const bench::TextPipe address;
    bench::Child sender([&] { send_stream(options, address.receive()); });
    bench::NngSocket socket(nng_pull0_open);
    address.send(socket.listen());
    bench::StreamSink sink;
    bench::NngReceiver(socket, [&](bench::NngMessage message) {
      sink.take(bench::bytes_of(*message));
      return !sink.is_finished();
    }).run();
    sender.end();
    sink.report(options, "none", "a message of push in, out of a callback of pull");
  });
}
