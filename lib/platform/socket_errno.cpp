// SPDX-License-Identifier: MIT
#include "lib/platform/socket_errno.hpp"

#ifdef _WIN32
#include <winsock2.h>
#else
#include <cerrno>
#endif

namespace tickwire::detail {

#ifdef _WIN32
int last_socket_error() noexcept {
  return WSAGetLastError();
}
void clear_socket_error() noexcept {
  WSASetLastError(0);
}
bool is_would_block(int socket_error) noexcept {
  return socket_error == WSAEWOULDBLOCK;
}
ErrorCode code_of_socket_error(int socket_error) noexcept {
  switch (socket_error) {
    case WSAEADDRINUSE:
      return ErrorCode::address_in_use;
    case WSAEADDRNOTAVAIL:
    case WSAEACCES:
      return ErrorCode::address_unavailable;
    case WSAEMFILE:
    case WSAENOBUFS:
      return ErrorCode::out_of_resources;
    default:
      return ErrorCode::socket_failed;
  }
}
#else
int last_socket_error() noexcept {
  return errno;
}
void clear_socket_error() noexcept {
  errno = 0;
}
bool is_would_block(int socket_error) noexcept {
  return socket_error == EAGAIN || socket_error == EWOULDBLOCK;
}
ErrorCode code_of_socket_error(int socket_error) noexcept {
  switch (socket_error) {
    case EADDRINUSE:
      return ErrorCode::address_in_use;
    case EADDRNOTAVAIL:
    case EACCES:
      return ErrorCode::address_unavailable;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return ErrorCode::out_of_resources;
    default:
      return ErrorCode::socket_failed;
  }
}
#endif

}  // namespace tickwire::detail
