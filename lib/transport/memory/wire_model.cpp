// SPDX-License-Identifier: MIT
#include "lib/transport/memory/wire_model.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace tickwire::detail {
namespace {

constexpr double kParts = 4294967296.0;
constexpr Duration kLongest = std::chrono::hours(24);

std::uint64_t parts(double ratio, const char* what) {
  if (!(ratio >= 0 && ratio <= 1)) {  // so put, it catches NaN too
    throw std::invalid_argument(std::string(what) + " is " + std::to_string(ratio) +
                                "; it must lie from 0 to 1");
  }
  return static_cast<std::uint64_t>(ratio * kParts);
}

bool hits(std::uint64_t random, std::uint64_t chance) noexcept {
  return (random >> 32) < chance;
}

Duration spread(std::uint64_t random, Duration jitter) noexcept {
  return Duration(
      static_cast<Duration::rep>(random % static_cast<std::uint64_t>(jitter.count() + 1)));
}

}  // namespace

std::uint64_t SplitMix64::next() noexcept {
  state_ += 0x9e3779b97f4a7c15u;
  std::uint64_t mixed = state_;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
  return mixed ^ (mixed >> 31);
}

void check_time(Duration time, const char* what) {
  if (time >= Duration::zero() && time <= kLongest) return;
  const double seconds = std::chrono::duration<double>(time).count();
  throw std::invalid_argument(std::string(what) + " is " + std::to_string(seconds) +
                              " s; it must lie from 0 to 24 hours");
}

Odds::Odds(const NetworkConditions& given)
    : conditions(given),
      loss(parts(given.loss_ratio, "NetworkConditions::loss_ratio")),
      flip(parts(given.flip_ratio, "NetworkConditions::flip_ratio")),
      duplicate(parts(given.duplicate_ratio, "NetworkConditions::duplicate_ratio")),
      reorder(parts(given.reorder_ratio, "NetworkConditions::reorder_ratio")) {
  check_time(given.delay, "NetworkConditions::delay");
  check_time(given.jitter, "NetworkConditions::jitter");
  check_time(given.reorder_delay, "NetworkConditions::reorder_delay");
  check_time(given.max_queue_delay, "NetworkConditions::max_queue_delay");
  if (given.bandwidth_bytes_per_second == 0u) {
    throw std::invalid_argument(
        "NetworkConditions::bandwidth_bytes_per_second is 0; it must be above 0, or unset for no "
        "limit");
  }
}

TimePoint WireModel::departure(const Odds& odds, TimePoint now, std::size_t size_bytes) {
  if (!odds.conditions.bandwidth_bytes_per_second) return now;
  const std::uint64_t nanoseconds =
      std::uint64_t{size_bytes} * 1'000'000'000u / *odds.conditions.bandwidth_bytes_per_second;
  line_free_ = std::max(line_free_, now) + Duration(static_cast<Duration::rep>(nanoseconds));
  return line_free_;
}

TimePoint WireModel::note(TimePoint due) noexcept {
  const TimePoint held = std::max(due, earliest_);
  latest_ = std::max(latest_, held);
  return held;
}

TimePoint WireModel::reliable(const Odds& odds, TimePoint now, std::size_t size_bytes, Lane lane,
                              std::uint8_t channel) {
  const Duration jitter = spread(random_.next(), odds.conditions.jitter);
  const TimePoint due = departure(odds, now, size_bytes) + odds.conditions.delay + jitter;

  const std::size_t line = lane == Lane::control ? 0 : channel + std::size_t{1};
  if (order_.size() <= line) order_.resize(line + 1, TimePoint::min());
  order_[line] = note(std::max(due, order_[line]));
  return order_[line];
}

DatagramFate WireModel::datagram(const Odds& odds, TimePoint now, std::size_t size_bytes) {
  const NetworkConditions& conditions = odds.conditions;
  const std::uint64_t luck = random_.next();
  const bool lost = hits(luck, odds.loss);
  const bool spoilt = hits(luck << 32, odds.flip);
  const bool doubled = hits(random_.next(), odds.duplicate);
  const bool held_back = hits(random_.next(), odds.reorder);
  const Duration jitter = spread(random_.next(), conditions.jitter);
  const Duration copy_jitter = spread(random_.next(), conditions.jitter);

  DatagramFate fate;
  if (lost) {
    fate.outcome = DatagramFate::Outcome::lost;
    return fate;
  }
  if (conditions.bandwidth_bytes_per_second && line_free_ > now + conditions.max_queue_delay) {
    fate.outcome = DatagramFate::Outcome::queue_full;
    return fate;
  }
  const TimePoint plain = departure(odds, now, size_bytes) + conditions.delay;
  if (spoilt) {
    fate.outcome = DatagramFate::Outcome::spoilt;
    return fate;
  }
  fate.held_back = held_back;
  fate.due = note(plain + jitter + (held_back ? conditions.reorder_delay : Duration::zero()));
  if (doubled) fate.copy_due = note(plain + copy_jitter);
  return fate;
}

TimePoint WireModel::notice(const Odds& odds, TimePoint now) const noexcept {
  return std::max(now + odds.conditions.delay, earliest_);
}

TimePoint WireModel::last(const Odds& odds, TimePoint now) const noexcept {
  return std::max(notice(odds, now), latest_);
}

void WireModel::hold_until(TimePoint moment) noexcept {
  earliest_ = std::max(earliest_, moment);
  latest_ = std::max(latest_, moment);
}

}  // namespace tickwire::detail
