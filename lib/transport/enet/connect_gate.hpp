// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include <tickwire/access_list.hpp>
#include <tickwire/clock.hpp>

#include "lib/base/connect_rate.hpp"
#include "lib/transport/enet/enet_cookie.hpp"

namespace tickwire::detail {

/// A well-formed CONNECT that asks a listener for a peer slot.
struct ConnectAttempt {
  Ipv4Endpoint from;         ///< not proven: anybody can write any address into a datagram
  std::uint32_t cookie = 0;  ///< what the dialler sent along as CONNECT's data
  std::uint32_t id = 0;      ///< the connection's, to be
};

/// A listener's slots, as one who knocks finds them.
struct Census {
  std::size_t idle = 0;
  std::size_t of_address = 0;              ///< half-open or up, from any port of the address
  bool is_known = false;                   ///< this very call has its slot already
  std::optional<std::size_t> half_open{};  ///< an earlier call from the same address and port
  std::size_t steps = 0;                   ///< slots that were looked at
};

enum class Entry : std::uint8_t { admit, known, crowded, full, too_often };

/// Decides whether a CONNECT may take a slot, before ENet sees it. Keeps nothing per caller: all
/// that it says to one without a cookie is a cookie.
///
/// Thread: the host's.
class ConnectGate {
 public:
  struct Limits {
    std::optional<std::size_t> per_address{};
    ConnectRate* rate = nullptr;         ///< nothing: any
    const AccessList* access = nullptr;  ///< nothing: anybody
  };

  ConnectGate(CookieJar jar, Limits limits) : jar_(std::move(jar)), limits_(limits) {}

  /// Whether the address is on the access list. To be asked before anything else.
  [[nodiscard]] bool refuses(Ipv4Endpoint from) const;
  [[nodiscard]] CookieDatagram answer(const CookieDatagram& question, Ipv4Endpoint from,
                                      TimePoint now) noexcept;
  /// Whether the cookie is one of ours. The first thing to ask, and all that a flood costs.
  [[nodiscard]] bool is_proven(const ConnectAttempt& attempt, TimePoint now) noexcept;
  /// Whether its address has come as often as it may, which is asked before a look at all slots is
  /// spent on it.
  [[nodiscard]] bool is_too_often(const ConnectAttempt& attempt, TimePoint now) const noexcept;
  /// Pre: the attempt is proven.
  [[nodiscard]] Entry consider(const ConnectAttempt& attempt, const Census& census,
                               TimePoint now) noexcept;

 private:
  CookieJar jar_;
  Limits limits_;
};

}  // namespace tickwire::detail
