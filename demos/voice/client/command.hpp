// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include <tickwire/error.hpp>

namespace voice {

/// What somebody at the terminal wants of a running client.
struct Command {
  enum class Verb { mute, unmute, deafen, undeafen, volume, who, help, quit, press_enter };

  Verb verb = Verb::press_enter;
  std::string name;  ///< `volume`: whose
  int percent = 0;   ///< `volume`
};

/// Reads one line. An empty one is `press_enter`; a name may have spaces in it.
///
/// Errors: `invalid_argument`, with a sentence for whoever typed it.
[[nodiscard]] tickwire::Result<Command> parse_command(std::string_view line);

/// All commands, one a line.
[[nodiscard]] std::string_view command_help();

}  // namespace voice
