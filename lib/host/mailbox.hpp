// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "lib/platform/poller.hpp"

namespace tickwire::detail {

/// What other threads leave for a host: functions to run, and the wish to stop.
///
/// Lifetime: shared by the host and its posters; `shut` cuts the host off.
/// Thread:   `post`, `wake` and `stop` from any; `stop` also from a signal handler.
class Mailbox {
 public:
  [[nodiscard]] bool post(std::function<void()> function) {
    {
      const std::lock_guard lock(mutex_);
      if (shut_) return false;
      functions_.push_back(std::move(function));
      is_waiting_.store(true, std::memory_order_release);
    }
    poller_->wake();
    return true;
  }
  void wake() noexcept { poller_->wake(); }
  void stop() noexcept {
    stop_.store(true);
    poller_->wake();
  }
  [[nodiscard]] bool take_stop() noexcept { return stop_.exchange(false); }

  /// Runs what was posted before the call; what those post comes next time. When one throws, those
  /// behind it are left for the next call.
  void run_posted() {
    if (next_ == running_.size()) {
      if (!is_waiting_.load(std::memory_order_acquire)) return;
      running_.clear();
      next_ = 0;
      const std::lock_guard lock(mutex_);
      is_waiting_.store(false, std::memory_order_relaxed);
      running_.swap(functions_);
    }
    while (next_ < running_.size()) {
      const auto function = std::move(running_[next_++]);
      function();
    }
  }
  /// What has not run by now never will. On the host's thread.
  void shut() {
    std::vector<std::function<void()>> left;
    const auto left_running = std::exchange(running_, {});
    const std::lock_guard lock(mutex_);
    shut_ = true;
    left.swap(functions_);
  }

  [[nodiscard]] Poller& poller() noexcept { return *poller_; }

 private:
  const std::unique_ptr<Poller> poller_ = make_poller();
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::vector<std::function<void()>> functions_;
  std::atomic<bool> is_waiting_{false};  // something in `functions_`: spares most passes the lock
  std::vector<std::function<void()>> running_;  // the host's thread only
  std::size_t next_ = 0;                        // in `running_`
  bool shut_ = false;
};

}  // namespace tickwire::detail
