// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <optional>

#include <tickwire/config.hpp>
#include <tickwire/connection.hpp>
#include <tickwire/error.hpp>

namespace tickwire::detail {

/// What a dialled connection needs in order to call again: because its first calls fail, or because
/// it lost its link.
struct Redial {
  ConnectOptions options{};
  std::size_t attempts = 0;               ///< calls that are due or were made, since it was last up
  std::optional<TimePoint> due{};         ///< when to call next
  std::optional<TimePoint> give_up_at{};  ///< for the call under way, of an interrupted connection
  bool is_resolving = false;              ///< a name is being looked up for it
  Connection successor{};                 ///< which is called in its place, once it is lost
  ErrorCode last_error = ErrorCode::none;  ///< of the call before, or of the loss
};

/// How long to wait before a further attempt, the first of which has the number 0.
/// `share` is a random number from 0 to 1.
[[nodiscard]] Duration redial_delay(const ReconnectPolicy& policy, std::size_t attempt,
                                    double share) noexcept;
/// Whether another call may go better than one that failed with this.
[[nodiscard]] bool may_pass(ErrorCode code) noexcept;
/// Whether a connection that ended so was lost, and not ended by anybody.
[[nodiscard]] bool was_lost(ErrorCode code) noexcept;

}  // namespace tickwire::detail
