// SPDX-License-Identifier: MIT
#include <enet/enet.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/enet_end.hpp"
#include "support/relay.hpp"
#include "support/socket.hpp"

/// A relay of voices with ENet alone: one packet goes to all others of a room, unreliably.
namespace {

/// Makes the host work, and waits at most so long for the first event.
template <class TakePacket>
void pass(ENetHost& host, enet_uint32 wait_ms, TakePacket take) {
  ENetEvent event{};
  for (; enet_host_service(&host, &event, wait_ms) > 0; wait_ms = 0) {
    if (event.type == ENET_EVENT_TYPE_DISCONNECT) throw std::runtime_error("A peer is gone.");
    if (event.type == ENET_EVENT_TYPE_CONNECT) bench::pin_throttle(*event.peer);
    if (event.type != ENET_EVENT_TYPE_RECEIVE) continue;
    take(*event.peer, *event.packet);
    if (event.packet->referenceCount == 0) enet_packet_destroy(event.packet);
  }
}

class Relay {
 public:
  Relay(const bench::RelayOptions& options, bench::RelayMeter& meter)
      : options_(options), meter_(meter), rooms_(options.clients / options.room) {}

  // As it came, so that nothing is copied.
  void pass_on(ENetPeer& from, ENetPacket& packet) {
    const auto talker = bench::talker_of(bench::bytes_of(packet), options_);
    if (!talker) return;
    auto& room = rooms_[*talker / options_.room];
    if (from.data == nullptr) {  // a client's first packet says who it is
      from.data = &room;
      room.push_back(&from);
    }
    packet.flags = 0;
    for (ENetPeer* member : room) {
      if (member != &from && enet_peer_send(member, 0, &packet) == 0) meter_.forwarded(1);
    }
  }

 private:
  const bench::RelayOptions& options_;
  bench::RelayMeter& meter_;
  std::vector<std::vector<ENetPeer*>> rooms_;
};

void relay(const bench::RelayOptions& options, const bench::TextPipe& address,
           const bench::TextPipe& done, bench::RelayMeter& meter) {
  const ENetAddress any_port = bench::enet_loopback(0);
  const bench::EnetHost host = bench::make_enet_host(&any_port, options.clients);
  bench::widen_buffers(*host);
  Relay relay(options, meter);
  address.send(std::to_string(bench::port_of(*host)));
  bench::RelayTicks ticks(options.tick_ms);
  while (!done.has_text()) {
    pass(*host, ticks.wait() ? 0 : 20,
         [&](ENetPeer& from, ENetPacket& packet) { relay.pass_on(from, packet); });
    enet_host_flush(host.get());
    meter.look();
  }
}

/// A host for each client, as each would be a program of its own, with their sockets in one epoll.
class Clients {
 public:
  Clients(std::size_t count, std::uint16_t port) : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_.descriptor() < 0) bench::throw_system_error("epoll_create1");
    for (std::size_t i = 0; i < count; ++i)
      dial(port);
    const auto is_up = [](const Client& client) {
      return client.peer->state == ENET_PEER_STATE_CONNECTED;
    };
    while (!std::ranges::all_of(clients_, is_up))
      turn_all([](std::size_t, bench::Packet) {});
  }

  void send(std::size_t client, bench::Packet bytes) {
    ENetPacket* const packet = enet_packet_create(bytes.data(), bytes.size(), 0);
    if (packet == nullptr || enet_peer_send(clients_[client].peer, 0, packet) != 0)
      throw std::runtime_error("ENet did not take a packet.");
    unflushed_.push_back(client);
  }

  /// What one client has said meanwhile shares a datagram.
  void flush() {
    for (const std::size_t client : unflushed_)
      enet_host_flush(clients_[client].host.get());
    unflushed_.clear();
  }

  /// What has come until the next tick: `hear(client, packet)`.
  template <class Hear>
  void wait(Hear hear) {
    ticks_.wait();
    std::array<epoll_event, 256> ready;
    const int count = epoll_wait(epoll_.descriptor(), ready.data(), ready.size(), 0);
    for (int i = 0; i < count; ++i)
      turn(ready[static_cast<std::size_t>(i)].data.u64, hear);
    // ENet's own pings and timers want to be called, too.
    if (const auto now = std::chrono::steady_clock::now(); now >= next_turn_) {
      next_turn_ = now + std::chrono::milliseconds(100);
      turn_all(hear);
    }
  }

 private:
  struct Client {
    bench::EnetHost host;
    ENetPeer* peer = nullptr;
  };

  void dial(std::uint16_t port) {
    Client& client = clients_.emplace_back(Client{bench::make_enet_host(nullptr, 1), nullptr});
    const ENetAddress address = bench::enet_loopback(port);
    client.peer = enet_host_connect(client.host.get(), &address, 1, 0);
    if (client.peer == nullptr) throw std::runtime_error("enet_host_connect failed.");
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = clients_.size() - 1;
    if (epoll_ctl(epoll_.descriptor(), EPOLL_CTL_ADD, client.host->socket, &event) != 0)
      bench::throw_system_error("epoll_ctl");
  }

  template <class Hear>
  void turn(std::size_t client, Hear& hear) {
    pass(*clients_[client].host, 0,
         [&](ENetPeer&, ENetPacket& packet) { hear(client, bench::bytes_of(packet)); });
  }
  template <class Hear>
  void turn_all(Hear hear) {
    for (std::size_t i = 0; i < clients_.size(); ++i)
      turn(i, hear);
  }

  bench::Socket epoll_;
  bench::RelayTicks ticks_{bench::kClientTickMs};
  std::vector<Client> clients_;
  std::vector<std::size_t> unflushed_;
  std::chrono::steady_clock::time_point next_turn_;
};

void load(const bench::RelayOptions& options, const std::string& port,
          const bench::TextPipe& done) {
  Clients clients(options.clients, static_cast<std::uint16_t>(std::stoi(port)));
  bench::Talkers talkers(options);
  const auto hear = [&](std::size_t client, bench::Packet packet) { talkers.hear(client, packet); };
  while (!talkers.is_over()) {
    talkers.talk([&](std::size_t client, bench::Packet packet) { clients.send(client, packet); });
    clients.flush();
    clients.wait(hear);
  }
  done.send(talkers.summary());
  for (;;)  // the relay ends first, and this process with it
    clients.wait([](std::size_t, bench::Packet) {});
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = bench::read_relay_options(argc, argv, "enet");
  return bench::run_relay(options, {.relay = relay, .clients = load});
}
