// SPDX-License-Identifier: MIT
#include "lib/features/tasks_core.hpp"

#include <algorithm>
#include <limits>

#include "lib/features/exception_error.hpp"

namespace tickwire::detail {

void go_on_with(TaskRoot& root, std::coroutine_handle<> part) noexcept {
  root.next = part;
}

bool begin_wait(TaskRoot& root, TaskWait& wait, std::coroutine_handle<> part) {
  return root.core.begin_wait(root, wait, part);
}

// -- Tasks

Result<TaskId> TasksCore::spawn(std::optional<Connection> bound, Task<> task,
                                TaskRoot::Handle handle,
                                std::shared_ptr<const TaskServer> made_by) {
  if (host_ == nullptr) {
    return Error{ErrorCode::not_supported, 0, "The tasks are attached to no host."};
  }
  if (!handle) return Error{ErrorCode::invalid_argument, 0, "The task was moved from."};
  if (tasks_.size() >= options_.max_tasks) {
    return Error{ErrorCode::queue_full, 0, "There are TasksOptions::max_tasks tasks already."};
  }
  const TaskId id = ++last_id_;
  auto& root = *(tasks_[id] = std::make_unique<TaskRoot>(*this, id, std::move(task), handle,
                                                         std::move(made_by)));
  handle.promise().root = &root;
  if (bound) {
    root.bound = bound;
    listen(root, *bound).bound.push_back(id);
  }
  root.next = handle;
  run(root);
  return id;
}

// Parts hand over to each other by way of this loop.
void TasksCore::run(TaskRoot& root) {
  const auto share = shared_from_this();
  root.is_running = true;
  while (root.next)
    std::exchange(root.next, {}).resume();
  root.is_running = false;
  if (root.handle.done()) {
    const std::exception_ptr exception = root.handle.promise().exception;
    end(root.id);
    if (!exception || host_ == nullptr) return;
    guarded(*host_, "A task", [&] { std::rethrow_exception(exception); });
  } else if (root.is_cancelled || is_over(root)) {
    end(root.id);
  }
}

void TasksCore::wake(TaskRoot& root) {
  remove_wait(root);
  root.next = std::exchange(root.waiting_part, {});
  run(root);
}

void TasksCore::wake_failed(TaskId id, const Error& error) {
  TaskRoot* root = find(id);
  if (root == nullptr || root->wait == nullptr) return;
  root->wait->error = error;
  wake(*root);
}

bool TasksCore::cancel(TaskId id) {
  TaskRoot* root = find(id);
  if (root == nullptr) return false;
  if (root->is_running) {
    root->is_cancelled = true;
  } else {
    end(id);
  }
  return true;
}

// Its variables are the last to go: their destructors find everything in order.
void TasksCore::end(TaskId id) {
  auto gone = tasks_.extract(id);
  TaskRoot& root = *gone.mapped();
  remove_wait(root);
  for (const Connection& each : root.listens_to)
    unlisten(each, id);
}

void TasksCore::close() {
  Host* const host = std::exchange(host_, nullptr);
  serve_ = nullptr;
  for (const auto& each : listened_)
    static_cast<void>(host->set_receiving(each.first, Receiving::on));
  listened_.clear();
  unopened_.clear();
  just_ended_.clear();
  std::vector<TaskId> ids;
  for (const auto& [id, root] : tasks_) {
    ids.push_back(id);
    root->listens_to.clear();
  }
  std::sort(ids.begin(), ids.end());
  for (const TaskId id : ids)
    cancel(id);
}

TaskRoot* TasksCore::find(TaskId id) noexcept {
  const auto found = tasks_.find(id);
  return found != tasks_.end() ? found->second.get() : nullptr;
}

bool TasksCore::is_over(const TaskRoot& root) const {
  if (!root.bound) return false;
  const auto found = listened_.find(*root.bound);
  return found == listened_.end() || found->second.end.has_value();
}

// -- What they wait for

bool TasksCore::begin_wait(TaskRoot& root, TaskWait& wait, std::coroutine_handle<> part) {
  if (root.is_cancelled || host_ == nullptr) return true;  // and `run` ends it
  const auto is_waiting = [&] {
    switch (wait.kind) {
      case TaskWait::Kind::message:
      case TaskWait::Kind::event:
        return wait_for_message(root, wait);
      case TaskWait::Kind::connected:
        return wait_for_connected(root, wait);
      case TaskWait::Kind::sent:
        return wait_for_receipt(root, wait);
      case TaskWait::Kind::ticks:
        return wait_for_tick(root, wait);
      case TaskWait::Kind::time:
        return true;
    }
    return false;
  };
  if (!is_waiting()) return false;
  root.wait = &wait;
  root.waiting_part = part;
  if (wait.timeout) set_deadline(root, *wait.timeout);
  return true;
}

bool TasksCore::wait_for_message(TaskRoot& root, TaskWait& wait) {
  Listened& listened = listen(root, wait.connection);
  if (listened.end) {
    wait.error = *listened.end;
    return false;
  }
  listened.waiting.push_back(root.id);
  set_receiving(wait.connection);
  return true;
}

bool TasksCore::wait_for_connected(TaskRoot& root, TaskWait& wait) {
  Listened& listened = listen(root, wait.connection);
  if (listened.end) wait.error = *listened.end;
  if (listened.end || wait.connection.is_open()) return false;
  listened.connecting.push_back(root.id);
  return true;
}

bool TasksCore::wait_for_receipt(TaskRoot& root, TaskWait& wait) {
  if (wait.error.code != ErrorCode::none) return false;
  if (wait.message == 0) {
    wait.error = {ErrorCode::not_connected, 0, "The message was sent to nobody."};
    return false;
  }
  if (!host_->config().events.contains(EventType::data_sent)) {
    wait.error = {ErrorCode::not_supported, 0,
                  "HostConfig::events leaves data_sent out, so nothing can wait for it."};
    return false;
  }
  by_message_.emplace(wait.message, root.id);
  return true;
}

bool TasksCore::wait_for_tick(TaskRoot& root, TaskWait& wait) {
  if (!host_->config().tick_rate_hz) {
    wait.error = {ErrorCode::not_supported, 0, "The host has no ticks."};
    return false;
  }
  constexpr auto last = std::numeric_limits<std::uint64_t>::max();
  root.tick = ticks_ + std::clamp<std::uint64_t>(wait.ticks, 1, last - ticks_);
  by_tick_.emplace(*root.tick, root.id);
  return true;
}

void TasksCore::set_deadline(TaskRoot& root, Duration timeout) {
  const TimePoint present = now();
  root.deadline = timeout > TimePoint::max() - present ? TimePoint::max() : present + timeout;
  deadlines_.emplace(*root.deadline, root.id);
}

void TasksCore::remove_wait(TaskRoot& root) {
  if (root.deadline) deadlines_.erase({*root.deadline, root.id});
  if (root.tick) by_tick_.erase({*root.tick, root.id});
  root.deadline.reset();
  root.tick.reset();
  const TaskWait* wait = std::exchange(root.wait, nullptr);
  if (wait == nullptr) return;
  const auto [first, last] = by_message_.equal_range(wait->message);
  for (auto each = first; each != last; ++each) {
    if (each->second != root.id) continue;
    by_message_.erase(each);
    break;
  }
  const auto found = listened_.find(wait->connection);
  if (found == listened_.end()) return;
  std::erase(found->second.connecting, root.id);
  if (std::erase(found->second.waiting, root.id) > 0) set_receiving(wait->connection);
}

TimePoint TasksCore::now() const noexcept {
  const Clock* clock = host_->config().clock;
  return clock != nullptr ? clock->now() : steady_clock().now();
}

}  // namespace tickwire::detail
