// SPDX-License-Identifier: MIT
#include "lib/platform/socket_errno.hpp"
#include "lib/platform/socket_headers.hpp"

namespace tickwire::detail {

int last_socket_error() noexcept {
  return WSAGetLastError();
}

void clear_socket_error() noexcept {
  WSASetLastError(0);
}

bool is_would_block(int system_code) noexcept {
  return system_code == WSAEWOULDBLOCK;
}

// Winsock 2 knows no signals.
bool is_interrupted(int) noexcept {
  return false;
}

bool is_connecting(int system_code) noexcept {
  return system_code == WSAEWOULDBLOCK;
}

bool is_callers_own(int system_code) noexcept {
  return system_code == WSAECONNRESET || system_code == WSAECONNABORTED;
}

bool is_out_of_resources(int system_code) noexcept {
  return system_code == WSAEMFILE || system_code == WSAENOBUFS ||
         system_code == WSA_NOT_ENOUGH_MEMORY;
}

ErrorCode code_of_socket_error(int system_code) noexcept {
  if (is_out_of_resources(system_code)) return ErrorCode::out_of_resources;
  switch (system_code) {
    case WSAEADDRINUSE:
      return ErrorCode::address_in_use;
    case WSAEADDRNOTAVAIL:
    case WSAEACCES:
      return ErrorCode::address_unavailable;
    case WSAECONNREFUSED:
      return ErrorCode::connection_refused;
    case WSAETIMEDOUT:
      return ErrorCode::connect_timed_out;
    case WSAECONNRESET:
    case WSAECONNABORTED:
    case WSAENETRESET:
    case WSAESHUTDOWN:
      return ErrorCode::connection_reset;
    default:
      return ErrorCode::socket_failed;
  }
}

}  // namespace tickwire::detail
