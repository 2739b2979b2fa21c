// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include <tickwire/clock.hpp>

namespace tickwire::detail {

/// Which connection wants the time next. A deadline that moved back costs nothing until its old
/// time comes; then it is looked at again.
///
/// Memory: one entry for each slot at most, however often its time changes.
class TimerQueue {
 public:
  struct Due {
    TimePoint when;
    std::uint32_t slot = 0;
  };

  /// Makes room for slots below that one: `set` then needs no memory for them.
  void reserve(std::size_t slots) {
    if (slots > places_.size()) places_.resize(slots, kNowhere);
    heap_.reserve(slots);
  }
  /// Sets a slot's time in place of the one that it had.
  void set(TimePoint when, std::uint32_t slot) {
    if (slot >= places_.size()) places_.resize(std::size_t{slot} + 1, kNowhere);
    if (places_[slot] == kNowhere) {
      heap_.push_back({when, slot});
      places_[slot] = static_cast<std::uint32_t>(heap_.size() - 1);
    }
    put({when, slot}, places_[slot]);
  }
  void remove(std::uint32_t slot) noexcept {
    if (slot >= places_.size() || places_[slot] == kNowhere) return;
    const std::size_t free = std::exchange(places_[slot], kNowhere);
    const Due last = heap_.back();
    heap_.pop_back();
    if (free < heap_.size()) put(last, free);
  }

  /// The next that is due, or nothing.
  [[nodiscard]] std::optional<Due> pop(TimePoint now) noexcept {
    if (heap_.empty() || heap_.front().when > now) return std::nullopt;
    const Due due = heap_.front();
    remove(due.slot);
    return due;
  }
  [[nodiscard]] std::optional<TimePoint> next() const noexcept {
    if (heap_.empty()) return std::nullopt;
    return heap_.front().when;
  }

 private:
  static constexpr std::uint32_t kNowhere = std::numeric_limits<std::uint32_t>::max();

  // Moves the free place to where the entry belongs: up to earlier ones, or down to later ones.
  void put(Due due, std::size_t free) noexcept {
    for (std::size_t above; free > 0 && due.when < heap_[above = (free - 1) / 2].when; free = above)
      settle(heap_[above], free);
    for (std::size_t below; (below = 2 * free + 1) < heap_.size(); free = below) {
      if (below + 1 < heap_.size() && heap_[below + 1].when < heap_[below].when) ++below;
      if (heap_[below].when >= due.when) break;
      settle(heap_[below], free);
    }
    settle(due, free);
  }
  void settle(Due due, std::size_t place) noexcept {
    heap_[place] = due;
    places_[due.slot] = static_cast<std::uint32_t>(place);
  }

  std::vector<Due> heap_;              // the earliest first
  std::vector<std::uint32_t> places_;  // in the heap, of each slot
};

}  // namespace tickwire::detail
