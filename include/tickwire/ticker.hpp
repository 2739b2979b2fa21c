// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>

#include <tickwire/clock.hpp>
#include <tickwire/export.hpp>

namespace tickwire {

/// One step of the simulation.
struct Tick {
  std::uint64_t index = 0;  ///< the first is 1; counts skipped ones too
  Duration delta{};         ///< the fixed step; always 1 / rate, however late the tick runs
  Duration late_by{};       ///< how long after its due time it runs
};

/// A fixed-step scheduler that does not drift: tick n is due at start + n / rate, computed from n,
/// never by adding up rounded steps. After a stall it catches up with at most `max_catch_up` ticks
/// and skips the rest; what it skipped is counted and shows as a gap in `Tick::index`.
///
/// Units: `rate_hz` above 0 and at most 1,000,000.
class TICKWIRE_API Ticker {
 public:
  /// The first tick is due one step after `start`.
  Ticker(double rate_hz, TimePoint start, std::uint32_t max_catch_up = 5) noexcept;

  /// The next tick that is due at `now`, or nothing. Call until it returns nothing.
  [[nodiscard]] std::optional<Tick> next(TimePoint now) noexcept;

  [[nodiscard]] TimePoint due() const noexcept;
  [[nodiscard]] Duration step() const noexcept;
  [[nodiscard]] std::uint64_t skipped() const noexcept { return skipped_; }

 private:
  [[nodiscard]] TimePoint due(std::uint64_t index) const noexcept;

  double rate_hz_;
  TimePoint start_;
  std::uint32_t max_catch_up_;
  std::uint64_t next_index_ = 1;
  std::uint64_t skipped_ = 0;
};

}  // namespace tickwire
