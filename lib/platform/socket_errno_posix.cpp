// SPDX-License-Identifier: MIT
#include <cerrno>

#include "lib/platform/socket_errno.hpp"

namespace tickwire::detail {

int last_socket_error() noexcept {
  return errno;
}

void clear_socket_error() noexcept {
  errno = 0;
}

bool is_would_block(int system_code) noexcept {
  return system_code == EAGAIN || system_code == EWOULDBLOCK;
}

bool is_interrupted(int system_code) noexcept {
  return system_code == EINTR;
}

bool is_connecting(int system_code) noexcept {
  return system_code == EINPROGRESS;
}

// Linux hands an accepting program what has become of the caller meanwhile (accept(2)).
bool is_callers_own(int system_code) noexcept {
  switch (system_code) {
    case EINTR:
    case ECONNABORTED:
    case EPERM:
    case EPROTO:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
      return true;
    default:
      return false;
  }
}

bool is_out_of_resources(int system_code) noexcept {
  return system_code == EMFILE || system_code == ENFILE || system_code == ENOBUFS ||
         system_code == ENOMEM;
}

ErrorCode code_of_socket_error(int system_code) noexcept {
  if (is_out_of_resources(system_code)) return ErrorCode::out_of_resources;
  switch (system_code) {
    case EADDRINUSE:
      return ErrorCode::address_in_use;
    case EADDRNOTAVAIL:
    case EACCES:
    case EPERM:
      return ErrorCode::address_unavailable;
    case ECONNREFUSED:
      return ErrorCode::connection_refused;
    case ETIMEDOUT:
      return ErrorCode::connect_timed_out;
    case ECONNRESET:
    case EPIPE:
      return ErrorCode::connection_reset;
    default:
      return ErrorCode::socket_failed;
  }
}

}  // namespace tickwire::detail
