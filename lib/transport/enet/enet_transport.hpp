// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include <tickwire/error.hpp>

#include "lib/transport/enet/connect_gate.hpp"
#include "lib/transport/enet/enet_profile.hpp"
#include "lib/transport/transport.hpp"

namespace tickwire::detail {

/// What an ENet transport can be told besides its context.
struct EnetOptions {
  WindowProfile window = kAdaptiveWindow;
  std::unique_ptr<ConnectGate> gate{};  ///< nothing: everybody may knock
};

/// Links over UDP by ENet 1.3: `enet://` addresses, IPv4 only.
///
/// Errors: `clock_mismatch` while another transport of the process uses another clock;
///         `not_supported` when the ENet library is not the version that this was built with.
[[nodiscard]] Result<std::unique_ptr<Transport>> make_enet_transport(TransportContext context,
                                                                     EnetOptions options = {});

}  // namespace tickwire::detail
