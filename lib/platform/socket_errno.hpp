// SPDX-License-Identifier: MIT
#pragma once

#include <tickwire/error.hpp>

namespace tickwire::detail {

/// What the system last said of a socket.
[[nodiscard]] int last_socket_error() noexcept;
/// Before a call by a library that does not tell: it leaves what was there when nothing fails.
void clear_socket_error() noexcept;

/// Whether a call would have had to wait; nothing has failed.
[[nodiscard]] bool is_would_block(int system_code) noexcept;
/// Whether a signal has cut a call short, which is to be made again.
[[nodiscard]] bool is_interrupted(int system_code) noexcept;
/// Whether a socket that never blocks is connecting now.
[[nodiscard]] bool is_connecting(int system_code) noexcept;
/// Whether accepting failed for what has become of the caller meanwhile: the listening socket is
/// well.
[[nodiscard]] bool is_callers_own(int system_code) noexcept;
/// Whether it failed for want of descriptors or memory, which others may give back.
[[nodiscard]] bool is_out_of_resources(int system_code) noexcept;

/// What the operating system's number means.
[[nodiscard]] ErrorCode code_of_socket_error(int system_code) noexcept;
/// The same with a sentence.
[[nodiscard]] Error socket_error(int system_code);

}  // namespace tickwire::detail
