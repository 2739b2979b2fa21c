// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "lib/base/io_result.hpp"
#include "lib/platform/poller.hpp"

namespace tickwire::detail {

/// An IPv4 address, as the network has it, and a port.
struct BlockReceiver {
  std::uint32_t host = 0;
  std::uint16_t port = 0;
};

/// Sends a block through a UDP socket as datagrams of `datagram_bytes`, of which the last one may
/// be shorter: the system cuts it up behind most of its work for one, so that 16 datagrams of 4
/// KiB cost over loopback what 4 do that are sent by themselves.
///
/// Errors: `failed` where the system has no such call, or not for this way; `blocked` where it has
///         no room. Nothing has left then.
/// Source: Linux' UDP_SEGMENT ("generic segmentation offload", since 4.18).
[[nodiscard]] IoResult send_datagram_block(SocketHandle socket, BlockReceiver to,
                                           std::span<const std::byte> block,
                                           std::size_t datagram_bytes) noexcept;

}  // namespace tickwire::detail
