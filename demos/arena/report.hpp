// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "demos/arena/client.hpp"

namespace arena {

/// A client's figures, as JSON.
[[nodiscard]] std::string report_json(Client& client, const std::string& name);

}  // namespace arena
