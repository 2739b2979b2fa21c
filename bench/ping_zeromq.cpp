// SPDX-License-Identifier: MIT
#include <zmq.h>

#include <stdexcept>

#include "support/ping.hpp"
#include "support/process.hpp"
#include "support/zmq_socket.hpp"

/// A message there and back over ZeroMQ: a PAIR on each side, whose own thread reads and writes the
/// socket. It can only block: who spins takes the processor from that thread.
namespace {

class End {
 public:
  explicit End(bench::ZmqSocket& socket) : socket_(socket) {}

  void send(std::span<const std::byte> message) const {
    bench::demand_zmq(zmq_send(socket_.get(), message.data(), message.size(), 0) >= 0, "zmq_send");
  }
  [[nodiscard]] std::span<const std::byte> receive() {
    const int size = zmq_msg_recv(received_.get(), socket_.get(), 0);
    bench::demand_zmq(size >= 0, "zmq_msg_recv");
    return {static_cast<const std::byte*>(zmq_msg_data(received_.get())),
            static_cast<std::size_t>(size)};
  }

 private:
  bench::ZmqSocket& socket_;
  bench::ZmqMessage received_;
};

}  // namespace

int main(int argc, char** argv) {
  const auto options = bench::read_ping_options(argc, argv, {.peer = "zeromq"});
  return bench::run_program(bench::time_limit_seconds(options), [&] {
    if (options.spins()) throw std::runtime_error("ZeroMQ's own thread reads: it can only block.");
    const bench::TextPipe address;
    bench::Child answering([&] {
      bench::pin(options, bench::PingEnd::answers);
      bench::ZmqSocket socket(ZMQ_PAIR);
      socket.connect(address.receive());
      End end(socket);
      bench::pong(end);
    });

    bench::pin(options, bench::PingEnd::asks);
    bench::RoundTrips trips(options);
    bench::ZmqSocket socket(ZMQ_PAIR);
    address.send(socket.bind());
    End end(socket);
    bench::ping(end, options, trips);
    answering.end();
    trips.report("zmq_send in, zmq_msg_recv out, of a PAIR");
  });
}
