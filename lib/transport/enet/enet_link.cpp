// SPDX-License-Identifier: MIT
#include "lib/transport/enet/enet_link.hpp"

#include <cassert>
#include <utility>

#include "lib/transport/enet/enet_endpoint.hpp"

namespace tickwire::detail {

EnetLink::~EnetLink() {
  if (endpoint_ != nullptr) endpoint_->cut(slot_);
}

Address EnetLink::peer() const {
  return enet_address(peer_);
}

std::size_t EnetLink::capacity_bytes(Lane lane) const noexcept {
  return endpoint_ == nullptr ? 0 : endpoint_->capacity_bytes(slot_, lane);
}

void EnetLink::send(Packet packet, Lane lane, std::uint8_t channel) {
  if (endpoint_ == nullptr || traits_.max_packet_bytes == 0) return;
  // Above it ENet would send fragments, which no peer of ours takes.
  const std::size_t most =
      lane == Lane::datagram ? traits_.max_datagram_bytes : traits_.max_packet_bytes;
  // A session's packets are never empty, and the other end takes no reliable one that is.
  assert(packet.size() != 0 && packet.size() <= most);
  if (packet.size() == 0 || packet.size() > most) return;
  endpoint_->send(slot_, std::move(packet), lane, channel);
}

void EnetLink::set_handler(LinkHandler& handler) {
  if (endpoint_ != nullptr) endpoint_->slots_[slot_].handler = &handler;
}

void EnetLink::close() {
  if (endpoint_ != nullptr) std::exchange(endpoint_, nullptr)->close(slot_);
}

}  // namespace tickwire::detail
