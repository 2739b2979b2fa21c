// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <cstdint>

#include <tickwire/transfer.hpp>

#include "lib/features/transfer/harmless.hpp"

namespace tickwire {
namespace {

// With what is put behind it (" (999)", ".part.state") it stays below the 255 bytes that most file
// systems allow.
constexpr std::size_t kMaxNameBytes = 200;
constexpr std::size_t kMaxExtensionBytes = 20;

/// One character of a text: its code point, or nothing where the bytes are no UTF-8, and its size.
struct Character {
  std::optional<std::uint32_t> point;
  std::size_t bytes = 1;
};

unsigned byte_at(std::string_view text, std::size_t index) noexcept {
  return static_cast<unsigned char>(text[index]);
}

Character first_character(std::string_view text) noexcept {
  const unsigned lead = byte_at(text, 0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes) return {};
  std::uint32_t point = lead & (0x7fu >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte_at(text, i) & 0xc0) != 0x80) return {};
    point = point << 6 | (byte_at(text, i) & 0x3f);
  }
  constexpr std::array<std::uint32_t, 5> least = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = point >= 0xd800 && point <= 0xdfff;
  if (point < least[bytes] || point > 0x10ffff || is_surrogate) return {};
  return {point, bytes};
}

// Those that turn the direction of text make "exe.txt" out of "txt.exe" for who reads it.
bool is_harmless(std::uint32_t point) noexcept {
  if (point < 0x20 || (point >= 0x7f && point < 0xa0)) return false;
  if (point == 0x200e || point == 0x200f || point == 0x061c || point == 0xfeff) return false;
  if ((point >= 0x2028 && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069)) return false;
  return true;
}

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
  const bool has_number = stem.size() == 4 && stem[3] >= '0' && stem[3] <= '9';
  return has_number && (stem.starts_with("COM") || stem.starts_with("LPT"));
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

std::string_view detail::cut_text(std::string_view text, std::size_t most_bytes) noexcept {
  if (text.size() <= most_bytes) return text;
  std::size_t end = most_bytes;
  while (end > 0 && (byte_at(text, end) & 0xc0) == 0x80)
    --end;
  return text.substr(0, end);
}

std::string detail::harmless_characters(std::string_view text, std::string_view harmful,
                                        char instead) {
  std::string shown;
  while (!text.empty()) {
    const Character next = first_character(text);
    const bool stays = next.point && is_harmless(*next.point) &&
                       harmful.find(text.front()) == std::string_view::npos;
    if (stays) {
      shown += text.substr(0, next.bytes);
    } else {
      shown += instead;
    }
    text.remove_prefix(next.bytes);
  }
  return shown;
}

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
