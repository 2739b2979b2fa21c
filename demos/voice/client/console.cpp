// SPDX-License-Identifier: MIT
#include "client/console.hpp"

#include <ostream>

#include "client/client.hpp"
#include "client/command.hpp"
#include "demos/shared/printable.hpp"

namespace voice {

using demo::printable;

void Console::take(const std::string& line) {
  const auto command = parse_command(line);
  if (command) {
    obey(*command);
  } else {
    answers_ << printable(command.error().message()) << '\n';
  }
  answers_ << std::flush;
}

void Console::obey(const Command& command) {
  using Verb = Command::Verb;
  switch (command.verb) {
    case Verb::mute:
      client_.mute();
      break;
    case Verb::unmute:
      client_.unmute();
      break;
    case Verb::deafen:
      client_.deafen();
      break;
    case Verb::undeafen:
      client_.undeafen();
      break;
    case Verb::volume:
      return set_volume(command.name, command.percent);
    case Verb::who:
      return tell_who();
    case Verb::help:
      answers_ << command_help();
      return;
    case Verb::quit:
      wants_to_quit_ = true;
      return;
    case Verb::press_enter:
      return press_enter();
  }
  answers_ << "you are " << own_state() << '\n';
}

// A terminal tells of keys that are pressed, and of none that is let go.
void Console::press_enter() {
  if (client_.microphone() != Microphone::push_to_talk) return;
  if (client_.holds_key()) {
    client_.end_talk();
    answers_ << "you no longer talk\n";
    return;
  }
  client_.begin_talk();
  answers_ << (client_.is_muted() ? "you talk, but are " + own_state() : "you talk") << '\n';
}

void Console::set_volume(const std::string& name, int percent) {
  if (const auto set = client_.set_volume(name, percent); !set) {
    answers_ << printable(set.error().message()) << '\n';
    return;
  }
  answers_ << printable(name) << ": " << percent << " %\n";
}

void Console::tell_who() {
  answers_ << "you: " << own_state() << (client_.is_speaking() ? ", sending" : "") << '\n';
  for (const Companion& each : client_.companions()) {
    answers_ << printable(each.name) << ": " << each.volume_percent << " %"
             << (each.is_speaking ? ", speaking" : "") << '\n';
  }
}

std::string Console::own_state() const {
  if (client_.is_deafened()) return "deafened";
  return client_.is_muted() ? "muted" : "not muted";
}

}  // namespace voice
