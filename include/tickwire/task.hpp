// SPDX-License-Identifier: MIT
#pragma once

#ifndef __cpp_impl_coroutine
#error "task.hpp needs C++20 coroutines: compile with -std=c++20 or above"
#endif

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <tickwire/connection.hpp>
#include <tickwire/event.hpp>
#include <tickwire/export.hpp>
#include <tickwire/extension.hpp>
#include <tickwire/task_wait.hpp>

namespace tickwire {

template <class T>
class Task;

namespace detail {

class AwaitedPart;
class TasksCore;
struct TasksAccess;

/// What every task's promise has: the spawned task that it is part of, and who waits for it.
class TaskPromiseBase {
 public:
  [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }

  // Goes on with whoever waits for the task, by way of the loop in `run`: however deep tasks wait
  // for tasks, the stack does not grow.
  class Ending {
   public:
    Ending() noexcept = default;
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      TaskPromiseBase& promise = self.promise();
      go_on_with(*promise.root, promise.awaited_by);
    }
    void await_resume() const noexcept {}
  };
  [[nodiscard]] Ending final_suspend() const noexcept { return Ending(); }
  void unhandled_exception() noexcept { exception = std::current_exception(); }

  TaskRoot* root = nullptr;
  std::coroutine_handle<> awaited_by;  // none: it is the spawned task itself
  AwaitedPart* held_by = nullptr;      // by whoever waits for it
  AwaitedPart* awaits = nullptr;       // what it waits for itself
  std::exception_ptr exception;
};

/// A part of a task that another part waits for. Lies in that one, and owns it.
class AwaitedPart {
 public:
  AwaitedPart(const AwaitedPart&) = delete;
  AwaitedPart& operator=(const AwaitedPart&) = delete;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <std::derived_from<TaskPromiseBase> Promise>
  void await_suspend(std::coroutine_handle<Promise> self) noexcept {
    waiting_ = &self.promise();
    waiting_->awaits = this;
    promise_->held_by = this;
    promise_->root = waiting_->root;
    promise_->awaited_by = self;
    go_on_with(*waiting_->root, part_);
  }

  /// Destroys a part with all that it waits for: the innermost first, as it would be if each was
  /// destroyed by the one that waits for it, but however many there are, the stack does not grow.
  static void destroy(std::coroutine_handle<> part, const TaskPromiseBase& promise) noexcept {
    AwaitedPart* inner = promise.awaits;
    while (inner != nullptr && inner->promise_->awaits != nullptr)
      inner = inner->promise_->awaits;
    while (inner != nullptr) {
      const TaskPromiseBase* const outer = inner->waiting_;
      std::exchange(inner->part_, {}).destroy();
      inner = outer != &promise ? outer->held_by : nullptr;
    }
    part.destroy();
  }

 protected:
  AwaitedPart(std::coroutine_handle<> part, TaskPromiseBase& promise) noexcept
      : part_(part), promise_(&promise) {}
  ~AwaitedPart() {
    if (part_) destroy(part_, *promise_);
  }
  void end_wait() const noexcept { waiting_->awaits = nullptr; }

 private:
  std::coroutine_handle<> part_;
  TaskPromiseBase* promise_;            // the part's
  TaskPromiseBase* waiting_ = nullptr;  // that of the one in which this lies
};

template <class T>
class TaskPromise final : public TaskPromiseBase {
 public:
  [[nodiscard]] Task<T> get_return_object() noexcept;
  template <class U = T>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  [[nodiscard]] T take() {
    if (exception) std::rethrow_exception(exception);
    return *std::move(value);
  }
  std::optional<T> value;
};

template <>
class TaskPromise<void> final : public TaskPromiseBase {
 public:
  [[nodiscard]] Task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void take() const {
    if (exception) std::rethrow_exception(exception);
  }
};

}  // namespace detail

