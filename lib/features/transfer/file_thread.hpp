// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

#include <tickwire/host.hpp>

namespace tickwire::detail {

/// Something to be done on the file thread, and what follows from it on the host's. All memory that
/// the way there and back needs is in it.
class FileJob {
 public:
  virtual ~FileJob() = default;
  /// On the file thread.
  virtual void work() noexcept = 0;
  /// On the host's.
  virtual void answer() noexcept = 0;

  std::unique_ptr<FileJob> next;  ///< in the list that it stands in
};

/// Jobs, first in, first out. Needs no memory beside theirs.
class FileJobs {
 public:
  FileJobs() = default;
  FileJobs(const FileJobs&) = delete;
  FileJobs& operator=(const FileJobs&) = delete;
  ~FileJobs() { clear(); }

  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  void push_back(std::unique_ptr<FileJob> job) noexcept {
    FileJob* const last = job.get();
    (first_ == nullptr ? first_ : last_->next) = std::move(job);
    last_ = last;
    ++size_;
  }
  [[nodiscard]] std::unique_ptr<FileJob> take_front() noexcept {
    auto job = std::move(first_);
    first_ = std::move(job->next);
    --size_;
    return job;
  }
  void clear() noexcept {
    while (!empty())
      static_cast<void>(take_front());
  }
  void swap(FileJobs& other) noexcept {
    std::swap(first_, other.first_);
    std::swap(last_, other.last_);
    std::swap(size_, other.size_);
  }

 private:
  std::unique_ptr<FileJob> first_;
  FileJob* last_ = nullptr;  // of those that there are, if any
  std::size_t size_ = 0;
};

/// A job for a task: what `work` returns goes to `answer`, if the task is still there. One that
/// memory ran out for, on either thread, tells the task.
///
/// Shape: `answer(task, result)`, and the task has `run_out_of_memory()`, which does not throw.
template <class Task, class Work, class Answer>
class TaskFileJob final : public FileJob {
 public:
  TaskFileJob(std::weak_ptr<Task> task, Work work, Answer answer)
      : task_(std::move(task)), work_(std::move(work)), answer_(std::move(answer)) {}

  void work() noexcept override try {
    result_.emplace(work_());
  } catch (const std::bad_alloc&) {  // without a result
  }
  void answer() noexcept override {
    const auto task = task_.lock();
    if (!task) return;
    try {
      if (result_) return answer_(*task, *std::move(result_));
    } catch (const std::bad_alloc&) {  // as if there had been none
    }
    task->run_out_of_memory();
  }

 private:
  std::weak_ptr<Task> task_;
  Work work_;
  Answer answer_;
  std::optional<std::invoke_result_t<Work&>> result_;
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

  /// Jobs that wait behind the one that runs.
  [[nodiscard]] std::size_t waiting() const;
  /// Pre: it has begun.
  void run(std::unique_ptr<FileJob> job) noexcept;
  template <class Task, class Work, class Answer>
  [[nodiscard]] static std::unique_ptr<FileJob> make(std::weak_ptr<Task> task, Work work,
                                                     Answer answer) {
    return std::make_unique<TaskFileJob<Task, Work, Answer>>(std::move(task), std::move(work),
                                                             std::move(answer));
  }
  template <class Task, class Work, class Answer>
  void run(std::weak_ptr<Task> task, Work work, Answer answer) {
    run(make(std::move(task), std::move(work), std::move(answer)));
  }
  /// What has been answered and the host could not be woken for.
  void take_answers() noexcept { run_answers(*answers_); }

 private:
  // Posted functions may run after this object's end.
  struct Answers {
    std::mutex mutex;
    FileJobs waiting;
    bool is_posted = false;
    bool is_over = false;
  };
  static void run_answers(Answers& answers) noexcept;
  void work() noexcept;
  void answer(std::unique_ptr<FileJob> job) noexcept;

  std::shared_ptr<Answers> answers_;
  std::optional<Poster> poster_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  FileJobs jobs_;
  bool is_stopping_ = false;
  std::thread thread_;
};

}  // namespace tickwire::detail
