// SPDX-License-Identifier: MIT
#pragma once

#include <tickwire/clock.hpp>

namespace tickwire::detail {

/// When a time is over that begins now; never, when that is later than can be said.
[[nodiscard]] constexpr TimePoint deadline_after(TimePoint now, Duration time) noexcept {
  return time > TimePoint::max() - now ? TimePoint::max() : now + time;
}

}  // namespace tickwire::detail
