// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include <tickwire/clock.hpp>

namespace demo {

/// How often something may happen: a bucket that fills at a rate and holds `most`. Full at first.
class Allowance {
 public:
  /// Takes one out, if there is one. Pre: `per_second` and `most` are above 0.
  [[nodiscard]] bool take(tickwire::TimePoint now, std::uint32_t per_second, std::uint32_t most) {
    const auto step = tickwire::Duration(std::chrono::seconds(1)) / per_second;
    const auto earned = (now - counted_at_) / step;
    if (earned >= most) {
      left_ = most;
      counted_at_ = now;
    } else if (earned > 0) {
      left_ = std::min(most, left_ + static_cast<std::uint32_t>(earned));
      counted_at_ += earned * step;
    }
    if (left_ == 0) return false;
    --left_;
    return true;
  }

 private:
  std::uint32_t left_ = 0;
  tickwire::TimePoint counted_at_{};
};

}  // namespace demo
