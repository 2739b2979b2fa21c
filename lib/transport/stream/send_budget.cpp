// SPDX-License-Identifier: MIT
#include "lib/transport/stream/send_budget.hpp"

#include <algorithm>
#include <chrono>

namespace tickwire::detail {
namespace {

constexpr Duration kQueueTime = std::chrono::milliseconds(100);
// A slow receiver makes room in steps of several kilobytes. A measurement holds one of them, or is
// long enough to show that there was none; and two together have not shown a fast way.
constexpr std::size_t kStepBytes = 8 * 1024;
constexpr Duration kLongestMeasurement = std::chrono::milliseconds(500);

}  // namespace

void SendBudget::update(const DrainSample& sample, TimePoint now) noexcept {
  if (!began_at_) return begin(sample, now);
  const Duration allowed = kQueueTime + 2 * sample.shortest_rtt;
  const Duration passed = now - *began_at_;
  const std::uint64_t drained = sample.drained_bytes - drained_before_;
  if (passed <= allowed) {
    if (drained < bytes_ + 2 * kStepBytes) return;
    bytes_ = std::min(2 * bytes_, kNoLimit);
    return begin(sample, now);
  }
  if (drained < kStepBytes && passed < kLongestMeasurement) return;
  const double share = std::chrono::duration<double>(allowed) / passed;
  const double wanted = share * static_cast<double>(drained);
  const auto most = static_cast<double>(kNoLimit);
  auto next = static_cast<std::size_t>(std::clamp(wanted, double{kLeastBytes}, most));
  next = std::min(next, 2 * bytes_);
  // Who had little to say has not shown how little the way takes. A step that came late has not,
  // either: half of the difference at a time.
  if (next < bytes_) next = was_full_ ? next + (bytes_ - next) / 2 : bytes_;
  bytes_ = next;
  begin(sample, now);
}

void SendBudget::begin(const DrainSample& sample, TimePoint now) noexcept {
  began_at_ = now;
  drained_before_ = sample.drained_bytes;
  was_full_ = false;
}

}  // namespace tickwire::detail
