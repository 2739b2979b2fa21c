// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include <tickwire/event.hpp>

#include "lib/base/ring_queue.hpp"
#include "lib/session/message_run.hpp"

namespace tickwire::detail {

[[nodiscard]] constexpr bool is_message(EventType type) noexcept {
  return type == EventType::object_received || type == EventType::data_received;
}

/// An event on its way to the program, and what its connection gets back when it is taken.
struct RingEntry {
  Event event;
  Held held;
};

/// Events that keep their place before those which still lie in the sessions: a host's and an
/// extension's own, all that waited when such a one came, and what a waiting call passed over.
/// Ordinary ones up to a fixed number; terminal ones (an `error` or `disconnected`) always fit.
///
/// Memory: grows to what is used, and is then reused.
class EventRing {
 public:
  explicit EventRing(std::size_t capacity) noexcept : capacity_(capacity) {}

  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] bool has_room() const noexcept { return ordinary_ < capacity_; }

  /// What is pushed next takes no memory.
  void reserve_one() { entries_.reserve(entries_.size() + 1); }
  /// Whoever fills the ring from a connection asks `has_room` first, unless the event is terminal.
  void push(RingEntry entry) {
    if (!is_terminal(entry.event.type)) ++ordinary_;
    entries_.push_back(std::move(entry));
  }

  /// Puts back what has been popped, before all others and with its order kept, whether there is
  /// room or not. When there is no memory for it, nothing has changed.
  void push_front(RingQueue<RingEntry>& entries) {
    entries_.reserve(entries_.size() + entries.size());
    for (; !entries.empty(); entries.drop_back()) {
      if (!is_terminal(entries.back().event.type)) ++ordinary_;
      entries_.push_front(std::move(entries.back()));
    }
  }

  /// Pre: not empty.
  [[nodiscard]] RingEntry pop() { return count_out(entries_.take_front()); }

  /// Takes the first entry for which `wanted(entry)` holds, leaving the others in order.
  template <class F>
  [[nodiscard]] std::optional<RingEntry> extract(F&& wanted) {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (wanted(entries_[i])) return count_out(entries_.take(i));
    }
    return std::nullopt;
  }

  [[nodiscard]] static bool is_terminal(EventType type) noexcept {
    return type == EventType::disconnected || type == EventType::error;
  }

 private:
  RingEntry count_out(RingEntry entry) noexcept {
    if (!is_terminal(entry.event.type)) --ordinary_;
    return entry;
  }

  RingQueue<RingEntry> entries_;
  std::size_t capacity_;
  std::size_t ordinary_ = 0;
};

}  // namespace tickwire::detail
