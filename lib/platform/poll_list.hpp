// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <new>
#include <unordered_map>
#include <vector>

#include "lib/platform/poller.hpp"

namespace tickwire::detail {

/// What a system call of `poll`'s kind is given, and whom it is about. `PollFd` has the members of
/// the C structure: `fd`, `events`, `revents`.
template <class PollFd>
class PollList {
 public:
  using Socket = decltype(PollFd::fd);
  using Bits = decltype(PollFd::events);

  /// The wake-up's socket is the first, and nobody's.
  PollList(Socket wake, Bits readable) { polled_.push_back({wake, readable, 0}); }

  [[nodiscard]] PollFd* data() noexcept { return polled_.data(); }
  [[nodiscard]] std::size_t size() const noexcept { return polled_.size(); }
  [[nodiscard]] bool is_woken() const noexcept { return polled_.front().revents != 0; }

  /// See `Poller::change`; `bits` are those of the new interest.
  [[nodiscard]] bool change(Socket socket, Interest from, Interest to, Bits bits,
                            PollTarget& target) noexcept {
    if (from == Interest::none) return add(socket, bits, target);
    const std::size_t place = places_.at(socket);
    if (to == Interest::none) {
      remove(place);
    } else {
      polled_[place].events = bits;
    }
    return true;
  }
  /// Of ends as of bytes: it tells of them again in the next wait.
  void tell() {
    for (std::size_t place = 1; place < polled_.size(); ++place) {
      if (polled_[place].revents != 0) targets_[place - 1]->on_ready(Edge::bytes);
    }
  }

 private:
  [[nodiscard]] bool add(Socket socket, Bits bits, PollTarget& target) noexcept {
    try {
      targets_.reserve(targets_.size() + 1);
      polled_.reserve(polled_.size() + 1);
      places_.emplace(socket, polled_.size());
      polled_.push_back({socket, bits, 0});
      targets_.push_back(&target);
      return true;
    } catch (const std::bad_alloc&) {
      return false;
    }
  }
  // The last one moves into its place.
  void remove(std::size_t place) noexcept {
    places_.erase(polled_[place].fd);
    if (place + 1 < polled_.size()) {
      polled_[place] = polled_.back();
      targets_[place - 1] = targets_.back();
      places_.at(polled_[place].fd) = place;
    }
    polled_.pop_back();
    targets_.pop_back();
  }

  std::vector<PollFd> polled_;
  std::vector<PollTarget*> targets_;  // of all but the first
  std::unordered_map<Socket, std::size_t> places_;
};

/// What `poll` is told: rounded up, for waking early would spin until the time is there.
[[nodiscard]] inline int poll_milliseconds(TimePoint until) noexcept {
  if (until == TimePoint::max()) return -1;
  const TimePoint now = std::chrono::steady_clock::now();
  if (until <= now) return 0;
  const auto whole = std::chrono::ceil<std::chrono::milliseconds>(until - now).count();
  return static_cast<int>(std::clamp<std::int64_t>(whole, 0, std::numeric_limits<int>::max()));
}

}  // namespace tickwire::detail
