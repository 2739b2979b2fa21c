// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>

#include <tickwire/error.hpp>

#include "lib/transport/stream/frame_reader.hpp"

namespace tickwire::detail {

/// Says what came in the place of a frame's length, and from whom, where that can be told.
[[nodiscard]] Error violation_error(const std::array<std::byte, kFramePrefixBytes>& claim);

}  // namespace tickwire::detail
