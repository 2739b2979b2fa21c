// SPDX-License-Identifier: MIT
#include <algorithm>

#include <tickwire/transfer.hpp>

#include "lib/base/harmless.hpp"

namespace tickwire {
namespace {

// With what is put behind it (" (999)", ".part.state") it stays below the 255 bytes that most file
// systems allow.
constexpr std::size_t kMaxNameBytes = 200;
constexpr std::size_t kMaxExtensionBytes = 20;

std::string in_capitals(std::string_view text) {
  std::string capitals(text);
  std::transform(capitals.begin(), capitals.end(), capitals.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return capitals;
}

// Windows opens a device for these, whatever comes behind the dot.
bool is_device(std::string_view name) {
  std::string stem = in_capitals(name.substr(0, name.find('.')));
  while (!stem.empty() && stem.back() == ' ')
    stem.pop_back();
  for (const std::string_view each : {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"})
    if (stem == each) return true;
  if (!stem.starts_with("COM") && !stem.starts_with("LPT")) return false;
  const std::string_view number = std::string_view(stem).substr(3);
  if (number.size() == 1) return number[0] >= '0' && number[0] <= '9';
  return number == "\u00b9" || number == "\u00b2" || number == "\u00b3";  // raised ones, too
}

// Leaves a usual extension.
void shorten(std::string& name, std::size_t most_bytes = kMaxNameBytes) {
  if (name.size() <= most_bytes) return;
  const std::size_t dot = name.rfind('.');
  const bool keeps = dot != std::string::npos && name.size() - dot <= kMaxExtensionBytes;
  const std::string extension = keeps ? name.substr(dot) : std::string();
  name.resize(detail::cut_text(name, most_bytes - extension.size()).size());
  name += extension;
}

void trim(std::string& name) {
  while (!name.empty() && (name.back() == '.' || name.back() == ' '))
    name.pop_back();
  name.erase(0, std::min(name.find_first_not_of(' '), name.size()));
}

}  // namespace

std::string safe_file_name(std::string_view suggestion) {
  const std::size_t separator = suggestion.find_last_of("/\\");
  if (separator != std::string_view::npos) suggestion.remove_prefix(separator + 1);
  // What a long name would be cut to is not looked at in full.
  std::string name = detail::harmless_characters(suggestion.substr(0, 4096), "<>:\"/\\|?*", '_');
  trim(name);
  shorten(name);
  trim(name);
  if (name.empty()) return "file";
  if (name.front() == '.' || name.front() == '-' || name.front() == '~') name.front() = '_';
  if (is_device(name)) {
    shorten(name, kMaxNameBytes - 1);
    trim(name);
    name.insert(name.begin(), '_');
  }
  const std::string capitals = in_capitals(name);
  if (capitals.ends_with(".PART") || capitals.ends_with(".PART.STATE")) {
    shorten(name, kMaxNameBytes - 1);
    name += '_';
  }
  return name;
}

}  // namespace tickwire
