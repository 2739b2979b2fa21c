// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <tickwire/error.hpp>
#include <tickwire/export.hpp>

namespace tickwire {

class Host;

/// Settings of `Workers`.
struct WorkersOptions {
  std::size_t threads = 2;  ///< started when they are needed; 0 counts as 1
  /// Tasks taken and not yet completed: waiting, at work, or waiting for the host's next pass.
  std::size_t max_tasks = 1024;
};

namespace detail {

class WorkersCore;

/// One piece of background work with its completion.
class Job {
 public:
  virtual ~Job() = default;
  /// On a worker's thread.
  virtual void work() noexcept = 0;
  /// On the host's thread.
  virtual void complete() = 0;
};

template <class T>
struct WorkResult {
  using type = Result<T>;
};
template <class T>
struct WorkResult<Result<T>> {
  using type = Result<T>;
};

/// An exception as the error that stands for it. Pre: inside a `catch`.
[[nodiscard]] TICKWIRE_API Error current_exception_error(const char* where);

template <class Work, class Completion>
class JobOf final : public Job {
 public:
  using Value = std::invoke_result_t<Work&>;
  using Outcome = typename WorkResult<Value>::type;

  JobOf(Work work, Completion completion)
      : work_(std::move(work)), completion_(std::move(completion)) {}

  void work() noexcept override {
    try {
      if constexpr (std::is_void_v<Value>) {
        (*work_)();
        outcome_.emplace();
      } else {
        outcome_.emplace((*work_)());
      }
    } catch (...) {
      outcome_.emplace(current_exception_error("Background work"));
    }
    work_.reset();
  }
  void complete() override { completion_(std::move(*outcome_)); }

 private:
  std::optional<Work> work_;
  Completion completion_;
  std::optional<Outcome> outcome_;
};

}  // namespace detail

/// A few threads for what takes too long for the host's own: a slow hash, a file, a database. The
/// result comes back to the host's thread.
///
/// Lifetime: it and its host may be destroyed in either order. Destroying it waits for the work
///           that has begun; of the rest, nothing is done, and no completion is called any more.
///           When the host goes first, work goes on and no completion is called.
/// Thread:   `run` and the queries from any; made and destroyed on the host's, not inside work.
class TICKWIRE_API Workers {
 public:
  explicit Workers(Host& host, const WorkersOptions& options = {});
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// Calls `work()` on a worker's thread, and `completion` with its result on the host's thread, in
  /// one of its next passes. A `work` that returns a `T` or a `Result<T>` completes with a
  /// `Result<T>`; one that throws, with the error `exception_thrown`. What a completion throws
  /// becomes an `error` event of the host.
  ///
  /// Errors:   `queue_full`: there are `max_tasks` already; `out_of_resources`: no thread can be
  ///           started.
  /// Lifetime: `work` is destroyed on its worker's thread as soon as it is done, `completion` on
  ///           the host's; both on whatever thread lets go of them when they are not called.
  template <class Work, class Completion>
  ErrorCode run(Work work, Completion completion) {
    return submit(
        std::make_unique<detail::JobOf<Work, Completion>>(std::move(work), std::move(completion)));
  }

  /// Tasks taken and not yet completed.
  [[nodiscard]] std::size_t unfinished() const noexcept;
  /// Whether the destructor waits: long work looks now and then, and ends early.
  [[nodiscard]] bool is_stopping() const noexcept;

 private:
  ErrorCode submit(std::unique_ptr<detail::Job> job);

  std::shared_ptr<detail::WorkersCore> core_;
};

}  // namespace tickwire
