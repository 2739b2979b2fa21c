// SPDX-License-Identifier: MIT
#pragma once

#include <coroutine>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include <tickwire/host.hpp>
#include <tickwire/task.hpp>

namespace tickwire::detail {

struct TasksAccess {
  [[nodiscard]] static Task<>::Handle handle(const Task<>& task) noexcept { return task.handle_; }
};

using TaskServer = std::function<Task<>(Connection)>;

/// One spawned task: its outermost coroutine, and what the innermost one waits for.
class TaskRoot {
 public:
  using Handle = std::coroutine_handle<TaskPromise<void>>;

  TaskRoot(TasksCore& owner, TaskId number, Task<> whole, Handle outermost,
           std::shared_ptr<const TaskServer> server) noexcept
      : core(owner),
        id(number),
        made_by(std::move(server)),
        task(std::move(whole)),
        handle(outermost) {}

  TasksCore& core;
  const TaskId id;
  const std::shared_ptr<const TaskServer> made_by;  ///< a lambda's captures stay in it
  Task<> task;
  const Handle handle;
  std::coroutine_handle<> next;  ///< the part to go on with
  TaskWait* wait = nullptr;      ///< in the part that waits
  std::coroutine_handle<> waiting_part;
  std::optional<TimePoint> deadline;
  std::optional<std::uint64_t> tick;
  std::optional<Connection> bound;
  std::vector<Connection> listens_to;
  bool is_running = false;
  bool is_cancelled = false;
};

/// The tasks of a `Tasks`, and what each waits for. A task at work may destroy the `Tasks`; whoever
/// calls in here holds a share.
class TasksCore : public std::enable_shared_from_this<TasksCore> {
 public:
  explicit TasksCore(const TasksOptions& options) : options_(options) {}

  void attach(Host& host) { host_ = &host; }
  /// Ends all tasks.
  void close();

  Result<TaskId> spawn(std::optional<Connection> bound, Task<> task, TaskRoot::Handle handle,
                       std::shared_ptr<const TaskServer> made_by = nullptr);
  void serve(TaskServer function) {
    serve_ = function ? std::make_shared<const TaskServer>(std::move(function)) : nullptr;
  }
  bool cancel(TaskId id);
  [[nodiscard]] bool is_running(TaskId id) const noexcept { return tasks_.contains(id); }
  [[nodiscard]] std::size_t count() const noexcept { return tasks_.size(); }

  [[nodiscard]] bool begin_wait(TaskRoot& root, TaskWait& wait, std::coroutine_handle<> part);

  Disposition on_event(Event& event);
  void on_tick(const Tick& tick);
  void on_pass();
  [[nodiscard]] TimePoint next_deadline() const;

 private:
  /// A connection whose messages are tasks'.
  struct Listened {
    std::deque<TaskId> waiting;
    std::vector<TaskId> connecting;
    std::vector<TaskId> bound;
    std::optional<Error> end;
    std::size_t tasks = 0;
  };

  void run(TaskRoot& root);
  void wake(TaskRoot& root);
  void wake_failed(TaskId id, const Error& error);
  void end(TaskId id);
  [[nodiscard]] TaskRoot* find(TaskId id) noexcept;
  [[nodiscard]] bool is_over(const TaskRoot& root) const;

  [[nodiscard]] bool wait_for_message(TaskRoot& root, TaskWait& wait);
  [[nodiscard]] bool wait_for_connected(TaskRoot& root, TaskWait& wait);
  [[nodiscard]] bool wait_for_receipt(TaskRoot& root, TaskWait& wait);
  [[nodiscard]] bool wait_for_tick(TaskRoot& root, TaskWait& wait);
  void set_deadline(TaskRoot& root, Duration timeout);
  void remove_wait(TaskRoot& root);

  Listened& listen(TaskRoot& root, Connection connection);
  void unlisten(Connection connection, TaskId id);
  void set_receiving(Connection connection);
  [[nodiscard]] bool deliver(Event& event);
  void tell_notice(const Event& event);
  void tell_connected(Connection connection);
  void tell_end(Connection connection, Error error);
  void tell_silent_ends();
  [[nodiscard]] bool tell_receipt(const Event& event);
  void serve_accepted(Connection connection);
  [[nodiscard]] bool is_gone(Connection connection) const;
  [[nodiscard]] TimePoint now() const noexcept;

  const TasksOptions options_;
  Host* host_ = nullptr;  // null: not attached
  std::shared_ptr<const TaskServer> serve_;
  std::unordered_map<TaskId, std::unique_ptr<TaskRoot>> tasks_;
  std::unordered_map<Connection, Listened> listened_;
  std::vector<Connection> unopened_;  // of these, some that may end without a word
  std::set<std::pair<TimePoint, TaskId>> deadlines_;
  std::set<std::pair<std::uint64_t, TaskId>> by_tick_;
  std::unordered_multimap<MessageId, TaskId> by_message_;
  // Handles stay readable for a while after their end.
  std::deque<std::pair<std::uint64_t, Connection>> just_ended_;
  std::uint64_t ticks_ = 0;
  std::uint64_t passes_ = 0;
  TaskId last_id_ = 0;
};

}  // namespace tickwire::detail
