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
  /// A message that moves less than this while others wait for a whole `patience` is too slow.
  static constexpr std::uint64_t least_progress_bytes = 64 * 1024;

  explicit Shortage(Duration patience) noexcept : patience_(patience) {}

  void end() noexcept { since_.reset(); }
  /// Somebody waits. Calls `give_up(peer)` for each that does not go on.
  template <class F>
  void watch(ConnectionTable& table, TimePoint now, F&& give_up) {
    if (since_ && now - *since_ < patience_) return;
    const std::vector<Mark> before = since_ ? std::move(marks_) : std::vector<Mark>();
    marks_.clear();
    since_ = now;
    table.for_each([&](Peer& peer) {
      unfinished_.clear();
      peer.session->list_unfinished(unfinished_);
      for (const Unfinished& each : unfinished_)
        marks_.push_back({peer.slot(), peer.generation, each});
    });
    for (const Mark& mark : marks_) {
      if (!is_slow(mark, before)) continue;
      Peer* peer = table.find(mark.slot, mark.generation);
      if (peer != nullptr) give_up(*peer);
    }
  }

 private:
  struct Mark {
    std::uint32_t slot = 0;
    std::uint32_t generation = 0;
    Unfinished message;
  };

  [[nodiscard]] static bool is_slow(const Mark& now, const std::vector<Mark>& before) noexcept {
    for (const Mark& mark : before) {
      if (mark.slot != now.slot || mark.generation != now.generation) continue;
      if (mark.message.id != now.message.id) continue;
      return now.message.received_bytes - mark.message.received_bytes < least_progress_bytes;
    }
    return false;  // it began since
  }

  Duration patience_;
  std::optional<TimePoint> since_;
  std::vector<Mark> marks_;
  std::vector<Unfinished> unfinished_;
};

}  // namespace tickwire::detail
