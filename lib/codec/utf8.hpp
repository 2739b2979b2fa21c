// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace tickwire::detail {

/// Whether `text` is valid UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
///
/// Source: RFC 3629.
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

}  // namespace tickwire::detail
