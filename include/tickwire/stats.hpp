// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <tickwire/clock.hpp>

namespace tickwire {

/// Every way in which a connection drops input or refuses output, one counter per cause.
struct DropCounters {
  std::uint64_t stale_sequenced = 0;        ///< received: older than the newest of its channel
  std::uint64_t duplicate_datagrams = 0;    ///< received: seen before
  std::uint64_t unreliable_not_polled = 0;  ///< received: the program left too many bytes waiting
  std::uint64_t unreliable_queue_full = 0;  ///< to send: the oldest gave way to a newer one
  std::uint64_t unreliable_too_old = 0;     ///< to send: waited longer than its age limit
  std::uint64_t unreliable_replaced = 0;    ///< to send: replaced under its `replace_key`
  std::uint64_t unsent_at_close = 0;        ///< to send: the connection ended first
  std::uint64_t refused_too_large = 0;      ///< `send` refused with `message_too_large`
  std::uint64_t refused_queue_full = 0;     ///< `send` refused with `send_queue_full`
  std::uint64_t refused_not_open = 0;       ///< `send` refused with `not_connected`
  std::uint64_t refused_invalid = 0;  ///< `send` refused for what it was asked: any other code
  std::uint64_t unknown_records = 0;  ///< received: ignorable records of a newer version
  std::uint64_t masked_events = 0;    ///< received: the program did not ask for such events
  std::uint64_t undecryptable_packets = 0;  ///< received: the protector could not open it
  std::uint64_t early_packets = 0;          ///< received: data before the handshake was through
};

/// What one connection has done so far.
struct ConnectionStats {
  Duration rtt{};     ///< smoothed round-trip time, RFC 6298's filter; 0 until the first echo
  Duration jitter{};  ///< mean deviation of the round-trip time
  /// Share of the datagrams of this end that the remote end missed, 0 to 1, over the last seconds;
  /// nothing on streams, which lose none.
  std::optional<double> packet_loss_ratio;
  std::uint64_t bytes_sent = 0;  ///< session packets, without the transport's own headers
  std::uint64_t bytes_received = 0;
  std::uint64_t packets_sent = 0;
  std::uint64_t packets_received = 0;
  std::uint64_t messages_sent = 0;
  std::uint64_t messages_received = 0;
  std::uint64_t unknown_types_received = 0;  ///< handed out, but of no type that this program named
  std::size_t queued_bytes = 0;              ///< waits in this end's send queues
  DropCounters drops;
  std::uint64_t interruptions = 0;        ///< losses of the transport that it may outlive
  std::uint64_t messages_sent_again = 0;  ///< after them, as the other end had not taken them
};

/// What a host has done so far, over all connections, closed ones included.
struct HostStats {
  ConnectionStats connections;          ///< sums; `rtt`, `jitter` and `packet_loss_ratio` are unset
  std::uint64_t accepted = 0;           ///< incoming connections that came up
  std::uint64_t dialled = 0;            ///< outgoing connections that came up
  std::uint64_t handshakes_failed = 0;  ///< incoming: garbage, silence, or gone before the end
  std::uint64_t handshakes_refused = 0;  ///< incoming: turned away with a reason
  std::uint64_t refused_full = 0;        ///< incoming: `max_connections` reached
  std::uint64_t refused_address = 0;     ///< incoming: `max_connections_per_address` reached
  std::uint64_t events_delivered = 0;
  std::uint64_t ticks_run = 0;
  std::uint64_t ticks_skipped = 0;
  std::uint64_t transport_errors = 0;     ///< socket calls that failed and were tried again
  std::uint64_t malformed_datagrams = 0;  ///< datagrams dropped before any connection saw them
  std::size_t open_connections = 0;       ///< on which messages can be sent
  std::uint64_t refused_rate = 0;  ///< incoming: `max_connects_per_address_per_second` exceeded
  std::uint64_t bad_cookies = 0;   ///< `enet://`: callers who did not prove their address
  /// Incoming: `HostConfig::access` refuses the address. Over `enet://` a caller is counted each
  /// time that it asks, and the address need not be its own.
  std::uint64_t refused_access = 0;
};

}  // namespace tickwire
