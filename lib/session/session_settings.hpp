// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include <tickwire/config.hpp>
#include <tickwire/connection.hpp>
#include <tickwire/error.hpp>

#include "lib/session/handshake.hpp"

namespace tickwire::detail {

/// What a host tells each of its sessions.
struct SessionSettings {
  Direction direction = Direction::dialled;
  HandshakeSelf self;
  std::vector<ChannelConfig> channels;
  Limits limits;
  Timeouts timeouts;
  Duration connect_timeout{};
  EventMask events = EventMask::all();
  /// Asked on the accepting end before WELCOME; may be empty.
  std::function<Result<void>(std::string_view name)> authenticate;
};

}  // namespace tickwire::detail
