// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>

#include "support/ping.hpp"
#include "support/process.hpp"
#include "support/socket.hpp"

/// A message there and back over TCP with the operating system alone: an epoll loop, frames by
/// hand, a send for each message.
namespace {

class End {
 public:
  End(const bench::PingOptions& options, bench::Socket socket)
      : socket_(std::move(socket)),
        epoll_(epoll_create1(EPOLL_CLOEXEC)),
        incoming_(options),
        outgoing_(options),
        spins_(options.spins()) {
    if (epoll_.descriptor() < 0) bench::throw_system_error("epoll_create1");
    if (fcntl(socket_.descriptor(), F_SETFL, O_NONBLOCK) != 0) bench::throw_system_error("fcntl");
    epoll_event event{};
    event.events = EPOLLIN;
    if (epoll_ctl(epoll_.descriptor(), EPOLL_CTL_ADD, socket_.descriptor(), &event) != 0)
      bench::throw_system_error("epoll_ctl");
  }

  void send(std::span<const std::byte> message) {
    std::ranges::copy(message, outgoing_.message().begin());
    const auto frame = outgoing_.bytes();
    const ssize_t sent = ::send(socket_.descriptor(), frame.data(), frame.size(), MSG_NOSIGNAL);
    // One small message at a time always finds room.
    if (sent != static_cast<ssize_t>(frame.size())) bench::throw_system_error("send");
  }

  [[nodiscard]] std::span<const std::byte> receive() {
    do {
      wait();
    } while (!incoming_.received(read(incoming_.space())));
    return incoming_.message();
  }

 private:
  /// What is there, or 0 bytes where it only seemed that there was something.
  std::size_t read(std::span<std::byte> into) {
    const ssize_t count = recv(socket_.descriptor(), into.data(), into.size(), 0);
    if (count == 0) throw std::runtime_error("The stream ended early.");
    if (count > 0) return static_cast<std::size_t>(count);
    if (errno != EAGAIN) bench::throw_system_error("recv");
    return 0;
  }

  /// Who spins asks the socket itself again and again.
  void wait() {
    if (spins_) return;
    epoll_event event{};
    while (epoll_wait(epoll_.descriptor(), &event, 1, -1) < 0)
      if (errno != EINTR) bench::throw_system_error("epoll_wait");
  }

  bench::Socket socket_;
  bench::Socket epoll_;
  bench::PingFrame incoming_;
  bench::PingFrame outgoing_;
  bool spins_;
};

}  // namespace

int main(int argc, char** argv) {
  const auto options = bench::read_ping_options(argc, argv, {.peer = "epoll"});
  return bench::run_program(bench::time_limit_seconds(options), [&] {
    const bench::Socket listener = bench::listen_on_loopback();
    bench::Child answering([&] {
      bench::pin(options, bench::PingEnd::answers);
      End end(options, bench::dial_loopback(bench::port_of(listener)));
      bench::pong(end);
    });

    bench::pin(options, bench::PingEnd::asks);
    bench::RoundTrips trips(options);
    End end(options, bench::accept_one(listener));
    bench::ping(end, options, trips);
    answering.end();
    trips.report("a frame of 4 bytes of length and the message, one send and one recv");
  });
}
