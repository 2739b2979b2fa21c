// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <span>

namespace tickwire::detail {

/// Fills `bytes` with random numbers that nobody can foretell.
///
/// Errors: false when the operating system has none to give; nothing in `bytes` is usable then.
/// Thread: any.
[[nodiscard]] bool fill_random(std::span<std::byte> bytes) noexcept;

}  // namespace tickwire::detail
