// SPDX-License-Identifier: MIT
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "support/relay.hpp"
#include "support/socket.hpp"

/// A relay of voices with the operating system alone: a datagram comes in, one `sendto` for each
/// other member of the room. Nobody is known to be there, and nothing is measured or protected.
namespace {

using bench::Socket;
using Buffer = std::array<std::byte, 2048>;

const sockaddr* general(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

// A client's buffers are those that ENet gives itself, the relay's those that Tickwire gives its.
constexpr int kClientBufferBytes = 256 * 1024;
constexpr int kRelayBufferBytes = 4 * 1024 * 1024;

Socket udp_socket(int buffer_bytes) {
  Socket result(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (result.descriptor() < 0) bench::throw_system_error("socket");
  for (const int which : {SO_RCVBUF, SO_SNDBUF}) {
    if (setsockopt(result.descriptor(), SOL_SOCKET, which, &buffer_bytes, sizeof buffer_bytes) != 0)
      bench::throw_system_error("setsockopt");
  }
  return result;
}

// What the system has no room for is lost, as on a network.
void expect_sent(ssize_t result) {
  if (result < 0 && errno != EAGAIN && errno != ENOBUFS) bench::throw_system_error("send");
}

/// Takes what is there: `take(packet, sender)`.
template <class Take>
void receive_all(const Socket& socket, Take take) {
  for (;;) {
    Buffer buffer;
    sockaddr_in from{};
    socklen_t size = sizeof from;
    const ssize_t got = recvfrom(socket.descriptor(), buffer.data(), buffer.size(), 0,
                                 reinterpret_cast<sockaddr*>(&from), &size);
    if (got < 0 && errno == EAGAIN) return;
    if (got < 0) bench::throw_system_error("recvfrom");
    take(bench::Packet(buffer.data(), static_cast<std::size_t>(got)), from);
  }
}

class Relay {
 public:
  Relay(const bench::RelayOptions& options, bench::RelayMeter& meter, const Socket& socket)
      : options_(options), meter_(meter), socket_(socket), rooms_(options.clients / options.room) {}

  void pass_on(bench::Packet packet, const sockaddr_in& from) {
    const Room* const room = room_of(packet, from);
    if (room == nullptr) return;
    for (const sockaddr_in& member : *room) {
      if (member.sin_port == from.sin_port) continue;
      expect_sent(sendto(socket_.descriptor(), packet.data(), packet.size(), 0, general(member),
                         sizeof member));
      meter_.forwarded(1);
    }
  }

 private:
  using Room = std::vector<sockaddr_in>;

  // A client's first packet says who it is; all have one address.
  const Room* room_of(bench::Packet packet, const sockaddr_in& from) {
    if (const auto known = clients_.find(from.sin_port); known != clients_.end())
      return known->second;
    const auto talker = bench::talker_of(packet, options_);
    if (!talker) return nullptr;
    Room& room = rooms_[*talker / options_.room];
    room.push_back(from);
    clients_.emplace(from.sin_port, &room);
    return &room;
  }

  const bench::RelayOptions& options_;
  bench::RelayMeter& meter_;
  const Socket& socket_;
  std::vector<Room> rooms_;
  std::unordered_map<std::uint16_t, const Room*> clients_;
};

void relay(const bench::RelayOptions& options, const bench::TextPipe& address,
           const bench::TextPipe& done, bench::RelayMeter& meter) {
  const Socket socket = udp_socket(kRelayBufferBytes);
  const sockaddr_in any_port = bench::loopback_address(0);
  if (bind(socket.descriptor(), general(any_port), sizeof any_port) != 0)
    bench::throw_system_error("bind");
  Relay relay(options, meter, socket);
  address.send(std::to_string(bench::port_of(socket)));
  while (!done.has_text()) {
    pollfd entry{socket.descriptor(), POLLIN, 0};
    poll(&entry, 1, 20);
    receive_all(socket, [&](bench::Packet packet, const sockaddr_in& from) {
      relay.pass_on(packet, from);
    });
    meter.look();
  }
}

/// A socket for each client, all in one epoll.
class Clients {
 public:
  Clients(std::size_t count, std::uint16_t port) : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_.descriptor() < 0) bench::throw_system_error("epoll_create1");
    const sockaddr_in relay = bench::loopback_address(port);
    for (std::size_t i = 0; i < count; ++i) {
      sockets_.push_back(udp_socket(kClientBufferBytes));
      const int descriptor = sockets_.back().descriptor();
      if (connect(descriptor, general(relay), sizeof relay) != 0)
        bench::throw_system_error("connect");
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.u64 = i;
      if (epoll_ctl(epoll_.descriptor(), EPOLL_CTL_ADD, descriptor, &event) != 0)
        bench::throw_system_error("epoll_ctl");
    }
  }

  void send(std::size_t client, bench::Packet packet) {
    expect_sent(::send(sockets_[client].descriptor(), packet.data(), packet.size(), 0));
  }

  /// What has come until the next tick.
  void hear(bench::Talkers& talkers) {
    ticks_.wait();
    std::array<epoll_event, 256> ready;
    const int count = epoll_wait(epoll_.descriptor(), ready.data(), ready.size(), 0);
    for (int i = 0; i < count; ++i) {
      const std::size_t client = ready[static_cast<std::size_t>(i)].data.u64;
      receive_all(sockets_[client],
                  [&](bench::Packet packet, const sockaddr_in&) { talkers.hear(client, packet); });
    }
  }

 private:
  Socket epoll_;
  bench::RelayTicks ticks_{bench::kClientTickMs};
  std::vector<Socket> sockets_;
};

void load(const bench::RelayOptions& options, const std::string& port,
          const bench::TextPipe& done) {
  Clients clients(options.clients, static_cast<std::uint16_t>(std::stoi(port)));
  bench::Talkers talkers(options);
  while (!talkers.is_over()) {
    talkers.talk([&](std::size_t client, bench::Packet packet) { clients.send(client, packet); });
    clients.hear(talkers);
  }
  done.send(talkers.summary());
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = bench::read_relay_options(argc, argv, "udp");
  return bench::run_relay(options, {.relay = relay, .clients = load});
}
