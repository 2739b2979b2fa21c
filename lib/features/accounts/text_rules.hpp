// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string_view>

#include <tickwire/error.hpp>

namespace tickwire::detail {

inline constexpr std::size_t kMaxUserBytes = 64;
inline constexpr std::size_t kMaxPasswordBytes = 1024;

/// Whether the text is UTF-8 without control characters.
///
/// Source: RFC 3629. Of RFC 4013 (SASLprep) only the refusals that concern control characters:
///         nothing is normalised, so what looks alike may be two names or two passwords.
[[nodiscard]] bool is_clean_text(std::string_view text) noexcept;

/// Errors: `invalid_argument`, with a sentence that does not repeat the text.
[[nodiscard]] Result<void> check_user(std::string_view name);
[[nodiscard]] Result<void> check_password(std::string_view password);

}  // namespace tickwire::detail
