// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <tickwire/clock.hpp>

namespace tickwire::detail {

/// Where a datagram comes from or goes to.
///
/// Shape: host in network byte order, as ENet keeps it; port in the machine's.
struct Ipv4Endpoint {
  std::uint32_t host = 0;
  std::uint16_t port = 0;

  friend bool operator==(const Ipv4Endpoint&, const Ipv4Endpoint&) = default;
};

/// A well-formed CONNECT that asks a listener for a peer slot.
struct ConnectAttempt {
  Ipv4Endpoint from;       ///< not proven: anybody can write any address into a datagram
  std::uint32_t data = 0;  ///< what the dialler sent along
  TimePoint now{};
};

enum class Admission : std::uint8_t { admit, drop };

/// Decides whether a CONNECT may take a slot, before ENet sees it: the place for a cookie that
/// proves the address, and for limits per address.
///
/// Thread: called on the host's thread, from inside `Transport::service`.
class ConnectGate {
 public:
  virtual ~ConnectGate() = default;
  [[nodiscard]] virtual Admission consider(const ConnectAttempt& attempt) noexcept = 0;
};

/// Lets everybody in.
class OpenGate final : public ConnectGate {
 public:
  [[nodiscard]] Admission consider(const ConnectAttempt&) noexcept override {
    return Admission::admit;
  }
};

}  // namespace tickwire::detail
