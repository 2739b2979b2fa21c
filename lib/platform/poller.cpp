// SPDX-License-Identifier: MIT
#include "lib/platform/poller.hpp"

#include <chrono>
#include <utility>

#include "lib/base/deadline.hpp"

namespace tickwire::detail {

Watch::Watch(Watch&& other) noexcept
    : poller_(other.poller_),
      socket_(other.socket_),
      target_(other.target_),
      interest_(std::exchange(other.interest_, Interest::none)),
      trigger_(other.trigger_) {}

Watch& Watch::operator=(Watch&& other) noexcept {
  end();
  poller_ = other.poller_;
  socket_ = other.socket_;
  target_ = other.target_;
  interest_ = std::exchange(other.interest_, Interest::none);
  trigger_ = other.trigger_;
  return *this;
}

bool Watch::set(Interest interest) noexcept {
  if (interest == interest_) return true;
  if (!poller_->change(socket_, interest_, interest, trigger_, *target_)) return false;
  interest_ = interest;
  return true;
}

void Watch::end() noexcept {
  static_cast<void>(set(Interest::none));
}

bool Poller::wait(std::optional<Duration> timeout) {
  if (!timeout) return wait_until(TimePoint::max());
  if (*timeout <= Duration::zero()) return wait_until(TimePoint::min());
  return wait_until(deadline_after(std::chrono::steady_clock::now(), *timeout));
}

}  // namespace tickwire::detail
