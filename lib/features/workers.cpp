// SPDX-License-Identifier: MIT
#include <tickwire/workers.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include <tickwire/host.hpp>

#include "lib/features/exception_error.hpp"

namespace tickwire {
namespace detail {

Error current_exception_error(const char* where) {
  return caught_error(where);
}

/// Shared with what is posted to the host, which may come to nothing long after the threads.
class WorkersCore : public std::enable_shared_from_this<WorkersCore> {
 public:
  WorkersCore(Host& host, const WorkersOptions& options)
      : host_(host), poster_(host.poster()), options_(options) {}

  ErrorCode submit(std::unique_ptr<Job> job) {
    const std::lock_guard lock(mutex_);
    if (unfinished_ >= options_.max_tasks || stopping_) return ErrorCode::queue_full;
    const std::size_t wanted = std::max<std::size_t>(options_.threads, 1);
    if (idle_ <= waiting_.size() && threads_.size() < wanted && !start_thread() &&
        threads_.empty()) {
      return ErrorCode::out_of_resources;
    }
    waiting_.push_back(std::move(job));
    ++unfinished_;
    work_there_.notify_one();
    return ErrorCode::none;
  }

  void stop() {
    std::deque<std::unique_ptr<Job>> dropped;
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      dropped.swap(waiting_);
      unfinished_ -= dropped.size();
    }
    work_there_.notify_all();
    for (std::thread& each : threads_)
      each.join();
  }

  [[nodiscard]] std::size_t unfinished() const noexcept { return unfinished_; }
  [[nodiscard]] bool is_stopping() const noexcept { return stopping_; }

 private:
  // Pre: locked.
  [[nodiscard]] bool start_thread() {
    try {
      threads_.emplace_back([this] { work_until_stopped(); });
    } catch (const std::system_error&) {
      return false;
    }
    return true;
  }

  void work_until_stopped() {
    std::unique_lock lock(mutex_);
    while (true) {
      ++idle_;
      work_there_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
      --idle_;
      if (waiting_.empty()) return;
      std::unique_ptr<Job> job = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      job->work();
      hand_over(std::move(job));
      lock.lock();
    }
  }

  void hand_over(std::unique_ptr<Job> job) {
    // Counted down when the host's mailbox lets go of it, called or not.
    struct Finished {
      std::shared_ptr<WorkersCore> core;
      std::unique_ptr<Job> job;
      Finished(std::shared_ptr<WorkersCore> owner, std::unique_ptr<Job> done)
          : core(std::move(owner)), job(std::move(done)) {}
      Finished(const Finished&) = delete;
      Finished& operator=(const Finished&) = delete;
      ~Finished() { --core->unfinished_; }
    };
    // No share of it may stay here, or it might end on this thread.
    poster_([finished = std::make_shared<Finished>(shared_from_this(), std::move(job))] {
      finished->core->complete(*finished->job);
    });
  }

  void complete(Job& job) {
    if (stopping_) return;
    // It is the host that runs this, so the host is still there.
    guarded(host_, "The completion of background work", [&] { job.complete(); });
  }

  Host& host_;
  const Poster poster_;
  const WorkersOptions options_;
  std::mutex mutex_;
  std::condition_variable work_there_;
  std::deque<std::unique_ptr<Job>> waiting_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  std::atomic<std::size_t> unfinished_{0};
  std::atomic<bool> stopping_{false};
};

}  // namespace detail

// The host is only used by completions, which it runs itself.
Workers::Workers(Host& host, const WorkersOptions& options)
    : core_(std::make_shared<detail::WorkersCore>(host, options)) {}

Workers::~Workers() {
  core_->stop();
}

ErrorCode Workers::submit(std::unique_ptr<detail::Job> job) {
  return core_->submit(std::move(job));
}

std::size_t Workers::unfinished() const noexcept {
  return core_->unfinished();
}

bool Workers::is_stopping() const noexcept {
  return core_->is_stopping();
}

}  // namespace tickwire
