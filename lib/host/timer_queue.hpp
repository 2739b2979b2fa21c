// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <queue>
#include <vector>

#include <tickwire/clock.hpp>

namespace tickwire::detail {

/// Which connection wants the time next. A deadline that moved back costs nothing until its old
/// time comes; then it is looked at again.
class TimerQueue {
 public:
  struct Due {
    TimePoint when;
    std::uint32_t slot = 0;
  };

  void push(TimePoint when, std::uint32_t slot) { heap_.push({when, slot}); }

  /// The next that is due, or nothing.
  [[nodiscard]] std::optional<Due> pop(TimePoint now) {
    if (heap_.empty() || heap_.top().when > now) return std::nullopt;
    const Due due = heap_.top();
    heap_.pop();
    return due;
  }
  [[nodiscard]] std::optional<TimePoint> next() const {
    if (heap_.empty()) return std::nullopt;
    return heap_.top().when;
  }

 private:
  struct Later {
    bool operator()(const Due& a, const Due& b) const noexcept { return a.when > b.when; }
  };
  std::priority_queue<Due, std::vector<Due>, Later> heap_;
};

}  // namespace tickwire::detail