/// A piece of a program that runs until it waits for something, and goes on when that has happened:
/// a function with `co_await` or `co_return` that returns a `Task`. It does nothing until it is
/// awaited by another task or handed to `Tasks::spawn`. What it throws, whoever awaits it gets.
///
/// Lifetime: owns its variables; destroying it destroys them, wherever it stands. Its parameters
/// are
///           copied into it, references and the captures of a lambda are not: they must outlive it.
/// Thread:   that of its host.
template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::TaskPromise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  Task() noexcept = default;
  explicit Task(Handle handle) noexcept : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    Task(std::move(other)).swap(*this);
    return *this;
  }
  ~Task() {
    if (handle_) detail::AwaitedPart::destroy(handle_, handle_.promise());
  }

  class Awaiter final : public detail::AwaitedPart {
   public:
    explicit Awaiter(Handle awaited) noexcept
        : AwaitedPart(awaited, awaited.promise()), awaited_(awaited) {}
    T await_resume() const {
      end_wait();
      return awaited_.promise().take();
    }

   private:
    Handle awaited_;
  };
  /// Moves from it. Pre: not moved from.
  [[nodiscard]] Awaiter operator co_await() && noexcept {
    return Awaiter(std::exchange(handle_, {}));
  }

 private:
  friend struct detail::TasksAccess;
  void swap(Task& other) noexcept { std::swap(handle_, other.handle_); }

  Handle handle_;
};

template <class T>
Task<T> detail::TaskPromise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}
inline Task<void> detail::TaskPromise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}

/// Names one spawned task of a `Tasks`; never 0.
using TaskId = std::uint64_t;

/// Settings of `Tasks`.
struct TasksOptions {
  std::size_t max_tasks = 100'000;  ///< spawned and not yet ended
};

/// Runs tasks on a host's thread, inside its passes. What a spawned task throws becomes an `error`
/// event of the host (`exception_thrown`).
///
/// A connection's messages belong to tasks from the first time that one waits for them, or for the
/// connection to come up, or is spawned for it, until the last such task has ended; then they go to
/// the program again, in the same order, and `disconnected` behind them. While none of these tasks
/// waits for the next message, messages wait with the connection (`Host::set_receiving`), and hold
/// up the other end, and `disconnected`; those that the program receives by itself meanwhile are
/// the program's. Other events go on to the program, but for a `data_sent` that a task waits for.
///
/// Lifetime: when it is detached or destroyed, or its host is, all tasks end where they stand, and
///           their variables are destroyed. A task that is at work just then, in a call that leads
///           here, ends when it waits next.
class TICKWIRE_API Tasks final : public Extension {
 public:
  explicit Tasks(const TasksOptions& options = {});
  ~Tasks() override;

  /// Starts a task at once, up to where it first waits.
  ///
  /// Errors: `queue_full`: there are `max_tasks` already; `not_supported` while attached to no
  /// host.
  Result<TaskId> spawn(Task<> task);
  /// The same for a task that ends with a connection: after `disconnected` it goes on once, if it
  /// waits for the connection, and ends when it waits again.
  Result<TaskId> spawn(Connection connection, Task<> task);
  /// Spawns a task for every connection that others dial from now on. Replaces what was given
  /// before; an empty function ends it. It lives until the last task that it has made has ended, a
  /// lambda's captures with it.
  void serve(std::function<Task<>(Connection)> function);

  /// Ends a task where it stands; one that is at work, when it waits next. False: it has ended.
  bool cancel(TaskId id);
  [[nodiscard]] bool is_running(TaskId id) const noexcept;
  /// Tasks that have not ended.
  [[nodiscard]] std::size_t count() const noexcept;

  void on_attach(Host& host) override;
  void on_detach(Host& host) override;
  Disposition on_event(Host& host, Event& event) override;
  void on_tick(Host& host, const Tick& tick) override;
  void on_pass(Host& host) override;
  [[nodiscard]] TimePoint wake_at() const override;

 private:
  std::shared_ptr<detail::TasksCore> core_;
};

}  // namespace tickwire
