// SPDX-License-Identifier: MIT
#include "lib/platform/waiter.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <new>
#include <vector>

namespace tickwire::detail {

struct Waiter::State {
  int read_end = -1;
  int write_end = -1;
  std::vector<pollfd> polled;
};

Waiter::Waiter() : state_(std::make_unique<State>()) {
  int ends[2];
  if (pipe(ends) != 0) throw std::bad_alloc();
  for (const int end : ends) {
    fcntl(end, F_SETFL, fcntl(end, F_GETFL) | O_NONBLOCK);
    fcntl(end, F_SETFD, FD_CLOEXEC);
  }
  state_->read_end = ends[0];
  state_->write_end = ends[1];
}

Waiter::~Waiter() {
  close(state_->read_end);
  close(state_->write_end);
}

void Waiter::wake() noexcept {
  const int saved = errno;
  const char byte = 0;
  // A full pipe is as awake as it gets.
  [[maybe_unused]] const auto written = write(state_->write_end, &byte, 1);
  errno = saved;
}

void Waiter::wait(std::span<const std::intptr_t> handles, std::optional<Duration> timeout) {
  auto& polled = state_->polled;
  polled.clear();
  polled.push_back({state_->read_end, POLLIN, 0});
  for (const std::intptr_t handle : handles) {
    polled.push_back({static_cast<int>(handle), POLLIN, 0});
  }
  const auto count = static_cast<nfds_t>(polled.size());
#ifdef __linux__
  timespec time{};
  if (timeout) {
    const auto whole = std::chrono::duration_cast<std::chrono::seconds>(*timeout);
    time.tv_sec = whole.count();
    time.tv_nsec = (*timeout - whole).count();
  }
  const int ready = ppoll(polled.data(), count, timeout ? &time : nullptr, nullptr);
#else
  // Rounded up: waking early would spin until the time is there.
  const auto wait_ms =
      timeout ? std::chrono::ceil<std::chrono::milliseconds>(*timeout).count() : -1;
  const int ready =
      poll(polled.data(), count, static_cast<int>(std::min<std::int64_t>(wait_ms, INT_MAX)));
#endif
  if (ready <= 0 || polled.front().revents == 0) return;
  char drained[64];
  while (read(state_->read_end, drained, sizeof drained) > 0) {
  }
}

}  // namespace tickwire::detail
