// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <tickwire/clock.hpp>

#include "lib/transport/enet/enet_profile.hpp"

namespace tickwire::detail {

/// What ENet knows of the way to one peer.
struct PathSample {
  Duration rtt{};          ///< smoothed
  std::uint32_t sent = 0;  ///< commands so far; ENet starts again from 0 now and then
  std::uint32_t lost = 0;  ///< of them, sent again
};

/// How many reliable bytes may be on their way to one peer. Begins small, grows by what arrives
/// until the first sign of congestion, which doubles it in a round trip, and then creeps up and
/// falls back: by loss, or by a queue that builds up on the way, seen as a round-trip time well
/// above the shortest one. Not below what the shortest time takes at the profile's least rate.
///
/// Source: the two signals are those of TCP (RFC 5681) and of LEDBAT (RFC 6817).
class SendWindow {
 public:
  explicit SendWindow(const WindowProfile& profile = kAdaptiveWindow)
      : profile_(profile), bytes_(profile.initial_bytes) {}

  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  /// To be told of what the peer has acknowledged.
  void acknowledged(std::size_t bytes) noexcept {
    if (ramping_) bytes_ = std::min(bytes_ + bytes, profile_.max_bytes);
  }
  /// To be told every quarter of a second or so.
  void update(const PathSample& sample, TimePoint now);

 private:
  [[nodiscard]] std::size_t least_bytes() const noexcept;

  WindowProfile profile_;
  std::size_t bytes_;
  bool ramping_ = true;
  std::optional<Duration> shortest_rtt_;
  std::uint32_t sent_ = 0;
  std::uint32_t lost_ = 0;
  std::optional<TimePoint> updated_at_;
  TimePoint shrunk_at_{};
};

}  // namespace tickwire::detail
