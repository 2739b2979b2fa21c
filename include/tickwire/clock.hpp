// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>

#include <tickwire/export.hpp>

namespace tickwire {

/// A length of time, in nanoseconds.
using Duration = std::chrono::nanoseconds;

/// A moment of a `Clock`. Moments of different clocks do not compare.
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;

/// Where a host takes the time from. It never goes back.
///
/// Lifetime: outlives every host that uses it.
/// Thread:   `now` may be called from any thread.
class TICKWIRE_API Clock {
 public:
  virtual ~Clock();
  [[nodiscard]] virtual TimePoint now() const noexcept = 0;
};

/// The process-wide clock over `std::chrono::steady_clock`, which hosts use unless told otherwise.
[[nodiscard]] TICKWIRE_API const Clock& steady_clock() noexcept;

}  // namespace tickwire
