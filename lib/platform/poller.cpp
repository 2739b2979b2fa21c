// SPDX-License-Identifier: MIT
#include "lib/platform/poller.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

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

// By the time that really passes: a program's own clock may stand still meanwhile.
void wait_spinning(Poller& poller, std::optional<Duration> timeout, Duration spin) {
  if (spin == Duration::zero()) {
    poller.wait(timeout);
    return;
  }
  const auto begin = std::chrono::steady_clock::now();
  const Duration most = timeout ? std::min(spin, *timeout) : spin;
  Duration passed = Duration::zero();
  while (passed < most) {
    if (poller.wait(Duration::zero())) return;
    passed = std::chrono::steady_clock::now() - begin;
  }
  if (timeout) timeout = std::max(*timeout - passed, Duration::zero());
  poller.wait(timeout);
}

}  // namespace tickwire::detail
