// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include <tickwire/clock.hpp>
#include <tickwire/error.hpp>

namespace tickwire::detail {

/// Sleeps until one of many sockets is readable, somebody wakes it, or the time is up.
///
/// Thread: `wake` from any, and from a signal handler; the rest from one.
class Waiter {
 public:
  /// Throws `std::bad_alloc` when the system has no descriptor left for it.
  Waiter();
  ~Waiter();
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  /// A wake that came since the last wait ends the next one at once. No time-out: for ever.
  void wait(std::span<const std::intptr_t> handles, std::optional<Duration> timeout);
  void wake() noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tickwire::detail
