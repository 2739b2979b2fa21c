// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include <tickwire/clock.hpp>
#include <tickwire/config.hpp>

namespace tickwire::detail {

/// The window of reliable bytes that may be on their way to a peer; see `SendWindow`.
struct WindowProfile {
  std::size_t initial_bytes;
  std::size_t min_bytes;
  std::size_t max_bytes;
  std::size_t step_bytes;
  /// What signs of congestion leave a link: with a window of `min_bytes` alone, a path of 200 ms
  /// would get 40 kB/s and one of 2 s would get 4, because of the losses of a radio that no sender
  /// brings about.
  std::size_t min_bytes_per_second;
};

/// For any network. Through a simulated bottleneck of 1 Mb/s with a queue of 200 ms it moved 0.8
/// Mb/s and 3 % of the talk beside it was lost; ENet's own throttle moved 0.5 and lost 15 %. Its
/// least rate is 1 Mb/s, about what a busy game says.
inline constexpr WindowProfile kAdaptiveWindow{16 * 1024, 8 * 1024, 128 * 1024, 8 * 1024, 128'000};
/// For a wire of one's own: no answer to congestion at all.
inline constexpr WindowProfile kLanWindow{128 * 1024, 128 * 1024, 128 * 1024, 0, 0};

[[nodiscard]] constexpr const WindowProfile& window_of(ThrottleProfile profile) noexcept {
  return profile == ThrottleProfile::lan ? kLanWindow : kAdaptiveWindow;
}

/// UDP payload that a host fills. ENet adds its checksum on top when it bundles, so that the
/// largest IP packet is 1,392 bytes: it passes the usual tunnels (1,420, 1,400) in one piece.
inline constexpr std::uint32_t kMtuBytes = 1360;
/// The same where a probe has passed: nearly as much as ENet takes in. Over loopback, where the
/// system's time for each datagram rules, it moves twice as much.
inline constexpr std::uint32_t kLargeMtuBytes = 4088;
/// The largest datagram that such a host sends, and the size of a probe.
inline constexpr std::size_t kProbeBytes = kLargeMtuBytes + 4;
/// What a CONNECT may ask for. Below, a full datagram would silently become reliable; above, its
/// packets would be larger than what is taken in.
inline constexpr std::uint32_t kMinMtuBytes = 1280;
inline constexpr std::uint32_t kMaxMtuBytes = kLargeMtuBytes;
/// What ENet keeps free of the MTU in a packet that it does not split: its header (4), the largest
/// command (24) and the checksum (4).
inline constexpr std::uint32_t kEnetOverheadBytes = 32;

/// The largest packet that is taken in: one slice, never a fragment. Slices sent as fragments of 4
/// to 16 KiB moved no more bytes per second over loopback (190 MB/s either way: ENet spends its
/// time per datagram and on the checksum), and without them ENet's reassembly is out of reach.
inline constexpr std::size_t kMaxPacketBytes = kMaxMtuBytes - kEnetOverheadBytes;

/// What one peer may pin in ENet by leaving a gap in its reliable packets. Twice what an honest
/// sender is ever ahead of a gap: at the limit ENet refuses the packet that would close it, too.
inline constexpr std::size_t kMaxWaitingBytes = 512 * 1024;

/// The same in packets: ENet's limit counts their bytes alone, and the least one pins 200 bytes.
/// Not less: an honest sender goes on behind a lost packet, and at 20,000 small ones a second over
/// a lossy way it is some 5,000 ahead before the lost one is there.
inline constexpr std::size_t kMaxWaitingPackets = 8192;
/// They are counted again when so many more may have come to wait.
inline constexpr std::size_t kPacketsPerCount = 1024;

/// ENet searches its lists from one end. So many of their members may it look at in one pass over a
/// socket, and of a host's slots for those who call, which takes some ten milliseconds, and for one
/// peer in `kQuietInterval`. The second is more than it takes when all that an honest peer has on
/// its way, 3,500 small packets, arrives again behind a gap; and less than the passes of that
/// interval have together, so that who keeps a host busy is cut.
inline constexpr std::size_t kMaxStepsPerPass = std::size_t{1} << 21;
inline constexpr std::size_t kMaxStepsPerPeer = std::size_t{1} << 23;
/// What nobody counts: less than this on its way to a peer.
inline constexpr std::size_t kFewPackets = 256;

/// Charged per packet on top of its bytes: what ENet allocates to carry it.
inline constexpr std::size_t kPacketCostBytes = 64;

/// A link takes this many of its current windows: one in flight, one to follow it.
inline constexpr std::size_t kWindowsTaken = 2;
/// The same of control packets, which data leaves this room: hundreds of acknowledgements and
/// grants of credit, where an honest peer is owed one per pass that hears of it. Without an end a
/// peer that talks and acknowledges nothing would fill the memory with them.
inline constexpr std::size_t kControlBytesTaken = 64 * 1024;

/// One packet may wait for its acknowledgement this many times as long as all that is on its way.
/// Over a path of 2 s that loses a quarter each way it leaves five times in 25 s, and comes through
/// none of them one time in sixty, while its peer acknowledges others; after eight times as long
/// that is one packet in a hundred million million.
inline constexpr int kPatienceWithOldest = 8;

/// The longest that a packet waits before it is sent again, however often it was lost: twice the
/// time that ENet gives it at first, which is that of RFC 6298, and a tenth of a second, which is
/// what a phone's radio takes to wake up. One doubling is for a path that has become slower than it
/// was; what answers congestion is the window, and a further doubling would only have one unlucky
/// packet hold up everything behind it: at 20 % loss each way, one packet in twenty goes without an
/// acknowledgement three times.
[[nodiscard]] constexpr Duration longest_resend_time(Duration rtt, Duration variance) noexcept {
  return 2 * (rtt + 4 * variance) + std::chrono::milliseconds(100);
}

inline constexpr std::size_t kMaxPeers = 4095;  ///< the wire has 12 bits for them
/// Slots above a listener's `max_links`, for those who are to hear why they cannot come in.
inline constexpr std::size_t kRefusalSlots = 32;
/// The same above `max_links_per_address`; others than these are not answered.
inline constexpr std::size_t kRefusalSlotsPerAddress = 2;

/// Bounds on one pass over one socket; what is left comes in the next.
inline constexpr std::size_t kMaxDatagramsPerPass = 2048;
inline constexpr std::size_t kMaxPacketsPerPass = 8192;
/// So many are acknowledged before more are read: a sender of bulk goes on meanwhile. As many
/// acknowledgements as ENet puts into a datagram.
inline constexpr std::size_t kDatagramsPerFlush = 32;
inline constexpr std::uint32_t kBytesPerFlush = 32 * 1024;
inline constexpr std::size_t kMaxFailuresPerPass = 256;

inline constexpr Duration kStall = std::chrono::milliseconds(250);
/// What can have waited during a stall: a listener's buffer, which Linux makes twice as large as it
/// is asked to, holds 11,000 of the smallest datagrams, each of which takes 768 bytes of it.
inline constexpr std::size_t kMaxDatagramsBehind = 8 * kMaxDatagramsPerPass;
inline constexpr Duration kBusyInterval = std::chrono::milliseconds(10);
inline constexpr Duration kQuietInterval = std::chrono::milliseconds(250);
/// Time without one successful call after which a socket is lost.
inline constexpr Duration kSocketLost = std::chrono::seconds(3);

/// Kernel buffers of a listener: a second of a thousand talkers. The kernel cuts it to its limit.
inline constexpr int kListenerBufferBytes = 4 * 1024 * 1024;

/// What DISCONNECT says. ENet itself says 0 when a peer timed out.
enum class Goodbye : std::uint32_t { timed_out = 0, closed = 1, cut = 2 };

}  // namespace tickwire::detail
