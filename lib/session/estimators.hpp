// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>

#include <tickwire/clock.hpp>

namespace tickwire::detail {

/// Round-trip time and its deviation from single echoes.
///
/// Source: RFC 6298, section 2: gains of 1/8 and 1/4.
class RttEstimator {
 public:
  void add(Duration sample) noexcept;
  [[nodiscard]] Duration rtt() const noexcept { return rtt_; }
  [[nodiscard]] Duration jitter() const noexcept { return jitter_; }

 private:
  Duration rtt_{};
  Duration jitter_{};
};

/// How far the other end's clock is ahead of this one's, from echoes that carry its time.
///
/// The quickest echo knows best: what it may be wrong by is half of what it took longer than the
/// quickest possible one. It gives way to a slower one as far as two clocks may have drifted apart
/// since.
///
/// Source: the clock filter of NTP, RFC 5905, section 10.
class ClockOffset {
 public:
  /// Units: `ahead` by which the other clock is, if both ways took equally long.
  void add(Duration rtt, Duration ahead, TimePoint now) noexcept;
  [[nodiscard]] std::optional<Duration> ahead() const noexcept;

 private:
  Duration rtt_{};
  Duration ahead_{};
  TimePoint at_ = TimePoint::min();  // nothing was heard yet
};

/// What a numbered datagram is, compared with those seen before.
enum class Arrival : std::uint8_t { newest, late, duplicate };

/// Follows the 16-bit numbers of one flow of datagrams, which start at 0: says which are new, and
/// counts those that are missing.
class SequenceWindow {
 public:
  [[nodiscard]] Arrival accept(std::uint16_t sequence) noexcept;
  [[nodiscard]] std::uint32_t received() const noexcept { return received_; }
  [[nodiscard]] std::uint32_t missed() const noexcept { return missed_; }

 private:
  static constexpr std::uint16_t kSpan = 64;

  std::uint64_t seen_ = ~std::uint64_t{0};  // bit n: newest_ - n; what was before 0 counts as seen
  std::uint32_t received_ = 0;
  std::uint32_t missed_ = 0;
  std::uint16_t newest_ = 0xffff;
};

/// The share of datagrams lost, from the other end's running totals: the mean over about the last
/// thousand datagrams or ten reports, whichever is less.
class LossEstimator {
 public:
  void add(std::uint32_t received_in_all, std::uint32_t missed_in_all) noexcept;
  [[nodiscard]] std::optional<double> ratio() const noexcept;

 private:
  double received_ = 0;
  double missed_ = 0;
  std::uint32_t last_received_ = 0;
  std::uint32_t last_missed_ = 0;
};

}  // namespace tickwire::detail
