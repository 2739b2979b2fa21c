// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace tickwire::detail {

/// Where a datagram comes from or goes to.
///
/// Shape: host in network byte order, as ENet keeps it; port in the machine's.
struct Ipv4Endpoint {
  std::uint32_t host = 0;
  std::uint16_t port = 0;

  friend bool operator==(const Ipv4Endpoint&, const Ipv4Endpoint&) = default;
};

}  // namespace tickwire::detail
