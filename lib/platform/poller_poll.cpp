// SPDX-License-Identifier: MIT
#include <poll.h>

#include "lib/platform/poll_list.hpp"
#include "lib/platform/wake_pipe.hpp"

namespace tickwire::detail {
namespace {

constexpr short event_bits(Interest interest) noexcept {
  const int bits = static_cast<int>(interest);
  return static_cast<short>(((bits & static_cast<int>(Interest::readable)) != 0 ? POLLIN : 0) |
                            ((bits & static_cast<int>(Interest::writable)) != 0 ? POLLOUT : 0));
}

class PollPoller final : public Poller {
 public:
  bool wait_until(TimePoint until) override;
  void wake() noexcept override { wake_.signal(); }

 private:
  bool change(SocketHandle socket, Interest from, Interest to, Trigger,
              PollTarget& target) noexcept override {
    return list_.change(static_cast<int>(socket), from, to, event_bits(to), target);
  }

  WakePipe wake_;
  PollList<pollfd> list_{wake_.descriptor(), POLLIN};
};

bool PollPoller::wait_until(TimePoint until) {
  const auto count = static_cast<nfds_t>(list_.size());
  if (poll(list_.data(), count, poll_milliseconds(until)) <= 0) return false;
  if (list_.is_woken()) wake_.drain();
  list_.tell();
  return true;
}

}  // namespace

std::unique_ptr<Poller> make_poll_poller() {
  return std::make_unique<PollPoller>();
}

}  // namespace tickwire::detail
