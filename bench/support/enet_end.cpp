// SPDX-License-Identifier: MIT
#include "enet_end.hpp"

#include <stdexcept>

namespace bench {
namespace {

constexpr std::uint32_t kConnectMilliseconds = 5000;

// ENet has no call for it; a peer takes its host's when it is reset.
void set_mtu(ENetHost& host, std::uint32_t bytes) {
  if (bytes == 0) return;
  host.mtu = bytes;
  for (ENetPeer& peer : std::span(host.peers, host.peerCount))
    peer.mtu = bytes;
}

}  // namespace

ENetAddress enet_loopback(std::uint16_t port) {
  ENetAddress address{};
  address.port = port;
  if (enet_address_set_host_ip(&address, "127.0.0.1") != 0)
    throw std::runtime_error("enet_address_set_host_ip failed.");
  return address;
}

EnetHost make_enet_host(const ENetAddress* bound, std::size_t peers) {
  static const int started = enet_initialize();
  if (started != 0) throw std::runtime_error("enet_initialize failed.");
  EnetHost host(enet_host_create(bound, peers, 1, 0, 0));
  if (!host) throw std::runtime_error("enet_host_create failed.");
  return host;
}

std::uint16_t port_of(const ENetHost& host) {
  ENetAddress address{};
  if (enet_socket_get_address(host.socket, &address) != 0)
    throw std::runtime_error("enet_socket_get_address failed.");
  return address.port;
}

void widen_buffers(ENetHost& host) {
  constexpr int kBytes = 4 * 1024 * 1024;
  enet_socket_set_option(host.socket, ENET_SOCKOPT_RCVBUF, kBytes);
  enet_socket_set_option(host.socket, ENET_SOCKOPT_SNDBUF, kBytes);
}

void pin_throttle(ENetPeer& peer) {
  enet_peer_throttle_configure(&peer, ENET_PEER_PACKET_THROTTLE_INTERVAL,
                               ENET_PEER_PACKET_THROTTLE_SCALE, 0);
}

EnetEnd::EnetEnd(Listen, std::uint32_t mtu_bytes) {
  const ENetAddress any_port = enet_loopback(0);
  host_ = make_enet_host(&any_port, 1);
  set_mtu(*host_, mtu_bytes);
}

EnetEnd::EnetEnd(std::uint16_t port, std::uint32_t mtu_bytes) : host_(make_enet_host(nullptr, 1)) {
  set_mtu(*host_, mtu_bytes);
  const ENetAddress address = enet_loopback(port);
  if (enet_host_connect(host_.get(), &address, 1, 0) == nullptr)
    throw std::runtime_error("enet_host_connect failed.");
  wait_connected();
}

void EnetEnd::wait_connected() {
  ENetEvent event{};
  if (enet_host_service(host_.get(), &event, kConnectMilliseconds) <= 0 ||
      event.type != ENET_EVENT_TYPE_CONNECT)
    throw std::runtime_error("No connection over ENet came up.");
  peer_ = event.peer;
  pin_throttle(*peer_);
}

void EnetEnd::send(ENetPacket* packet) {
  if (enet_peer_send(peer_, 0, packet) != 0) throw std::runtime_error("enet_peer_send failed.");
}

EnetPacket EnetEnd::service(std::uint32_t milliseconds) {
  ENetEvent event{};
  const int found = enet_host_service(host_.get(), &event, milliseconds);
  if (found < 0) throw std::runtime_error("enet_host_service failed.");
  if (event.type == ENET_EVENT_TYPE_DISCONNECT)
    throw std::runtime_error("The connection over ENet ended.");
  return EnetPacket(event.type == ENET_EVENT_TYPE_RECEIVE ? event.packet : nullptr);
}

void EnetEnd::wait_readable() {
  enet_uint32 condition = ENET_SOCKET_WAIT_RECEIVE;
  enet_socket_wait(host_->socket, &condition, 1);
}

}  // namespace bench
