// SPDX-License-Identifier: MIT
#include <enet/enet.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/enet_end.hpp"
#include "support/relay.hpp"

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
  bench::RelayTicks ticks(options);
  while (!done.has_text()) {
    pass(*host, ticks.wait() ? 0 : 20,
         [&](ENetPeer& from, ENetPacket& packet) { relay.pass_on(from, packet); });
    enet_host_flush(host.get());
    meter.look();
  }
}

std::vector<ENetPeer*> dial_all(ENetHost& host, std::size_t count, std::uint16_t port) {
  const ENetAddress address = bench::enet_loopback(port);
  std::vector<ENetPeer*> clients;
  for (std::size_t i = 0; i < count; ++i) {
    ENetPeer* const peer = enet_host_connect(&host, &address, 1, 0);
    if (peer == nullptr) throw std::runtime_error("ENet has no peer left.");
    clients.push_back(peer);
  }
  const auto is_up = [](const ENetPeer* peer) { return peer->state == ENET_PEER_STATE_CONNECTED; };
  while (!std::ranges::all_of(clients, is_up))
    pass(host, 10, [](ENetPeer&, ENetPacket&) {});
  return clients;
}

void load(const bench::RelayOptions& options, const std::string& port,
          const bench::TextPipe& done) {
  const bench::EnetHost host = bench::make_enet_host(nullptr, options.clients);
  bench::widen_buffers(*host);
  const auto clients =
      dial_all(*host, options.clients, static_cast<std::uint16_t>(std::stoi(port)));
  bench::Talkers talkers(options);
  while (!talkers.is_over()) {
    talkers.talk([&](std::size_t client, bench::Packet bytes) {
      ENetPacket* const packet = enet_packet_create(bytes.data(), bytes.size(), 0);
      if (packet == nullptr || enet_peer_send(clients[client], 0, packet) != 0)
        throw std::runtime_error("ENet did not take a packet.");
    });
    pass(*host, 1, [&](ENetPeer& from, ENetPacket& packet) {
      // Its peers lie in one array, of which all are used.
      talkers.hear(static_cast<std::size_t>(&from - clients.front()), bench::bytes_of(packet));
    });
  }
  done.send(talkers.summary());
  for (;;)  // the relay ends first, and this process with it
    pass(*host, 100, [](ENetPeer&, ENetPacket&) {});
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = bench::read_relay_options(argc, argv, "enet");
  return bench::run_relay(options, {.relay = relay, .clients = load});
}
