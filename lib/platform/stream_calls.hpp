// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <span>

#include "lib/platform/poller.hpp"
#include "lib/platform/socket_address.hpp"

namespace tickwire::detail {

/// What stream sockets ask of the system where systems differ. `last_socket_error` says why one of
/// these has failed.
inline constexpr SocketHandle kNoSocket = -1;

/// One that never blocks and that no child process inherits; `kNoSocket` when there is none.
[[nodiscard]] SocketHandle open_stream(bool is_ipv6) noexcept;
/// The same for the next caller.
[[nodiscard]] SocketHandle accept_stream(SocketHandle listener, SocketAddress& from) noexcept;
void close_stream(SocketHandle socket) noexcept;

/// For a server that comes back, and must not wait for its old connections to be forgotten.
void reuse_address(SocketHandle listener) noexcept;

/// Answers how many bytes came, 0 at the end, less when it failed. An empty `first` is left out.
[[nodiscard]] std::ptrdiff_t receive_pieces(SocketHandle socket, std::span<std::byte> first,
                                            std::span<std::byte> second) noexcept;
/// Answers how many bytes the system took, less than 0 when it failed.
[[nodiscard]] std::ptrdiff_t send_pieces(
    SocketHandle socket, std::span<const std::span<const std::byte>> pieces) noexcept;

/// The other end reads an end then.
void end_sending(SocketHandle socket) noexcept;

}  // namespace tickwire::detail
