// SPDX-License-Identifier: MIT
#include "lib/platform/poller.hpp"

#include <utility>

namespace tickwire::detail {

Watch::Watch(Watch&& other) noexcept
    : poller_(other.poller_),
      socket_(other.socket_),
      target_(other.target_),
      interest_(std::exchange(other.interest_, Interest::none)) {}

Watch& Watch::operator=(Watch&& other) noexcept {
  end();
  poller_ = other.poller_;
  socket_ = other.socket_;
  target_ = other.target_;
  interest_ = std::exchange(other.interest_, Interest::none);
  return *this;
}

bool Watch::set(Interest interest) noexcept {
  if (interest == interest_) return true;
  if (!poller_->change(socket_, interest_, interest, *target_)) return false;
  interest_ = interest;
  return true;
}

void Watch::end() noexcept {
  static_cast<void>(set(Interest::none));
}

}  // namespace tickwire::detail
