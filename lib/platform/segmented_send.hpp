// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <span>

#include "lib/base/io_result.hpp"
#include "lib/base/ipv4_endpoint.hpp"
#include "lib/platform/poller.hpp"

namespace tickwire::detail {

/// What the system takes in one call: the largest UDP payload, and Linux' least limit of datagrams.
inline constexpr std::size_t kMaxSegmentedBytes = 65'507;
inline constexpr std::size_t kMaxSegments = 64;

/// Whether the system cuts up what a UDP socket is to send as several datagrams. One that does not
/// know how would send all as one.
[[nodiscard]] bool can_send_segmented(SocketHandle socket) noexcept;

/// Sends bytes through a UDP socket as datagrams of `segment_bytes` each, the last one may be
/// shorter, in one call: the system cuts them up behind most of what it does for a datagram, so
/// that 16 of 4 KiB cost over loopback what 4 cost that are sent by themselves.
///
/// Pre:    it can.
/// Errors: `blocked` without room; `failed` also where the system does not cut up on this way: one
///         by one they may leave all the same. Nothing has left then.
/// Source: Linux' UDP_SEGMENT, since 4.18.
[[nodiscard]] IoResult send_segmented(SocketHandle socket, Ipv4Endpoint to,
                                      std::span<const std::byte> bytes,
                                      std::size_t segment_bytes) noexcept;

}  // namespace tickwire::detail
