// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>

#include <tickwire/host.hpp>

namespace tickwire::detail {

/// A thread for what takes too long for the host's.
///
/// Lifetime: destroying it waits for the work under way; of the rest nothing is done, and nothing
///           is told any more.
/// Thread:   made, used and destroyed on the host's.
class Background {
 public:
  explicit Background(Poster poster) : poster_(std::move(poster)) {}
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  /// Runs `work` there, then `then` on the host's thread, even when `work` has thrown.
  void submit(std::function<void()> work, std::function<void()> then);

 private:
  struct Job {
    std::function<void()> work;
    std::function<void()> then;
  };
  void run(const std::stop_token& stop);

  Poster poster_;
  std::shared_ptr<const bool> alive_ = std::make_shared<bool>(true);
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Job> jobs_;
  std::jthread thread_;  // since the first job
};

}  // namespace tickwire::detail
