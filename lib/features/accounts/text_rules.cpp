// SPDX-License-Identifier: MIT
#include "lib/features/accounts/text_rules.hpp"

#include <cstdint>
#include <string>

namespace tickwire::detail {
namespace {

Error refusal(std::string sentence) {
  return {ErrorCode::invalid_argument, 0, std::move(sentence)};
}

// Takes one character off the front; nothing valid is 0xffff'ffff.
std::uint32_t take_character(std::string_view& text) noexcept {
  constexpr std::uint32_t invalid = 0xffff'ffff;
  const auto byte_at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte_at(0);
  std::size_t size = 1;
  std::uint32_t value = first;
  std::uint32_t least = 0;
  if (first >= 0xf0 && first < 0xf8) {
    size = 4, value = first & 0x07, least = 0x10000;
  } else if (first >= 0xe0 && first < 0xf0) {
    size = 3, value = first & 0x0f, least = 0x800;
  } else if (first >= 0xc0 && first < 0xe0) {
    size = 2, value = first & 0x1f, least = 0x80;
  } else if (first >= 0x80) {
    return invalid;
  }
  if (text.size() < size) return invalid;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte_at(i) & 0xc0) != 0x80) return invalid;
    value = value << 6 | (byte_at(i) & 0x3fu);
  }
  text.remove_prefix(size);
  const bool is_surrogate = value >= 0xd800 && value < 0xe000;
  return value < least || value > 0x10ffff || is_surrogate ? invalid : value;
}

}  // namespace

bool is_clean_text(std::string_view text) noexcept {
  while (!text.empty()) {
    const std::uint32_t character = take_character(text);
    const bool is_control = character < 0x20 || (character >= 0x7f && character < 0xa0);
    if (character > 0x10ffff || is_control) return false;
  }
  return true;
}

Result<void> check_user(std::string_view name) {
  if (name.empty()) return refusal("A user needs a name.");
  if (name.size() > kMaxUserBytes) return refusal("A user's name has at most 64 bytes.");
  if (!is_clean_text(name)) {
    return refusal("A user's name is UTF-8 without control characters.");
  }
  if (name.front() == ' ' || name.back() == ' ') {
    return refusal("A user's name neither begins nor ends with a space.");
  }
  return {};
}

Result<void> check_password(std::string_view password) {
  if (password.empty()) return refusal("A password may not be empty.");
  if (password.size() > kMaxPasswordBytes) return refusal("A password has at most 1,024 bytes.");
  if (!is_clean_text(password)) {
    return refusal("A password is UTF-8 without control characters.");
  }
  return {};
}

}  // namespace tickwire::detail
