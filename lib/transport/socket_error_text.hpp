// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <utility>

#include <tickwire/address.hpp>
#include <tickwire/error.hpp>

namespace tickwire::detail {

/// Says, for a socket that could not be had for an address, what a user can do about it.
[[nodiscard]] inline Error explain_socket_error(Error error, const Address& address) {
  const std::string name = address.to_string();
  switch (error.code) {
    case ErrorCode::address_in_use:
      error.detail = name + " is taken: somebody already listens on this port.";
      break;
    case ErrorCode::address_unavailable:
      error.detail = name + " is not an address of this machine, or you may not use the port.";
      break;
    case ErrorCode::out_of_resources:
      error.detail = "No socket left for " + name + ": too many files are open.";
      break;
    default:
      error.detail = "The operating system refused a socket for " + name +
                     (error.detail.empty() ? "." : ". " + error.detail);
      break;
  }
  return error;
}

}  // namespace tickwire::detail
