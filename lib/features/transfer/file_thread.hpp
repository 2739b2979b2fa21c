// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <tickwire/host.hpp>

namespace tickwire::detail {

/// Something to be done once. Unlike `std::function` it may hold what can only be moved.
class FileJob {
 public:
  template <class F>
  FileJob(F work) : body_(std::make_unique<Holder<F>>(std::move(work))) {}
  void operator()() { body_->run(); }

 private:
  struct Body {
    virtual ~Body() = default;
    virtual void run() = 0;
  };
  template <class F>
  struct Holder final : Body {
    explicit Holder(F with) : work(std::move(with)) {}
    void run() override { work(); }
    F work;
  };
  std::unique_ptr<Body> body_;
};

/// Runs jobs one after the other on a thread of its own, and what they answer on the host's thread,
/// in the same order.
///
/// Lifetime: its end waits for the job that runs, and forgets those that wait.
class FileThread {
 public:
  FileThread() : answers_(std::make_shared<Answers>()) {}
  ~FileThread() { stop(); }
  FileThread(const FileThread&) = delete;
  FileThread& operator=(const FileThread&) = delete;

  /// Whose thread the answers go to.
  void start(Poster poster);
  /// Begins the thread itself, unless it runs. Asked where a failure can be returned, and before
  /// any job.
  ///
  /// Errors: `out_of_resources` when the system has no thread to give.
  [[nodiscard]] Result<void> begin();
  void stop() noexcept;

  /// Pre: it has begun.
  void run(FileJob job);
  /// Jobs that wait behind the one that runs.
  [[nodiscard]] std::size_t waiting() const;
  /// Has something done on the host's thread at its next pass.
  ///
  /// Thread: this one, inside a job.
  void answer(FileJob job);

 private:
  // Posted functions may run after this object's end.
  struct Answers {
    std::mutex mutex;
    std::vector<FileJob> waiting;
    bool is_over = false;
  };
  static void run_answers(Answers& answers);
  void work();

  std::shared_ptr<Answers> answers_;
  std::optional<Poster> poster_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<FileJob> jobs_;
  bool is_stopping_ = false;
  std::thread thread_;
};

}  // namespace tickwire::detail
