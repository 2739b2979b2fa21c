// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "lib/transport/stream/stream_shared.hpp"

namespace tickwire::detail {

/// Links over TCP, plain or under TLS, in frames or raw: `tcp://`, `tls://`, `raw+tcp://`,
/// `raw+tls://`; IPv4 and IPv6.
[[nodiscard]] std::unique_ptr<Transport> make_stream_transport(TransportContext context,
                                                               StreamOptions options);

}  // namespace tickwire::detail
