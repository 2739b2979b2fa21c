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

/// One end of a connection over ENet alone, as those set it up who know it: the throttle, which
/// drops unreliable packets and narrows the window, is pinned open.
class EnetEnd {
 public:
  /// Listens at a free port of 127.0.0.1.
  EnetEnd();
  /// Dials, and returns when the connection is up.
  explicit EnetEnd(std::uint16_t port);
  EnetEnd(const EnetEnd&) = delete;
  EnetEnd& operator=(const EnetEnd&) = delete;

  [[nodiscard]] std::uint16_t port() const;
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
  struct FreeHost {
    void operator()(ENetHost* host) const { enet_host_destroy(host); }
  };
  std::unique_ptr<ENetHost, FreeHost> host_;
  ENetPeer* peer_ = nullptr;
};

}  // namespace bench
