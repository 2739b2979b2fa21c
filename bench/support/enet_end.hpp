// SPDX-License-Identifier: MIT
#pragma once

#include <enet/enet.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace bench {

struct FreeEnetPacket {
  void operator()(ENetPacket* packet) const { enet_packet_destroy(packet); }
};
using EnetPacket = std::unique_ptr<ENetPacket, FreeEnetPacket>;

[[nodiscard]] inline std::span<const std::byte> bytes_of(const ENetPacket& packet) {
  return {reinterpret_cast<const std::byte*>(packet.data), packet.dataLength};
}

/// The flags of a packet that is sent so. Unreliable ones stay in order among themselves.
[[nodiscard]] inline std::uint32_t enet_flags(const std::string& delivery) {
  return delivery == "reliable" ? ENET_PACKET_FLAG_RELIABLE : 0;
}

struct FreeEnetHost {
  void operator()(ENetHost* host) const { enet_host_destroy(host); }
};
using EnetHost = std::unique_ptr<ENetHost, FreeEnetHost>;

/// That port of 127.0.0.1.
[[nodiscard]] ENetAddress enet_loopback(std::uint16_t port);
/// A host with that many peers and one channel, at an address or at none. Throws, as all here.
[[nodiscard]] EnetHost make_enet_host(const ENetAddress* bound, std::size_t peers);
[[nodiscard]] std::uint16_t port_of(const ENetHost& host);
/// Room for what many peers say at the same moment: 4 MiB in each direction, if the system allows.
void widen_buffers(ENetHost& host);
/// Pins a connected peer's throttle open, at both ends: it takes a busy receiver for a bad network,
/// narrows the window then, and drops unreliable packets.
void pin_throttle(ENetPeer& peer);

/// One end of a connection over ENet alone, as those set it up who know it: the throttle, which
/// drops unreliable packets and narrows the window, is pinned open.
class EnetEnd {
 public:
  enum Listen { listen };
  /// Listens at a free port of 127.0.0.1. An MTU of 0 is ENet's own.
  explicit EnetEnd(Listen, std::uint32_t mtu_bytes = 0);
  /// Dials, and returns when the connection is up.
  explicit EnetEnd(std::uint16_t port, std::uint32_t mtu_bytes = 0);
  EnetEnd(const EnetEnd&) = delete;
  EnetEnd& operator=(const EnetEnd&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_of(*host_); }
  /// Returns when somebody has dialled.
  void wait_connected();

  /// Queues a packet; it leaves with `flush` or `service`. Who also holds a reference to the packet
  /// keeps it.
  void send(ENetPacket* packet);
  void flush() { enet_host_flush(host_.get()); }
  /// Sends and receives what is due, waiting no longer than that, and hands out a packet if there
  /// is one. Throws when the connection has ended.
  [[nodiscard]] EnetPacket service(std::uint32_t milliseconds);
  /// Returns when there is something to receive, or a millisecond has passed.
  void wait_readable();

 private:
  EnetHost host_;
  ENetPeer* peer_ = nullptr;
};

}  // namespace bench
