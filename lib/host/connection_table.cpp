// SPDX-License-Identifier: MIT
#include "lib/host/connection_table.hpp"

namespace tickwire::detail {

Peer* ConnectionTable::take() {
  if (used_ >= limit_ + spare_) return nullptr;
  Peer& peer = take_slot();
  ++used_;
  return &peer;
}

Peer& ConnectionTable::take_place_of(Peer& ended) {
  Peer& peer = take_slot();
  ended.has_place = false;
  return peer;
}

Peer& ConnectionTable::take_slot() {
  if (free_.empty()) {
    free_.reserve(peers_.size() + 1);
    peers_.push_back(std::make_unique<Peer>(owner_, static_cast<std::uint32_t>(peers_.size())));
    free_.push_back(peers_.back()->slot());
  }
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  return *peers_[slot];
}

void ConnectionTable::give_back(Peer& peer) noexcept {
  if (peer.has_place) --used_;
  peer.reset();
  // A slot whose numbers are used up stays empty: no handle may ever mean two connections.
  if (peer.generation != 0) free_.push_back(peer.slot());
}

}  // namespace tickwire::detail
