// SPDX-License-Identifier: MIT
#include "client/command.hpp"

#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "audio/mixer.hpp"

namespace voice {
namespace {

using Verb = Command::Verb;

constexpr std::array<std::pair<std::string_view, Verb>, 8> verbs{{
    {"mute", Verb::mute},
    {"unmute", Verb::unmute},
    {"deafen", Verb::deafen},
    {"undeafen", Verb::undeafen},
    {"volume", Verb::volume},
    {"who", Verb::who},
    {"help", Verb::help},
    {"quit", Verb::quit},
}};

constexpr std::string_view blanks = " \t";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) + 1 - first);
}

tickwire::Error wrong(std::string sentence) {
  return {tickwire::ErrorCode::invalid_argument, 0, std::move(sentence)};
}

std::optional<int> percent_of(std::string_view text) {
  if (text.ends_with('%')) text.remove_suffix(1);
  int percent = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, fault] = std::from_chars(text.data(), end, percent);
  if (fault != std::errc() || stop != end) return std::nullopt;
  if (percent < 0 || percent > most_volume_percent) return std::nullopt;
  return percent;
}

tickwire::Result<Command> parse_volume(std::string_view what) {
  const std::size_t blank = what.find_last_of(blanks);
  if (blank == std::string_view::npos) return wrong("It is: volume NAME PERCENT.");
  const std::string_view number = what.substr(blank + 1);
  const auto percent = percent_of(number);
  if (!percent) {
    return wrong("A volume is a whole number from 0 to " + std::to_string(most_volume_percent) +
                 ", not '" + std::string(number) + "'.");
  }
  return Command{Verb::volume, std::string(trimmed(what.substr(0, blank))), *percent};
}

}  // namespace

tickwire::Result<Command> parse_command(std::string_view line) {
  line = trimmed(line);
  if (line.empty()) return Command{};
  const std::string_view word = line.substr(0, line.find_first_of(blanks));
  const std::string_view rest = trimmed(line.substr(word.size()));
  for (const auto& [name, verb] : verbs) {
    if (name != word) continue;
    if (verb == Verb::volume) return parse_volume(rest);
    if (!rest.empty()) return wrong("Nothing comes after " + std::string(word) + ".");
    return Command{verb, {}, 0};
  }
  return wrong("There is no command '" + std::string(word) + "'; 'help' says which there are.");
}

std::string_view command_help() {
  return "mute, unmute         say nothing; speak again\n"
         "deafen, undeafen     hear and say nothing; as before\n"
         "volume NAME PERCENT  how loud somebody is, from 0 to 200\n"
         "who                  who is here, how loud, and who speaks\n"
         "quit                 leave\n"
         "Enter                with --push-to-talk: begin to talk, and end\n";
}

}  // namespace voice
