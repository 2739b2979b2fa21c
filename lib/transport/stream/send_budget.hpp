// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <tickwire/clock.hpp>

namespace tickwire::detail {

/// What is known of the bytes of one connection that have left the session.
struct DrainSample {
  std::uint64_t drained_bytes = 0;  ///< acknowledged by the other end's system, in all
  Duration shortest_rtt{};          ///< of the way when nothing is queued there
};

/// How many bytes of one connection may wait below the session. What is said now leaves behind
/// them, however urgent it is: so they follow the rate at which they go, for two round trips and a
/// tenth of a second. A round trip is what it takes to keep the way full, and the rest is for it to
/// prove faster than it was. Where a whole budget goes within that time it doubles; on a fast way
/// it soon has no limit at all, and the system's own applies.
///
/// Source: the product of rate and shortest time, found without losses, is BBR's (Cardwell et al.,
///         ACM Queue 2016). Unlike there nothing is paced: TCP below does that.
class SendBudget {
 public:
  static constexpr std::size_t kLeastBytes = 8 * 1024;
  static constexpr std::size_t kFirstBytes = 64 * 1024;
  /// More than a system holds for one connection.
  static constexpr std::size_t kNoLimit = 16 * 1024 * 1024;

  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] bool has_limit() const noexcept { return bytes_ < kNoLimit; }
  /// Somebody had to wait for room: the bytes that go from here on go as fast as they can.
  void note_full() noexcept { was_full_ = true; }
  /// Nothing can be measured here.
  void lift() noexcept { bytes_ = kNoLimit; }
  void update(const DrainSample& sample, TimePoint now) noexcept;

 private:
  void begin(const DrainSample& sample, TimePoint now) noexcept;

  std::size_t bytes_ = kFirstBytes;
  std::optional<TimePoint> began_at_;  // of the measurement under way
  std::uint64_t drained_before_ = 0;
  bool was_full_ = false;
};

}  // namespace tickwire::detail
