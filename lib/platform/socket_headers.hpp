// SPDX-License-Identifier: MIT
#pragma once

#if defined(_WIN32)
#include <winsock2.h>
// After winsock2.h, which it needs.
#include <ws2tcpip.h>
#else
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#endif

#include "lib/platform/poller.hpp"

namespace tickwire::detail {

#if defined(_WIN32)
using NativeSocket = SOCKET;
inline constexpr int kRefused = WSAECONNREFUSED;
/// Winsock wants to be started before the first other call, and is never ended.
void start_sockets() noexcept;
#else
using NativeSocket = int;
inline constexpr int kRefused = ECONNREFUSED;
inline void start_sockets() noexcept {}
#endif

[[nodiscard]] inline NativeSocket native(SocketHandle socket) noexcept {
  return static_cast<NativeSocket>(socket);
}

/// False when the system refuses. Winsock calls the bytes `char`, which POSIX takes too.
template <class Value>
bool set_socket_option(SocketHandle socket, int level, int name, const Value& value) noexcept {
  return setsockopt(native(socket), level, name, reinterpret_cast<const char*>(&value),
                    sizeof value) == 0;
}

template <class Value>
[[nodiscard]] bool get_socket_option(SocketHandle socket, int level, int name,
                                     Value& value) noexcept {
  socklen_t size = sizeof value;
  return getsockopt(native(socket), level, name, reinterpret_cast<char*>(&value), &size) == 0;
}

}  // namespace tickwire::detail
