// SPDX-License-Identifier: MIT
#pragma once

#include "demos/arena/view.hpp"

namespace arena {

/// The keys that a simple player would hold: it runs after the crown, and away with it.
[[nodiscard]] Input play(const View& view);

}  // namespace arena
