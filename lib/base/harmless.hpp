// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tickwire::detail {

/// The text with another character for each that a terminal obeys, that turns the direction of
/// text, or that is one of the harmful ones, and for each byte that is no UTF-8.
///
/// Shape: `harmful` and `instead` are ASCII.
[[nodiscard]] std::string harmless_characters(std::string_view text, std::string_view harmful,
                                              char instead);

/// At most so many bytes of it, cut between two characters.
[[nodiscard]] std::string_view cut_text(std::string_view text, std::size_t most_bytes) noexcept;

}  // namespace tickwire::detail
