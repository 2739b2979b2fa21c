// SPDX-License-Identifier: MIT
#pragma once

#include <tickwire/config.hpp>

namespace tickwire::detail {

/// Returns the config when it makes sense. Throws `std::invalid_argument` that names the field.
[[nodiscard]] HostConfig checked(HostConfig config);

}  // namespace tickwire::detail
