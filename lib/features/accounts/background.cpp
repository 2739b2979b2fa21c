// SPDX-License-Identifier: MIT
#include "lib/features/accounts/background.hpp"

#include <utility>

namespace tickwire::detail {

Background::~Background() {
  alive_.reset();
  thread_ = {};
}

void Background::submit(std::function<void()> work, std::function<void()> then) {
  // Asked on the thread that destroys this, so it cannot go in between.
  auto tell = [alive = std::weak_ptr<const bool>(alive_), then = std::move(then)] {
    if (!alive.expired()) then();
  };
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back({std::move(work), std::move(tell)});
  }
  if (!thread_.joinable()) {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }
  changed_.notify_one();
}

void Background::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [&] { return !jobs_.empty(); }) && !stop.stop_requested()) {
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    try {
      job.work();
    } catch (...) {
      // What it was to find is missing then, which `then` sees.
    }
    job.work = nullptr;
    static_cast<void>(poster_(std::move(job.then)));
    lock.lock();
  }
}

}  // namespace tickwire::detail
