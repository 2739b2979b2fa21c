// SPDX-License-Identifier: MIT
#pragma once

#include <memory_resource>

namespace tickwire::detail {

/// The program's default resource. Where that is the free store, one that asks the system to back
/// blocks of 8 MiB and more with large pages: a message of that size is new memory each time, and
/// would be written at the pace at which the system hands out pages of 4 KiB.
///
/// Lifetime: for ever.
/// Thread:   any.
/// Memory:   as it is written: the first 4 MiB in small pages, so that a large message that is
///           announced and never sent costs little, then 2 MiB at a time.
[[nodiscard]] std::pmr::memory_resource* default_memory() noexcept;

}  // namespace tickwire::detail
