// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include <tickwire/testing.hpp>

#include "lib/transport/transport.hpp"

namespace tickwire::detail {

/// The transport behind `memory://name`: hosts of one process that use the same network. Without
/// one, the process-wide network, on which packets arrive at once.
///
/// The reliable lanes keep the order of each (lane, channel) and lose nothing; the datagram lane
/// takes what the network's conditions do to it. Arrival is a matter of the receiving host's
/// clock. A wire never shares memory: bytes are copied when they are sent and when they arrive.
///
/// Shape:  packets of at most 16 KiB, datagrams of at most 1,200 bytes; 256 KiB under way per link
///         and direction before `capacity_bytes` is 0, or less where a bandwidth makes them wait.
///         One `service` hands out at most 1,024 arrivals, and none that was sent after it began.
/// Errors: `address_in_use` from `listen`. A dialled link hears `connection_refused` when nobody
///         listens or the listener turns it away, `server_full` when it takes no more. A link that
///         was up hears `connection_reset`.
/// Thread: one per transport. `TransportContext::wake` is called from other hosts' threads, also
///         when half the window has become free.
[[nodiscard]] std::unique_ptr<Transport> make_memory_transport(
    TransportContext context, const std::shared_ptr<MemoryNetwork>& network);

}  // namespace tickwire::detail
