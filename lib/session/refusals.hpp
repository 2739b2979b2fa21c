// SPDX-License-Identifier: MIT
#pragma once

#include <tickwire/error.hpp>
#include <tickwire/stats.hpp>

namespace tickwire::detail {

/// Counts a refused send under its cause.
inline void count_refusal(DropCounters& drops, ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::message_too_large:
      ++drops.refused_too_large;
      break;
    case ErrorCode::send_queue_full:
      ++drops.refused_queue_full;
      break;
    case ErrorCode::not_connected:
      ++drops.refused_not_open;
      break;
    default:
      ++drops.refused_invalid;
  }
}

}  // namespace tickwire::detail
