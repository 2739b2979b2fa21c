// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace chat {

/// The text without control characters: what others write must not steer the terminal.
[[nodiscard]] inline std::string printable(std::string text) {
  std::erase_if(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  // The C1 controls, as UTF-8 has them.
  for (std::size_t at = 0; at + 1 < text.size();) {
    const auto next = static_cast<unsigned char>(text[at + 1]);
    if (static_cast<unsigned char>(text[at]) == 0xc2 && next >= 0x80 && next < 0xa0) {
      text.erase(at, 2);
    } else {
      ++at;
    }
  }
  return text;
}

}  // namespace chat
