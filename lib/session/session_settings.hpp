// SPDX-License-Identifier: MIT
#pragma once

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

/// What all sessions of a host have in common, once for all.
struct SessionSettings {
  HandshakeSelf self;  ///< without a name
  std::vector<ChannelConfig> channels;
  Limits limits;
  Timeouts timeouts;
  EventMask events = EventMask::all();
  ResumeOver resume_over = ResumeOver::encrypted;
  /// Fills bytes with numbers that nobody can foretell; false when there are none.
  std::function<bool(std::span<std::byte>)> random{};
};

/// What one of them is told besides.
struct SessionStart {
  Direction direction = Direction::dialled;
  std::uint32_t slot = 0;      ///< an accepting host's, for tokens to name
  std::string name{};          ///< of a dialling end
  Duration connect_timeout{};  ///< for a dialling end to come up
  /// Asked on the accepting end before WELCOME; may be empty.
  std::function<Result<void>(std::string_view name)> authenticate{};
};

}  // namespace tickwire::detail
