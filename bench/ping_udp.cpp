// SPDX-License-Identifier: MIT
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <vector>

#include "support/ping.hpp"
#include "support/process.hpp"
#include "support/socket.hpp"

/// A message there and back in a datagram of its own, with the operating system alone: what any
/// library over UDP pays at least. One that is lost is not sent again.
namespace {

bench::Socket udp_socket() {
  bench::Socket made(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (made.descriptor() < 0) bench::throw_system_error("socket");
  const sockaddr_in address = bench::loopback_address(0);
  if (bind(made.descriptor(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    bench::throw_system_error("bind");
  return made;
}

/// A socket that is connected to the other end's, so that the kernel looks up the way once. Waits
/// inside recv, or asks again and again.
class End {
 public:
  End(const bench::PingOptions& options, const bench::Socket& own, const bench::Socket& other)
      : descriptor_(own.descriptor()),
        flags_(options.spins() ? MSG_DONTWAIT : 0),
        received_(options.message_bytes + 1) {
    const sockaddr_in address = bench::loopback_address(bench::port_of(other));
    if (connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      bench::throw_system_error("connect");
  }

  void send(std::span<const std::byte> message) const {
    if (::send(descriptor_, message.data(), message.size(), 0) < 0)
      bench::throw_system_error("send");
  }

  [[nodiscard]] std::span<const std::byte> receive() {
    for (;;) {
      const ssize_t count = recv(descriptor_, received_.data(), received_.size(), flags_);
      if (count >= 0) return std::span(received_).first(static_cast<std::size_t>(count));
      if (errno != EAGAIN && errno != EINTR) bench::throw_system_error("recv");
    }
  }

 private:
  int descriptor_;
  int flags_;
  std::vector<std::byte> received_;
};

}  // namespace

int main(int argc, char** argv) {
  const auto options = bench::read_ping_options(argc, argv, {.peer = "udp", .scheme = "udp"});
  return bench::run_program(bench::time_limit_seconds(options), [&] {
    const bench::Socket here = udp_socket();
    const bench::Socket there = udp_socket();
    bench::Child answering([&] {
      bench::pin(options, bench::PingEnd::answers);
      End end(options, there, here);
      bench::pong(end);
    });

    bench::pin(options, bench::PingEnd::asks);
    bench::RoundTrips trips(options);
    End end(options, here, there);
    bench::ping(end, options, trips);
    answering.end();
    trips.report("a datagram, one send and one recv");
  });
}
