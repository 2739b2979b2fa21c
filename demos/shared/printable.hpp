// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace demo {

/// The text on one line, with a question mark for each control character, for each that is
/// invisible or turns the line around, and for each byte that is no UTF-8: what others write, and
/// what they call themselves, must not steer the terminal.
[[nodiscard]] std::string printable(std::string_view text);

/// Whether `printable` has nothing to change.
[[nodiscard]] bool is_printable(std::string_view text);

/// Why a name looks like another one or cannot be shown, as the rest of a sentence that begins with
/// "the name"; empty when it is good.
[[nodiscard]] std::string name_fault(std::string_view name);

}  // namespace demo
