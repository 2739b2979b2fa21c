// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <tickwire/ticker.hpp>

namespace tickwire {

Ticker::Ticker(double rate_hz, TimePoint start, std::uint32_t max_catch_up) noexcept
    : rate_hz_(rate_hz), start_(start), max_catch_up_(std::max(max_catch_up, std::uint32_t{1})) {}

TimePoint Ticker::due(std::uint64_t index) const noexcept {
  // Whole seconds and the rest apart: a double holds the product exactly for years of ticks only
  // as long as it stays small.
  const auto seconds = std::floor(static_cast<double>(index) / rate_hz_);
  const auto rest = static_cast<double>(index) - seconds * rate_hz_;
  return start_ + std::chrono::seconds(static_cast<std::int64_t>(seconds)) +
         Duration(std::llround(rest / rate_hz_ * 1e9));
}

TimePoint Ticker::due() const noexcept {
  return due(next_index_);
}

Duration Ticker::step() const noexcept {
  return Duration(std::llround(1e9 / rate_hz_));
}

std::optional<Tick> Ticker::next(TimePoint now) noexcept {
  const TimePoint next_due = due();
  if (now < next_due) return std::nullopt;

  const double elapsed_seconds = std::chrono::duration<double>(now - start_).count();
  auto newest = static_cast<std::uint64_t>(elapsed_seconds * rate_hz_);
  while (due(newest + 1) <= now)
    ++newest;  // what rounding hid
  while (newest > next_index_ && due(newest) > now)
    --newest;
  const std::uint64_t behind = newest + 1 > next_index_ ? newest + 1 - next_index_ : 1;
  if (behind > max_catch_up_) {
    skipped_ += behind - max_catch_up_;
    next_index_ += behind - max_catch_up_;
  }
  const Tick tick{next_index_, step(), now - due()};
  ++next_index_;
  return tick;
}

}  // namespace tickwire
