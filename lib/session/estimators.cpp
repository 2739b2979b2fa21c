// SPDX-License-Identifier: MIT
#include "lib/session/estimators.hpp"

namespace tickwire::detail {

void RttEstimator::add(Duration sample) noexcept {
  if (sample < Duration::zero()) return;
  if (rtt_ == Duration::zero()) {
    rtt_ = sample;
    jitter_ = sample / 2;
    return;
  }
  const Duration deviation = sample > rtt_ ? sample - rtt_ : rtt_ - sample;
  jitter_ += (deviation - jitter_) / 4;
  rtt_ += (sample - rtt_) / 8;
}

void ClockOffset::add(Duration rtt, Duration ahead, TimePoint now) noexcept {
  // Two quartz clocks part by less than 0.1 ms each second.
  if (at_ != TimePoint::min() && rtt > rtt_ + (now - at_) / 10'000) return;
  rtt_ = rtt;
  ahead_ = ahead;
  at_ = now;
}

std::optional<Duration> ClockOffset::ahead() const noexcept {
  if (at_ == TimePoint::min()) return std::nullopt;
  return ahead_;
}

Arrival SequenceWindow::accept(std::uint16_t sequence) noexcept {
  const auto ahead = static_cast<std::int16_t>(static_cast<std::uint16_t>(sequence - newest_));
  if (ahead > 0) {
    seen_ = ahead < kSpan ? (seen_ << ahead) | 1u : 1u;
    newest_ = sequence;
    ++received_;
    missed_ += static_cast<std::uint32_t>(ahead - 1);
    return Arrival::newest;
  }
  const int behind = -ahead;
  if (behind < kSpan) {
    const std::uint64_t bit = std::uint64_t{1} << behind;
    if ((seen_ & bit) != 0) return Arrival::duplicate;
    seen_ |= bit;
  }
  ++received_;
  if (missed_ > 0) --missed_;
  return Arrival::late;
}

void LossEstimator::add(std::uint32_t received_in_all, std::uint32_t missed_in_all) noexcept {
  const std::uint32_t received = received_in_all - last_received_;
  // A report that was overtaken by a newer one.
  if (static_cast<std::int32_t>(received) < 0) return;
  // A late arrival takes back a miss: the total may go down.
  const auto missed = static_cast<std::int32_t>(missed_in_all - last_missed_);
  last_received_ = received_in_all;
  last_missed_ = missed_in_all;
  const double keep = received_ + missed_ > 1000 ? 0.5 : 0.9;
  received_ = received_ * keep + received;
  missed_ = missed_ * keep + missed;
  if (missed_ < 0) missed_ = 0;
}

std::optional<double> LossEstimator::ratio() const noexcept {
  const double all = received_ + missed_;
  if (all < 1) return std::nullopt;
  return missed_ / all;
}

}  // namespace tickwire::detail
