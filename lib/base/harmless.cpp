// SPDX-License-Identifier: MIT
#include "lib/base/harmless.hpp"

#include <array>
#include <cstdint>
#include <optional>

namespace tickwire::detail {
namespace {

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

}  // namespace

std::string_view cut_text(std::string_view text, std::size_t most_bytes) noexcept {
  if (text.size() <= most_bytes) return text;
  std::size_t end = most_bytes;
  while (end > 0 && (byte_at(text, end) & 0xc0) == 0x80)
    --end;
  return text.substr(0, end);
}

std::string harmless_characters(std::string_view text, std::string_view harmful, char instead) {
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

}  // namespace tickwire::detail
