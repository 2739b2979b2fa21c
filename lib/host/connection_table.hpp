// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "lib/host/peer.hpp"

namespace tickwire::detail {

/// The slots of a host's connections. A slot's place and its `Peer` never move; its generation says
/// which of its connections a handle means.
class ConnectionTable {
 public:
  /// `spare` slots come on top of `limit`, for connections that are only told why they are refused.
  ConnectionTable(PeerOwner& owner, std::size_t limit, std::size_t spare) noexcept
      : owner_(owner), limit_(limit), spare_(spare) {}

  [[nodiscard]] bool is_full() const noexcept { return used_ >= limit_; }
  /// An empty slot, or null when the spare ones are in use too.
  [[nodiscard]] Peer* take();
  /// An empty slot in the place of one that has ended: from here on that one counts no more,
  /// though its slot stays in use until it is given back.
  [[nodiscard]] Peer& take_place_of(Peer& ended);
  void give_back(Peer& peer) noexcept;

  [[nodiscard]] Peer& operator[](std::uint32_t slot) noexcept { return *peers_[slot]; }
  /// The peer in a slot that somebody else names, or null.
  [[nodiscard]] Peer* at(std::uint32_t slot) noexcept {
    return slot < peers_.size() && peers_[slot]->is_used() ? peers_[slot].get() : nullptr;
  }
  /// The peer that a handle means, or null.
  [[nodiscard]] Peer* find(std::uint32_t slot, std::uint32_t generation) noexcept {
    if (slot >= peers_.size()) return nullptr;
    Peer& peer = *peers_[slot];
    return peer.generation == generation && peer.is_used() ? &peer : nullptr;
  }

  /// Calls `visit(peer)` for every slot in use.
  template <class F>
  void for_each(F&& visit) {
    for (const auto& peer : peers_) {
      if (peer->is_used()) visit(*peer);
    }
  }

 private:
  [[nodiscard]] Peer& take_slot();

  PeerOwner& owner_;
  std::size_t limit_;
  std::size_t spare_;
  std::size_t used_ = 0;  // places
  std::vector<std::unique_ptr<Peer>> peers_;
  std::vector<std::uint32_t> free_;
};

/// A slot that is being filled: it is given back unless it is kept, also when somebody throws.
class FreshPeer {
 public:
  FreshPeer(ConnectionTable& table, Peer& peer) noexcept : table_(table), peer_(&peer) {}
  ~FreshPeer() {
    if (peer_ != nullptr) table_.give_back(*peer_);
  }
  FreshPeer(const FreshPeer&) = delete;
  FreshPeer& operator=(const FreshPeer&) = delete;

  [[nodiscard]] Peer& operator*() const noexcept { return *peer_; }
  [[nodiscard]] Peer* operator->() const noexcept { return peer_; }
  Peer& keep() noexcept { return *std::exchange(peer_, nullptr); }

 private:
  ConnectionTable& table_;
  Peer* peer_;
};

}  // namespace tickwire::detail
