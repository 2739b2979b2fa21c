// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <tickwire/clock.hpp>

#include "lib/host/connection_table.hpp"

namespace tickwire::detail {

/// Finds, while connections wait for reassembly memory, those that hold some of it and do not go
/// on: a peer that begins large messages and sends a byte now and then would keep it for ever.
class Shortage {
 public:
  /// Whoever moves less than this while others wait for a whole `patience` is ended.
  static constexpr std::uint64_t least_progress_bytes = 64 * 1024;

  explicit Shortage(Duration patience) noexcept : patience_(patience) {}

  void end() noexcept { since_.reset(); }
  /// Somebody waits. Calls `give_up(peer)` for each that does not go on.
  template <class F>
  void watch(ConnectionTable& table, TimePoint now, F&& give_up) {
    if (since_ && now - *since_ < patience_) return;
    for (const Mark& mark : marks_) {
      Peer* peer = since_ ? table.find(mark.slot, mark.generation) : nullptr;
      if (peer == nullptr || !peer->session->has_unfinished()) continue;
      if (peer->session->assembled_bytes() - mark.assembled_bytes < least_progress_bytes) {
        give_up(*peer);
      }
    }
    marks_.clear();
    table.for_each([&](Peer& peer) {
      if (!peer.session->has_unfinished()) return;
      marks_.push_back({peer.slot(), peer.generation, peer.session->assembled_bytes()});
    });
    since_ = now;
  }

 private:
  struct Mark {
    std::uint32_t slot = 0;
    std::uint32_t generation = 0;
    std::uint64_t assembled_bytes = 0;
  };

  Duration patience_;
  std::optional<TimePoint> since_;
  std::vector<Mark> marks_;
};

}  // namespace tickwire::detail
