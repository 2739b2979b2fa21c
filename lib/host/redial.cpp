// SPDX-License-Identifier: MIT
#include "lib/host/redial.hpp"

#include <algorithm>

namespace tickwire::detail {

Duration redial_delay(const ReconnectPolicy& policy, std::size_t attempt, double share) noexcept {
  Duration delay = std::min(policy.first_delay, policy.max_delay);
  for (; attempt > 0 && delay < policy.max_delay; --attempt)
    delay = delay > policy.max_delay / 2 ? policy.max_delay : delay * 2;
  const double left = 1.0 - std::clamp(policy.jitter_ratio * share, 0.0, 1.0);
  return std::chrono::duration_cast<Duration>(
      std::chrono::duration<double, Duration::period>(static_cast<double>(delay.count()) * left));
}

bool may_pass(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::name_not_resolved:
    case ErrorCode::out_of_resources:
    case ErrorCode::socket_failed:
    case ErrorCode::address_unavailable:
    case ErrorCode::connect_timed_out:
    case ErrorCode::connection_refused:
    case ErrorCode::server_full:
    case ErrorCode::handshake_timed_out:
      return true;
    default:
      return was_lost(code);
  }
}

bool was_lost(ErrorCode code) noexcept {
  return code == ErrorCode::connection_lost || code == ErrorCode::connection_reset ||
         code == ErrorCode::stream_truncated;
}

}  // namespace tickwire::detail
