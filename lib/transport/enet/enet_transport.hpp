// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include <tickwire/error.hpp>

#include "lib/transport/transport.hpp"

namespace tickwire::detail {

/// Links over UDP by ENet 1.3: `enet://` addresses, IPv4 only.
///
/// Errors: `clock_mismatch` while another transport of the process uses another clock;
///         `not_supported` when the ENet library is not the version that this was built with.
[[nodiscard]] Result<std::unique_ptr<Transport>> make_enet_transport(TransportContext context);

}  // namespace tickwire::detail
