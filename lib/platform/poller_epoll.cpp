// SPDX-License-Identifier: MIT
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <new>

#include "lib/platform/poller.hpp"
#include "lib/platform/wake_pipe.hpp"

namespace tickwire::detail {
namespace {

constexpr std::uint32_t event_bits(Interest interest) noexcept {
  const int bits = static_cast<int>(interest);
  return ((bits & static_cast<int>(Interest::readable)) != 0 ? EPOLLIN : 0u) |
         ((bits & static_cast<int>(Interest::writable)) != 0 ? EPOLLOUT : 0u);
}

class EpollPoller final : public Poller {
 public:
  EpollPoller();
  ~EpollPoller() override { close(epoll_); }

  bool wait(std::optional<Duration> timeout) override;
  void wake() noexcept override { wake_.signal(); }

 private:
  bool change(SocketHandle socket, Interest from, Interest to,
              PollTarget& target) noexcept override;
  bool tell(int count);

  WakePipe wake_;
  int epoll_;
#ifdef TICKWIRE_HAVE_EPOLL_PWAIT2
  bool is_precise_ = true;  // until the kernel says that it does not know the call
#endif
  std::array<epoll_event, kReadyPerWait> ready_{};
};

EpollPoller::EpollPoller() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  epoll_event event{};
  event.events = EPOLLIN;  // without a target
  if (epoll_ < 0 || epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_.descriptor(), &event) != 0) {
    if (epoll_ >= 0) close(epoll_);
    throw std::bad_alloc();
  }
}

bool EpollPoller::change(SocketHandle socket, Interest from, Interest to,
                         PollTarget& target) noexcept {
  // A socket without interest is taken out: a hang-up would be told whatever was asked.
  const int operation = from == Interest::none ? EPOLL_CTL_ADD
                        : to == Interest::none ? EPOLL_CTL_DEL
                                               : EPOLL_CTL_MOD;
  epoll_event event{};
  event.events = event_bits(to);
  event.data.ptr = &target;
  return epoll_ctl(epoll_, operation, static_cast<int>(socket), &event) == 0;
}

bool EpollPoller::tell(int count) {
  for (int i = 0; i < count; ++i) {
    auto* target = static_cast<PollTarget*>(ready_[static_cast<std::size_t>(i)].data.ptr);
    if (target != nullptr) {
      target->on_ready();
    } else {
      wake_.drain();
    }
  }
  return count > 0;
}

bool EpollPoller::wait(std::optional<Duration> timeout) {
  const int room = static_cast<int>(ready_.size());
  if (timeout && *timeout <= Duration::zero()) {
    return tell(epoll_wait(epoll_, ready_.data(), room, /*timeout=*/0));
  }
  timespec time{};
  if (timeout) {
    const auto whole = std::chrono::duration_cast<std::chrono::seconds>(*timeout);
    time.tv_sec = whole.count();
    time.tv_nsec = (*timeout - whole).count();
  }
  const timespec* limit = timeout ? &time : nullptr;
#ifdef TICKWIRE_HAVE_EPOLL_PWAIT2
  if (is_precise_) {
    const int count = epoll_pwait2(epoll_, ready_.data(), room, limit, nullptr);
    if (count >= 0 || errno != ENOSYS) return tell(count);
    is_precise_ = false;
  }
#endif
  // epoll_wait counts in milliseconds, which is too coarse for a tick.
  pollfd sleeper{epoll_, POLLIN, 0};
  if (ppoll(&sleeper, 1, limit, nullptr) <= 0) return false;
  return tell(epoll_wait(epoll_, ready_.data(), room, /*timeout=*/0));
}

}  // namespace

std::unique_ptr<Poller> make_poller() {
  return std::make_unique<EpollPoller>();
}

}  // namespace tickwire::detail
