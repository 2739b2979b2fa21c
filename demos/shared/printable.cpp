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
  // A control character may also be hidden in more bytes than it needs; and half a character of
  // UTF-16, or what is beyond the last one, is none.
  if ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90)) return 0;
  if ((first == 0xed && byte(1) >= 0xa0) || (first == 0xf4 && byte(1) >= 0x90)) return 0;
  return bytes;
}

char32_t code_point(std::string_view character) {
  const auto first = static_cast<unsigned char>(character.front());
  const std::size_t bytes = character.size();
  auto point = static_cast<char32_t>(bytes == 1 ? first : first & (0x7fu >> bytes));
  for (const char next : character.substr(1))
    point = point << 6 | (static_cast<unsigned char>(next) & 0x3fu);
  return point;
}

// C0, delete, and C1, which terminals obey as well.
bool is_control(char32_t point) {
  return point < 0x20 || (point >= 0x7f && point < 0xa0);
}

// Some scripts, and pictures of families, cannot do without; but two names look alike with them.
bool is_joiner(char32_t point) {
  return point == 0x200c || point == 0x200d;
}

// Nobody needs these in a line but who wants to deceive, or have it run the other way.
bool is_invisible(char32_t point) {
  return point == 0x200b || point == 0x200e || point == 0x200f ||
         (point >= 0x2028 && point <= 0x202e) || (point >= 0x2060 && point <= 0x2069) ||
         point == 0xfeff;
}

bool is_shown(char32_t point) {
  return !is_control(point) && !is_invisible(point);
}

// Pre: it is UTF-8.
std::u32string code_points(std::string_view text) {
  std::u32string points;
  while (!text.empty()) {
    const std::size_t bytes = character_bytes(text);
    points += code_point(text.substr(0, bytes));
    text.remove_prefix(bytes);
  }
  return points;
}

bool is_blank(char32_t point) {
  return point == ' ' || point == 0xa0 || point == 0x1680 || (point >= 0x2000 && point <= 0x200a) ||
         point == 0x202f || point == 0x205f || point == 0x3000;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::size_t bytes = character_bytes(text);
    const std::string_view character = text.substr(0, std::max<std::size_t>(bytes, 1));
    result += bytes > 0 && is_shown(code_point(character)) ? character : std::string_view("?");
    text.remove_prefix(character.size());
  }
  return result;
}

bool is_printable(std::string_view text) {
  return printable(text) == text;
}

std::string name_fault(std::string_view name) {
  const std::string cannot_be_seen = "has control or invisible characters or is no UTF-8";
  if (!is_printable(name)) return cannot_be_seen;
  const std::u32string points = code_points(name);
  if (std::any_of(points.begin(), points.end(), is_joiner)) return cannot_be_seen;
  const bool is_padded = !points.empty() && (is_blank(points.front()) || is_blank(points.back()));
  return is_padded ? "begins or ends with a blank" : "";
}

}  // namespace demo
