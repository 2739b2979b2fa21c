// SPDX-License-Identifier: MIT
#include <poll.h>

#include <algorithm>
#include <climits>
#include <unordered_map>
#include <vector>

#include "lib/platform/poller.hpp"
#include "lib/platform/wake_pipe.hpp"

namespace tickwire::detail {
namespace {

constexpr short event_bits(Interest interest) noexcept {
  const int bits = static_cast<int>(interest);
  return static_cast<short>(((bits & static_cast<int>(Interest::readable)) != 0 ? POLLIN : 0) |
                            ((bits & static_cast<int>(Interest::writable)) != 0 ? POLLOUT : 0));
}

// Rounded up: waking early would spin until the time is there.
int milliseconds(std::optional<Duration> timeout) noexcept {
  if (!timeout) return -1;
  const auto whole = std::chrono::ceil<std::chrono::milliseconds>(*timeout).count();
  return static_cast<int>(std::clamp<std::int64_t>(whole, 0, INT_MAX));
}

class PollPoller final : public Poller {
 public:
  PollPoller() { polled_.push_back({wake_.descriptor(), POLLIN, 0}); }

  void wait(std::optional<Duration> timeout) override;
  void wake() noexcept override { wake_.signal(); }

 private:
  bool change(SocketHandle socket, Interest from, Interest to,
              PollTarget& target) noexcept override;
  void remove(std::size_t place) noexcept;

  WakePipe wake_;
  std::vector<pollfd> polled_;        // the first is the wake-up's
  std::vector<PollTarget*> targets_;  // of all but the first
  std::unordered_map<SocketHandle, std::size_t> places_;
};

bool PollPoller::change(SocketHandle socket, Interest from, Interest to,
                        PollTarget& target) noexcept {
  try {
    if (from == Interest::none) {
      targets_.reserve(targets_.size() + 1);
      polled_.reserve(polled_.size() + 1);
      places_.emplace(socket, polled_.size());
      polled_.push_back({static_cast<int>(socket), event_bits(to), 0});
      targets_.push_back(&target);
      return true;
    }
  } catch (const std::bad_alloc&) {
    return false;
  }
  const std::size_t place = places_.at(socket);
  if (to == Interest::none) {
    remove(place);
  } else {
    polled_[place].events = event_bits(to);
  }
  return true;
}

// The last one moves into its place.
void PollPoller::remove(std::size_t place) noexcept {
  places_.erase(polled_[place].fd);
  if (place + 1 < polled_.size()) {
    polled_[place] = polled_.back();
    targets_[place - 1] = targets_.back();
    places_.at(polled_[place].fd) = place;
  }
  polled_.pop_back();
  targets_.pop_back();
}

void PollPoller::wait(std::optional<Duration> timeout) {
  const auto count = static_cast<nfds_t>(polled_.size());
  if (poll(polled_.data(), count, milliseconds(timeout)) <= 0) return;
  if (polled_.front().revents != 0) wake_.drain();
  for (std::size_t place = 1; place < polled_.size(); ++place) {
    if (polled_[place].revents != 0) targets_[place - 1]->on_ready();
  }
}

}  // namespace

std::unique_ptr<Poller> make_poll_poller() {
  return std::make_unique<PollPoller>();
}

}  // namespace tickwire::detail
