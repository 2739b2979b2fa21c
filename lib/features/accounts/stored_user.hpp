// SPDX-License-Identifier: MIT
#pragma once

#include <tickwire/accounts.hpp>

#include "lib/features/accounts/scram.hpp"

namespace tickwire::detail {

/// One user as a login needs it; or, for a name that nobody has, one like it whose password does
/// not exist.
struct StoredUser {
  ScramKeys keys;
  UserState state = UserState::enabled;
};

}  // namespace tickwire::detail
