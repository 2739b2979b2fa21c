// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/base/packet.hpp"

namespace tickwire::detail {

/// Where a session's finished packets go: a link, or a test.
class PacketSink {
 public:
  virtual ~PacketSink() = default;
  /// See `Link::capacity_bytes`.
  [[nodiscard]] virtual std::size_t capacity_bytes(Lane lane) const noexcept = 0;
  virtual void send(Packet packet, Lane lane, std::uint8_t channel) = 0;
  /// See `Link::send_pieces`.
  virtual void send_pieces(Packet, Packet, Lane, std::uint8_t) {}
};

}  // namespace tickwire::detail
