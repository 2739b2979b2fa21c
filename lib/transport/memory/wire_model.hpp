// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <tickwire/testing.hpp>

#include "lib/transport/transport.hpp"

namespace tickwire::detail {

/// Random numbers that are the same with every compiler and standard library.
///
/// Source: SplitMix64, from Steele, Lea and Flood, "Fast splittable pseudorandom number
///         generators", OOPSLA 2014.
class SplitMix64 {
 public:
  explicit SplitMix64(std::uint64_t seed) noexcept : state_(seed) {}
  [[nodiscard]] std::uint64_t next() noexcept;

 private:
  std::uint64_t state_;
};

/// Conditions that have been checked, their ratios in parts of 2^32.
///
/// Errors: throws `std::invalid_argument` that names the field.
struct Odds {
  explicit Odds(const NetworkConditions& conditions);

  NetworkConditions conditions;
  std::uint64_t loss;
  std::uint64_t flip;
  std::uint64_t duplicate;
  std::uint64_t reorder;
};

/// Throws `std::invalid_argument` that names `what` unless it lies from 0 to 24 hours.
void check_time(Duration time, const char* what);

/// What becomes of one datagram.
struct DatagramFate {
  enum class Outcome : std::uint8_t { arrives, lost, spoilt, queue_full };

  Outcome outcome = Outcome::arrives;
  bool held_back = false;
  TimePoint due{};
  std::optional<TimePoint> copy_due;  ///< of the second copy
};

/// Decides when the packets of one direction of one link arrive. Knows no lock and no queue.
///
/// Each packet takes a fixed number of random numbers of this link's own, so that neither another
/// link's traffic nor another ratio changes what is decided by the rest.
class WireModel {
 public:
  explicit WireModel(std::uint64_t seed) noexcept : random_(seed) {}

  /// When a packet of the control or reliable lane arrives: never before its channel's last one.
  [[nodiscard]] TimePoint reliable(const Odds& odds, TimePoint now, std::size_t size_bytes,
                                   Lane lane, std::uint8_t channel);
  [[nodiscard]] DatagramFate datagram(const Odds& odds, TimePoint now, std::size_t size_bytes);
  /// When a word of the link itself arrives: its beginning, or an end that waits for nothing.
  [[nodiscard]] TimePoint notice(const Odds& odds, TimePoint now) const noexcept;
  /// When an end that lets all go first arrives.
  [[nodiscard]] TimePoint last(const Odds& odds, TimePoint now) const noexcept;
  /// Nothing that is sent from here on arrives before `moment`.
  void hold_until(TimePoint moment) noexcept;

 private:
  [[nodiscard]] TimePoint departure(const Odds& odds, TimePoint now, std::size_t size_bytes);
  [[nodiscard]] TimePoint note(TimePoint due) noexcept;

  SplitMix64 random_;
  TimePoint earliest_ = TimePoint::min();
  TimePoint latest_ = TimePoint::min();
  TimePoint line_free_ = TimePoint::min();
  std::vector<TimePoint> order_;  // the last arrival on control, then on each channel
};

}  // namespace tickwire::detail
