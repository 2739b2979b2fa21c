// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include <tickwire/clock.hpp>

namespace tickwire::detail {

/// How a peer answers a rising round-trip time. ENet keeps a number from 0 to 32 per peer; it
/// scales the window of reliable bytes and the share of datagrams that are sent at all.
struct ThrottleProfile {
  std::uint32_t interval_ms;   ///< how long a lowest round-trip time stands as the reference
  std::uint32_t acceleration;  ///< added per acknowledgement at or below the reference
  std::uint32_t deceleration;  ///< taken off per acknowledgement well above it
  std::uint32_t floor;         ///< never below, 0 to 32
};

/// For any network.
inline constexpr ThrottleProfile kAdaptiveThrottle{1000, 8, 1, 8};
/// For a wire of one's own: no answer to congestion at all.
inline constexpr ThrottleProfile kLanThrottle{5000, 32, 0, 32};

inline constexpr std::uint32_t kThrottleScale = 32;

/// UDP payload that a host fills. ENet adds its checksum on top when it bundles, so that the
/// largest IP packet is 1,392 bytes: it passes the usual tunnels (1,420, 1,400) in one piece.
inline constexpr std::uint32_t kMtuBytes = 1360;
/// What a CONNECT may ask for. Below, a full datagram would silently become reliable; above, its
/// packets would be larger than what is taken in.
inline constexpr std::uint32_t kMinMtuBytes = 1280;
inline constexpr std::uint32_t kMaxMtuBytes = 1400;
/// What ENet keeps free of the MTU in a packet that it does not split: its header (4), the largest
/// command (24) and the checksum (4).
inline constexpr std::uint32_t kEnetOverheadBytes = 32;

/// The largest packet that is taken in: one slice, never a fragment. Slices sent as fragments of 4
/// to 16 KiB moved no more bytes per second over loopback (190 MB/s either way: ENet spends its
/// time per datagram and on the checksum), and without them ENet's reassembly is out of reach.
inline constexpr std::size_t kMaxPacketBytes = kMaxMtuBytes - kEnetOverheadBytes;

/// What one peer may pin in ENet by leaving a gap in its reliable packets. Above four windows of
/// an honest sender, and above what one call reads from the socket for one peer.
inline constexpr std::size_t kMaxWaitingBytes = 512 * 1024;

/// Charged per packet on top of its bytes: what ENet allocates to carry it.
inline constexpr std::size_t kPacketCostBytes = 64;

/// A link takes this many of its current windows: one in flight, one to follow it.
inline constexpr std::size_t kWindowsTaken = 2;

inline constexpr std::size_t kMaxPeers = 4095;  ///< the wire has 12 bits for them
/// Slots above a listener's `max_links`, for those who are to hear why they cannot come in.
inline constexpr std::size_t kRefusalSlots = 32;

/// Bounds on one pass over one socket; what is left comes in the next.
inline constexpr std::size_t kMaxDatagramsPerPass = 2048;
inline constexpr std::size_t kMaxPacketsPerPass = 8192;
/// What one of ENet's turns costs of them at least: an empty datagram ends a turn.
inline constexpr std::size_t kDatagramsPerTurn = 8;
/// An oversized datagram fails a turn, so this is a bound on a flood as well.
inline constexpr std::size_t kMaxFailuresPerPass = 256;

inline constexpr Duration kStall = std::chrono::milliseconds(250);
inline constexpr Duration kBusyInterval = std::chrono::milliseconds(10);
inline constexpr Duration kQuietInterval = std::chrono::milliseconds(250);
/// Time without one successful call after which a socket is lost.
inline constexpr Duration kSocketLost = std::chrono::seconds(3);
/// For one of several candidates to answer: ENet asks twice in it.
inline constexpr Duration kCandidateTime = std::chrono::milliseconds(1400);
/// For a CONNECT to be completed. ENet looks only when it repeats itself: gone after 7.5 s.
inline constexpr std::uint32_t kHalfOpenMs = 5000;

/// Kernel buffers of a listener: a second of a thousand talkers. The kernel cuts it to its limit.
inline constexpr int kListenerBufferBytes = 4 * 1024 * 1024;

/// What DISCONNECT says. ENet itself says 0 when a peer timed out.
enum class Goodbye : std::uint32_t { timed_out = 0, closed = 1, cut = 2 };

}  // namespace tickwire::detail
