// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace users {

/// Asks for a new password: twice and without showing it on a terminal, or one line of standard
/// input where that is no terminal.
///
/// Errors: false, with a sentence in `problem`.
[[nodiscard]] bool read_new_password(std::string& password, std::string& problem);

/// Asks for a password that is known already: once, and otherwise the same.
[[nodiscard]] bool read_password(std::string& password, std::string& problem);

}  // namespace users
