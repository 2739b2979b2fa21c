// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "lib/base/packet.hpp"

namespace tickwire::detail {

/// Seals what leaves a session and opens what arrives, in place. The one of today does neither: the
/// transport below is trusted with the bytes (TLS), or nobody is (plain ENet and TCP).
///
/// One that encrypts runs its own handshake over `handshake_data` records before the connection
/// comes up; `is_ready` says when its keys stand.
class PacketProtector {
 public:
  virtual ~PacketProtector() = default;

  /// Pre: 16 bytes of headroom and 24 of tailroom are free for it.
  virtual void seal(Packet& packet) = 0;
  /// Whether it looks into packets, which must then be in one piece.
  [[nodiscard]] virtual bool needs_whole_packets() const noexcept = 0;
  /// False when the packet is not the other end's; it is dropped and counted.
  [[nodiscard]] virtual bool open(Packet& packet) = 0;

  /// Takes bytes of the other end's protector; false ends the connection.
  [[nodiscard]] virtual bool take_handshake(std::span<const std::byte> bytes) = 0;
  /// Appends bytes for the other end's protector.
  virtual void give_handshake(std::vector<std::byte>& bytes) = 0;
  [[nodiscard]] virtual bool is_ready() const noexcept = 0;
};

/// Changes nothing, and is ready at once.
class NullProtector final : public PacketProtector {
 public:
  void seal(Packet&) override {}
  [[nodiscard]] bool needs_whole_packets() const noexcept override { return false; }
  [[nodiscard]] bool open(Packet&) override { return true; }
  [[nodiscard]] bool take_handshake(std::span<const std::byte>) override { return false; }
  void give_handshake(std::vector<std::byte>&) override {}
  [[nodiscard]] bool is_ready() const noexcept override { return true; }
};

}  // namespace tickwire::detail
