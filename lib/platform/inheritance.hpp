// SPDX-License-Identifier: MIT
#pragma once

#include "lib/platform/poller.hpp"

namespace tickwire::detail {

/// Keeps a socket out of the programs that this one starts: one of them would hold its port, and
/// what arrives there, for as long as it runs.
void keep_from_children(SocketHandle socket) noexcept;

}  // namespace tickwire::detail
