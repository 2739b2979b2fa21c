// SPDX-License-Identifier: MIT
#include <nng/nng.h>
#include <nng/protocol/pair1/pair.h>

#include <stdexcept>
#include <utility>
#include <vector>

#include "support/nng_end.hpp"
#include "support/ping.hpp"
#include "support/process.hpp"

/// A message there and back over nng: a pair, whose library's threads read and write the socket,
/// and a callback on one of them that answers with the message's own memory. It can only block.
namespace {

/// With room for the one message that is on its way, so that a callback never waits.
void make_room(bench::NngSocket& socket) {
  socket.queue_for_sending(1);
}

void pong(const std::string& address) {
  bench::NngSocket socket(nng_pair1_open);
  make_room(socket);
  socket.dial(address);
  bench::NngReceiver(socket, [&](bench::NngMessage message) {
    socket.send_now(std::move(message));
    return true;
  }).run();
}

void ping(const bench::PingOptions& options, bench::NngSocket& socket, bench::RoundTrips& trips) {
  std::vector<std::byte> first(options.message_bytes);
  bench::put_stamp(trips.next(), first);
  socket.send(first);
  bench::NngReceiver(socket, [&](bench::NngMessage message) {
    const auto bytes = bench::bytes_of(*message);
    trips.take(bytes);
    if (trips.is_finished()) return false;
    bench::put_stamp(trips.next(), bytes);
    socket.send_now(std::move(message));
    return true;
  }).run();
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = bench::read_ping_options(argc, argv, {.peer = "nng"});
  return bench::run_program(bench::time_limit_seconds(options), [&] {
    if (options.spins()) throw std::runtime_error("nng's own threads read: it can only block.");
    const bench::TextPipe address;
    bench::Child answering([&] {
      bench::pin(options, bench::PingEnd::answers);
      pong(address.receive());
    });

    bench::pin(options, bench::PingEnd::asks);
    bench::RoundTrips trips(options);
    bench::NngSocket socket(nng_pair1_open);
    make_room(socket);
    address.send(socket.listen());
    ping(options, socket, trips);
    answering.end();
    trips.report("nng_recv_aio with a callback, nng_sendmsg inside it, of a pair");
  });
}
