// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

#include <tickwire/clock.hpp>

namespace tickwire::detail {

/// A token bucket. What is sent may go into debt, so that a message larger than the bucket passes
/// too; then nothing more does until the debt is paid.
class RateLimit {
 public:
  /// Nothing: no limit. A tenth of a second's worth may leave at once.
  RateLimit(std::optional<std::uint64_t> bytes_per_second, TimePoint now) noexcept
      : bytes_per_second_(static_cast<double>(bytes_per_second.value_or(0))),
        tokens_(bytes_per_second_ / 10),
        filled_at_(now) {}

  [[nodiscard]] bool allows(TimePoint now) noexcept {
    if (bytes_per_second_ <= 0) return true;
    const std::chrono::duration<double> passed = now - filled_at_;
    filled_at_ = now;
    tokens_ = std::min(tokens_ + passed.count() * bytes_per_second_, bytes_per_second_ / 10);
    return tokens_ > 0;
  }
  void spend(std::size_t bytes) noexcept { tokens_ -= static_cast<double>(bytes); }

  /// When it allows something again.
  [[nodiscard]] TimePoint next() const noexcept {
    if (bytes_per_second_ <= 0 || tokens_ > 0) return filled_at_;
    // A little later than the debt is paid, so that rounding leaves none of it.
    const double seconds = std::min((1 - tokens_) / bytes_per_second_, 3600.0);
    return filled_at_ +
           std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
  }

  /// Chunks that do not come in lumps of seconds.
  [[nodiscard]] std::size_t fitting_chunk(std::size_t chunk, std::size_t least) const noexcept {
    if (bytes_per_second_ <= 0) return chunk;
    return std::clamp(static_cast<std::size_t>(bytes_per_second_ / 20), std::min(least, chunk),
                      chunk);
  }

 private:
  double bytes_per_second_;
  double tokens_;
  TimePoint filled_at_;
};

}  // namespace tickwire::detail
