// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
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
};

/// What one of them is told besides.
struct SessionStart {
  Direction direction = Direction::dialled;
  std::string name{};          ///< of a dialling end
  Duration connect_timeout{};  ///< for a dialling end to come up
  /// Asked on the accepting end before WELCOME; may be empty.
  std::function<Result<void>(std::string_view name)> authenticate{};
};

}  // namespace tickwire::detail
