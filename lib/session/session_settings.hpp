// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tickwire/config.hpp>
#include <tickwire/connection.hpp>
#include <tickwire/error.hpp>

#include "lib/session/handshake.hpp"

namespace tickwire::detail {

inline constexpr std::size_t kMaxChannels = 64;

/// What all sessions of a host have in common, once for all.
struct SessionSettings {
  HandshakeSelf self;  ///< without a name and a ticket
  std::vector<ChannelConfig> channels;
  Limits limits;
  Timeouts timeouts;
  EventMask events = EventMask::all();
  ResumeOver resume_over = ResumeOver::encrypted;
  /// Fills bytes with numbers that nobody can foretell; false when there are none.
  std::function<bool(std::span<std::byte>)> random{};
};

/// Between two echoes of a connection on which nothing else is said: rare, so that a thousand idle
/// ones cost nothing to speak of, and often enough for a router to keep its entry for them.
[[nodiscard]] inline Duration quiet_interval(const Timeouts& timeouts) noexcept {
  constexpr Duration most = std::chrono::seconds(10);
  return std::max(timeouts.keep_alive, std::min(timeouts.idle / 4, most));
}

/// Silence after which the other end's program has stood still for `idle`.
[[nodiscard]] inline Duration deadly_silence(const Timeouts& timeouts) noexcept {
  return timeouts.idle + quiet_interval(timeouts);
}

/// What one of them is told besides.
struct SessionStart {
  Direction direction = Direction::dialled;
  std::uint32_t slot = 0;           ///< an accepting host's, for tokens to name
  std::string name{};               ///< of a dialling end
  Duration connect_timeout{};       ///< for a dialling end to come up
  std::vector<std::byte> ticket{};  ///< of a dialling end
  /// Asked on the accepting end before WELCOME; may be empty.
  std::function<Result<void>(const HandshakeSelf& dialler)> authenticate{};
};

}  // namespace tickwire::detail
