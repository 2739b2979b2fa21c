// SPDX-License-Identifier: MIT
#include "demos/shared/printable.hpp"

#include <algorithm>
#include <cstddef>

namespace demo {
namespace {

// How many bytes the first character of a text has; 0 when it begins with none.
std::size_t character_bytes(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const std::size_t bytes = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (text.size() < bytes) return 0;
  for (std::size_t at = 1; at < bytes; ++at)
    if ((byte(at) & 0xc0u) != 0x80) return 0;
  // A control character may also be hidden in more bytes than it needs.
  if ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90)) return 0;
  return bytes;
}

// C0 and delete; in two bytes, C1, which terminals obey as well.
bool is_control(std::string_view character) {
  const auto last = static_cast<unsigned char>(character.back());
  if (character.size() == 1) return last < 0x20 || last == 0x7f;
  return character.size() == 2 && character.front() == '\xc2' && last < 0xa0;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::size_t bytes = character_bytes(text);
    const std::string_view character = text.substr(0, std::max<std::size_t>(bytes, 1));
    result += bytes == 0 || is_control(character) ? std::string_view("?") : character;
    text.remove_prefix(character.size());
  }
  return result;
}

bool is_printable(std::string_view text) {
  return printable(text) == text;
}

}  // namespace demo
