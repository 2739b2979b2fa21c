// SPDX-License-Identifier: MIT
#pragma once

#include <tickwire/error.hpp>

namespace tickwire::detail {

/// What the system last said of a socket, where that was called by a library that does not tell.
[[nodiscard]] int last_socket_error() noexcept;
/// Before such a call: it leaves what was there before when nothing fails.
void clear_socket_error() noexcept;
/// Whether a call would have had to wait; nothing has failed.
[[nodiscard]] bool is_would_block(int socket_error) noexcept;
/// For a socket that could not be had for an address.
[[nodiscard]] ErrorCode code_of_socket_error(int socket_error) noexcept;

}  // namespace tickwire::detail
