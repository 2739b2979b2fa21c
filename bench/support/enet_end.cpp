// SPDX-License-Identifier: MIT
#include "enet_end.hpp"

#include <stdexcept>

namespace bench {
namespace {

constexpr std::uint32_t kConnectMilliseconds = 5000;

ENetAddress loopback(std::uint16_t port) {
  ENetAddress address{};
  address.port = port;
  if (enet_address_set_host_ip(&address, "127.0.0.1") != 0)
    throw std::runtime_error("enet_address_set_host_ip failed.");
  return address;
}

ENetHost* make_host(const ENetAddress* bound) {
  if (enet_initialize() != 0) throw std::runtime_error("enet_initialize failed.");
  ENetHost* const host = enet_host_create(bound, 1, 1, 0, 0);
  if (host == nullptr) throw std::runtime_error("enet_host_create failed.");
  return host;
}

}  // namespace

EnetEnd::EnetEnd() {
  const ENetAddress any_port = loopback(0);
  host_.reset(make_host(&any_port));
}

EnetEnd::EnetEnd(std::uint16_t port) : host_(make_host(nullptr)) {
  const ENetAddress address = loopback(port);
  if (enet_host_connect(host_.get(), &address, 1, 0) == nullptr)
    throw std::runtime_error("enet_host_connect failed.");
  wait_connected();
}

std::uint16_t EnetEnd::port() const {
  ENetAddress address{};
  if (enet_socket_get_address(host_->socket, &address) != 0)
    throw std::runtime_error("enet_socket_get_address failed.");
  return address.port;
}

void EnetEnd::wait_connected() {
  ENetEvent event{};
  if (enet_host_service(host_.get(), &event, kConnectMilliseconds) <= 0 ||
      event.type != ENET_EVENT_TYPE_CONNECT)
    throw std::runtime_error("No connection over ENet came up.");
  peer_ = event.peer;
  enet_peer_throttle_configure(peer_, ENET_PEER_PACKET_THROTTLE_INTERVAL,
                               ENET_PEER_PACKET_THROTTLE_SCALE, 0);
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
