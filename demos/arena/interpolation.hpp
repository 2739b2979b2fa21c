// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include <tickwire/clock.hpp>

#include "demos/arena/messages.hpp"

namespace arena {

struct InterpolationCounters {
  std::uint64_t received = 0;
  std::uint64_t lost = 0;
  std::uint64_t starved = 0;  ///< times that everybody stood still, as the next snapshot was late
};

/// The others, between two snapshots: they are shown as they were a while ago, so that there is
/// mostly a later snapshot to move towards, even if one is late and another lost.
class Interpolation {
 public:
  static constexpr tickwire::Duration behind = std::chrono::milliseconds(100);

  /// What was known is of no use any more: another connection, or another round.
  void restart();
  void add(const Snapshot& snapshot, tickwire::TimePoint now);
  /// Where the players of the newest snapshot are to be drawn; good until the next call.
  [[nodiscard]] std::span<const Player> at(tickwire::TimePoint now);

  [[nodiscard]] const InterpolationCounters& counters() const noexcept { return counters_; }

 private:
  void follow_server_time(const Snapshot& snapshot, tickwire::TimePoint now);

  std::deque<Snapshot> snapshots_;  // oldest first
  /// When the server's tick 0 would have arrived here, had its snapshot been as fast as the fastest
  /// of late.
  std::optional<tickwire::TimePoint> start_;
  bool is_starved_ = false;
  std::vector<Player> shown_;
  InterpolationCounters counters_;
};

}  // namespace arena
