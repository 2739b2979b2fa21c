// SPDX-License-Identifier: MIT
#include "lib/transport/enet/send_window.hpp"

#include <algorithm>
#include <chrono>

namespace tickwire::detail {
namespace {

// More than two ends add that answer once per frame.
constexpr Duration kQueueAllowed = std::chrono::milliseconds(50);
// The shortest time is forgotten this slowly, for the case that the way has become longer.
constexpr int kDriftRatio = 1000;
// A share of one in this many is lost by a radio link itself.
constexpr std::uint32_t kLossAllowed = 32;

}  // namespace

void SendWindow::update(const PathSample& sample, TimePoint now) {
  if (sample.sent < sent_ || sample.lost < lost_) sent_ = lost_ = 0;
  const std::uint32_t sent = sample.sent - sent_;
  const std::uint32_t lost = sample.lost - lost_;
  if (sent == 0) return;
  sent_ = sample.sent;
  lost_ = sample.lost;

  if (shortest_rtt_ && updated_at_) *shortest_rtt_ += (now - *updated_at_) / kDriftRatio;
  shortest_rtt_ = std::min(shortest_rtt_.value_or(sample.rtt), sample.rtt);
  updated_at_ = now;

  const Duration queue_allowed = kQueueAllowed + *shortest_rtt_ / 4;
  const bool congested = lost * kLossAllowed > sent || sample.rtt > *shortest_rtt_ + queue_allowed;
  if (!congested) {
    const std::size_t more = ramping_ ? bytes_ : profile_.step_bytes;
    bytes_ = std::min(bytes_ + more, profile_.max_bytes);
  } else if (now - shrunk_at_ >= sample.rtt) {  // what is on its way now was sent before
    // The first losses of a link come from time-outs that have not found their measure yet.
    ramping_ = ramping_ && bytes_ <= profile_.initial_bytes;
    shrunk_at_ = now;
    bytes_ = std::max(bytes_ - bytes_ / 4, least_bytes());
  }
}

std::size_t SendWindow::least_bytes() const noexcept {
  const std::chrono::duration<double> rtt = *shortest_rtt_;
  const auto at_least_rate =
      static_cast<std::size_t>(rtt.count() * static_cast<double>(profile_.min_bytes_per_second));
  return std::clamp(at_least_rate, profile_.min_bytes, profile_.max_bytes);
}

}  // namespace tickwire::detail
