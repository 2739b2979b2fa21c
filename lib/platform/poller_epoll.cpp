// SPDX-License-Identifier: MIT
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <new>
#include <vector>

#include "lib/platform/poller.hpp"
#include "lib/platform/wake_pipe.hpp"

namespace tickwire::detail {
namespace {

using SteadyClock = std::chrono::steady_clock;  // CLOCK_MONOTONIC

// A read stops in front of urgent data as it does in front of an end (epoll(7), tcp(7)).
constexpr std::uint32_t kEndBits = EPOLLRDHUP | EPOLLPRI | EPOLLHUP | EPOLLERR;

constexpr std::uint32_t event_bits(Interest interest, Trigger trigger) noexcept {
  const int bits = static_cast<int>(interest);
  const bool reads = (bits & static_cast<int>(Interest::readable)) != 0;
  const bool writes = (bits & static_cast<int>(Interest::writable)) != 0;
  const std::uint32_t asked = (reads ? EPOLLIN : 0u) | (writes ? EPOLLOUT : 0u);
  return trigger == Trigger::level ? asked : asked | EPOLLET | EPOLLRDHUP | EPOLLPRI;
}

/// An alarm that epoll watches and that stays set from one wait to the next. With a time-out the
/// system would set and clear one in each wait, which takes half a microsecond on a virtual
/// machine.
class Alarm {
 public:
  Alarm() noexcept : timer_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {}
  ~Alarm() {
    if (timer_ >= 0) close(timer_);
  }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  [[nodiscard]] int descriptor() const noexcept { return timer_; }
  /// Sees to it that it rings by then; it may ring before.
  void ring_by(TimePoint when) noexcept;
  void has_rung() noexcept { rings_at_ = TimePoint::max(); }

 private:
  int timer_;
  TimePoint rings_at_ = TimePoint::max();
};

void Alarm::ring_by(TimePoint when) noexcept {
  if (rings_at_ <= when) return;
  rings_at_ = when;
  const auto since_boot = when.time_since_epoch();
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(since_boot);
  itimerspec time{};
  time.it_value.tv_sec = whole.count();
  time.it_value.tv_nsec = std::chrono::nanoseconds(since_boot - whole).count();
  timerfd_settime(timer_, TFD_TIMER_ABSTIME, &time, nullptr);
}

class EpollPoller final : public Poller {
 public:
  EpollPoller();
  ~EpollPoller() override { close(epoll_); }

  bool wait_until(TimePoint until) override;
  bool guess() noexcept override;
  void wake() noexcept override { wake_.signal(); }

 private:
  bool change(SocketHandle socket, Interest from, Interest to, Trigger trigger,
              PollTarget& target) noexcept override;
  [[nodiscard]] bool add(int descriptor, std::uint32_t events, void* tag) noexcept;
  [[nodiscard]] bool tell(int count);
  void keep(PollTarget& target, std::size_t number) noexcept;

  // More of them than that cost more to read than it takes to ask.
  static constexpr std::size_t kMostGuessed = 2;

  WakePipe wake_;
  Alarm alarm_;
  int epoll_;
  std::array<epoll_event, kReadyPerWait> ready_{};
  std::vector<PollTarget*> last_told_;  // none where there were more than are guessed
};

EpollPoller::EpollPoller() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  last_told_.reserve(kMostGuessed);
  // An edge needs no reading.
  if (epoll_ < 0 || alarm_.descriptor() < 0 || !add(wake_.descriptor(), EPOLLIN, &wake_) ||
      !add(alarm_.descriptor(), EPOLLIN | EPOLLET, &alarm_)) {
    if (epoll_ >= 0) close(epoll_);
    throw std::bad_alloc();
  }
}

bool EpollPoller::add(int descriptor, std::uint32_t events, void* tag) noexcept {
  epoll_event event{};
  event.events = events;
  event.data.ptr = tag;
  return epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

bool EpollPoller::change(SocketHandle socket, Interest from, Interest to, Trigger trigger,
                         PollTarget& target) noexcept {
  if (to == Interest::none) std::erase(last_told_, &target);
  // A socket without interest is taken out: a hang-up would be told whatever was asked.
  const int operation = from == Interest::none ? EPOLL_CTL_ADD
                        : to == Interest::none ? EPOLL_CTL_DEL
                                               : EPOLL_CTL_MOD;
  epoll_event event{};
  event.events = event_bits(to, trigger);
  event.data.ptr = &target;
  return epoll_ctl(epoll_, operation, static_cast<int>(socket), &event) == 0;
}

// Whether a socket or a wake was among them.
bool EpollPoller::tell(int count) {
  bool woken = false;
  std::size_t sockets = 0;
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = ready_[static_cast<std::size_t>(i)];
    void* const tag = event.data.ptr;
    if (tag == &alarm_) {
      alarm_.has_rung();
    } else if (tag == &wake_) {
      wake_.drain();
      woken = true;
    } else {
      const bool is_end = (event.events & kEndBits) != 0;
      auto& target = *static_cast<PollTarget*>(tag);
      target.on_ready(is_end ? Edge::end : Edge::bytes);
      keep(target, sockets++);
    }
  }
  return woken || sockets > 0;
}

// For a guess: the first `kMostGuessed` of one wait, or nobody where there are more.
void EpollPoller::keep(PollTarget& target, std::size_t number) noexcept {
  if (number == 0 || number == kMostGuessed) last_told_.clear();
  if (number < kMostGuessed) last_told_.push_back(&target);
}

bool EpollPoller::guess() noexcept {
  for (PollTarget* const target : last_told_)
    target->on_ready(Edge::guess);
  return !last_told_.empty();
}

bool EpollPoller::wait_until(TimePoint until) {
  const int room = static_cast<int>(ready_.size());
  if (until.time_since_epoch() <= Duration::zero()) {  // of which the alarm knows nothing
    return tell(epoll_wait(epoll_, ready_.data(), room, /*timeout=*/0));
  }
  while (true) {
    alarm_.ring_by(until);
    const int count = epoll_wait(epoll_, ready_.data(), room, /*timeout=*/-1);
    if (tell(count)) return true;
    // A signal ends it, too; the alarm may be that of an earlier wait.
    if (count < 0 || SteadyClock::now() >= until) return false;
  }
}

}  // namespace

std::unique_ptr<Poller> make_poller() {
  return std::make_unique<EpollPoller>();
}

}  // namespace tickwire::detail
