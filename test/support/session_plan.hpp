// SPDX-License-Identifier: MIT
#pragma once

#include "lib/session/session_settings.hpp"

namespace tickwire::test {

/// All that a session is told.
struct SessionPlan : detail::SessionSettings {
  detail::SessionStart start;
};

}  // namespace tickwire::test
