// SPDX-License-Identifier: MIT
#include <nng/nng.h>
#include <nng/protocol/pair1/pair.h>

#include <stdexcept>

#include "support/nng_end.hpp"
#include "support/ping.hpp"
#include "support/process.hpp"

/// A message there and back over nng: a pair, whose library's threads read and write the socket. It
/// can only block: who spins takes the processor from those threads.
int main(int argc, char** argv) {
  const auto options = bench::read_ping_options(argc, argv, {.peer = "nng"});
  return bench::run_program(bench::time_limit_seconds(options), [&] {
    if (options.spins()) throw std::runtime_error("nng's own threads read: it can only block.");
    const bench::TextPipe address;
    bench::Child answering([&] {
      bench::pin(options, bench::PingEnd::answers);
      bench::NngSocket end(nng_pair1_open);
      end.dial(address.receive());
      bench::pong(end);
    });

    bench::pin(options, bench::PingEnd::asks);
    bench::RoundTrips trips(options);
    bench::NngSocket end(nng_pair1_open);
    address.send(end.listen());
    bench::ping(end, options, trips);
    answering.end();
    trips.report("nng_sendmsg in, nng_recvmsg out, of a pair");
  });
}
