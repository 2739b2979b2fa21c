// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string_view>

#include <tickwire/config.hpp>

#include "lib/transport/transport.hpp"

namespace tickwire::detail {

/// Makes the transport that speaks a scheme. The one place that names them all.
///
/// Errors: `unknown_scheme`, `clock_mismatch`, `out_of_resources`.
[[nodiscard]] Result<std::unique_ptr<Transport>> make_transport(
    std::string_view scheme, const TransportContext& context,
    const std::shared_ptr<MemoryNetwork>& memory_network);

}  // namespace tickwire::detail
