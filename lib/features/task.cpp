// SPDX-License-Identifier: MIT
#include <tickwire/task.hpp>

#include <algorithm>

#include "lib/features/exception_error.hpp"
#include "lib/features/tasks_core.hpp"

/// What happens on the host, told to the tasks that wait for it. tasks_core.cpp has the waiting.
namespace tickwire {
namespace detail {
namespace {

// For as many passes a handle may look alive after its end.
constexpr std::uint64_t kAfterglowPasses = 4;

}  // namespace

// -- Connections whose messages are tasks'

TasksCore::Listened& TasksCore::listen(TaskRoot& root, Connection connection) {
  Listened& listened = listened_[connection];
  const auto known = std::find(root.listens_to.begin(), root.listens_to.end(), connection);
  if (known != root.listens_to.end()) return listened;
  root.listens_to.push_back(connection);
  if (++listened.tasks > 1) return listened;
  if (is_gone(connection)) {
    listened.end = Error{ErrorCode::not_connected, 0, {}};
  } else {
    set_receiving(connection);
    if (!connection.is_open()) unopened_.push_back(connection);
  }
  return listened;
}

// What nobody has read waits with the connection, and is the program's now.
void TasksCore::unlisten(Connection connection, TaskId id) {
  const auto found = listened_.find(connection);
  if (found == listened_.end()) return;
  std::erase(found->second.bound, id);
  if (--found->second.tasks > 0) return;
  listened_.erase(found);
  static_cast<void>(host_->set_receiving(connection, Receiving::on));
}

void TasksCore::set_receiving(Connection connection) {
  const bool is_awaited = !listened_[connection].waiting.empty();
  static_cast<void>(
      host_->set_receiving(connection, is_awaited ? Receiving::on : Receiving::paused));
}

bool TasksCore::is_gone(Connection connection) const {
  const bool has_ended = std::any_of(just_ended_.begin(), just_ended_.end(),
                                     [&](const auto& each) { return each.second == connection; });
  return has_ended || connection == Connection() || connection.address() == Address();
}

// None comes while no task waits for it, unless somebody else receives from the connection. False:
// that one's it is.
bool TasksCore::deliver(Event& event) {
  const auto found = listened_.find(event.connection);
  if (found == listened_.end() || found->second.waiting.empty()) return false;
  TaskRoot& root = *find(found->second.waiting.front());
  root.wait->event = std::move(event);
  wake(root);
  return true;
}

// -- Events

Disposition TasksCore::on_event(Event& event) {
  if (event.is_last) tell_end(event.connection, event.error);
  switch (event.type) {
    case EventType::connected:
      tell_connected(event.connection);
      return Disposition::pass;
    case EventType::data_sent:
      return tell_receipt(event) ? Disposition::consume : Disposition::pass;
    case EventType::object_received:
    case EventType::data_received:
      return deliver(event) ? Disposition::consume : Disposition::pass;
    case EventType::writable:
    case EventType::interrupted:
    case EventType::resumed:
      tell_notice(event);
      return Disposition::pass;
    default:
      return Disposition::pass;
  }
}

void TasksCore::tell_connected(Connection connection) {
  if (const auto found = listened_.find(connection); found != listened_.end()) {
    for (const TaskId id : std::vector<TaskId>(found->second.connecting)) {
      if (TaskRoot* root = find(id); root != nullptr && root->wait != nullptr) wake(*root);
    }
  }
  if (host_ != nullptr && serve_ && connection.direction() == Direction::accepted) {
    serve_accepted(connection);
  }
}

void TasksCore::serve_accepted(Connection connection) {
  const auto function = serve_;  // it may replace itself
  guarded(*host_, "The function that serves connections", [&] {
    Task<> task = (*function)(connection);
    const auto handle = TasksAccess::handle(task);
    const auto spawned = spawn(connection, std::move(task), handle, function);
    if (!spawned && host_ != nullptr) report(*host_, spawned.error());
  });
}

// What was accepted and never came up has no last event, nor has one that these tasks hear of if
// it was handed out before they were attached.
void TasksCore::tell_silent_ends() {
  if (unopened_.empty()) return;
  for (const Connection& each : std::exchange(unopened_, {})) {
    const auto found = listened_.find(each);
    if (found == listened_.end() || found->second.end || each.is_open()) continue;
    if (each.address() == Address()) {
      tell_end(each, {ErrorCode::not_connected, 0, {}});
    } else {
      unopened_.push_back(each);
    }
  }
}

void TasksCore::tell_end(Connection connection, Error error) {
  just_ended_.emplace_back(passes_, connection);
  const auto found = listened_.find(connection);
  if (found == listened_.end()) return;
  found->second.end = error;
  std::vector<TaskId> ids(found->second.connecting);
  ids.insert(ids.end(), found->second.waiting.begin(), found->second.waiting.end());
  const std::vector<TaskId> bound(found->second.bound);
  for (const TaskId id : ids)
    wake_failed(id, error);
  for (const TaskId id : bound) {
    if (TaskRoot* root = find(id); root != nullptr && is_over(*root)) cancel(id);
  }
}

void TasksCore::tell_notice(const Event& event) {
  const auto found = listened_.find(event.connection);
  if (found == listened_.end()) return;
  for (const TaskId id : found->second.waiting) {
    TaskRoot& root = *find(id);
    if (root.wait->kind != TaskWait::Kind::event) continue;
    root.wait->event.type = event.type;
    root.wait->event.connection = event.connection;
    root.wait->event.error = event.error;
    return wake(root);
  }
}

bool TasksCore::tell_receipt(const Event& event) {
  std::vector<TaskId> ids;
  const auto [first, last] = by_message_.equal_range(event.message_id);
  for (auto each = first; each != last; ++each)
    ids.push_back(each->second);
  for (const TaskId id : ids) {
    TaskRoot* root = find(id);
    if (root == nullptr || root->wait == nullptr || root->wait->message != event.message_id) {
      continue;
    }
    root->wait->event.receipt = event.receipt;
    wake(*root);
  }
  return !ids.empty();
}

// -- Time

void TasksCore::on_tick(const Tick& tick) {
  ++ticks_;
  while (!by_tick_.empty() && by_tick_.begin()->first <= ticks_) {
    TaskRoot& root = *find(by_tick_.begin()->second);
    root.wait->tick = tick;
    wake(root);
  }
}

void TasksCore::on_pass() {
  ++passes_;
  tell_silent_ends();
  while (!just_ended_.empty() && just_ended_.front().first + kAfterglowPasses < passes_)
    just_ended_.pop_front();
  // Those that wait again, for no time at all perhaps, are for the next pass.
  std::vector<std::pair<TimePoint, TaskId>> due;
  const TimePoint present = now();
  for (auto each = deadlines_.begin(); each != deadlines_.end() && each->first <= present; ++each)
    due.push_back(*each);
  for (const auto& each : due) {
    TaskRoot* root = find(each.second);
    if (root == nullptr || root->deadline != each.first || root->wait == nullptr) continue;
    if (root->wait->kind != TaskWait::Kind::time) {
      root->wait->error = {ErrorCode::timed_out, 0,
                           "What the task waits for did not come in time."};
    }
    wake(*root);
  }
}

TimePoint TasksCore::next_deadline() const {
  return deadlines_.empty() ? TimePoint::max() : deadlines_.begin()->first;
}

}  // namespace detail

Tasks::Tasks(const TasksOptions& options) : core_(std::make_shared<detail::TasksCore>(options)) {}

Tasks::~Tasks() {
  detach();
}

Result<TaskId> Tasks::spawn(Task<> task) {
  const auto core = core_;
  const auto handle = detail::TasksAccess::handle(task);
  return core->spawn(std::nullopt, std::move(task), handle);
}

Result<TaskId> Tasks::spawn(Connection connection, Task<> task) {
  const auto core = core_;
  const auto handle = detail::TasksAccess::handle(task);
  return core->spawn(connection, std::move(task), handle);
}

void Tasks::serve(std::function<Task<>(Connection)> function) {
  core_->serve(std::move(function));
}

bool Tasks::cancel(TaskId id) {
  const auto core = core_;
  return core->cancel(id);
}

bool Tasks::is_running(TaskId id) const noexcept {
  return core_->is_running(id);
}

std::size_t Tasks::count() const noexcept {
  return core_->count();
}

void Tasks::on_attach(Host& host) {
  core_->attach(host);
}

void Tasks::on_detach(Host&) {
  const auto core = core_;
  core->close();
}

Disposition Tasks::on_event(Host&, Event& event) {
  const auto core = core_;
  return core->on_event(event);
}

void Tasks::on_tick(Host&, const Tick& tick) {
  const auto core = core_;
  core->on_tick(tick);
}

void Tasks::on_pass(Host&) {
  const auto core = core_;
  core->on_pass();
}

TimePoint Tasks::wake_at() const {
  return core_->next_deadline();
}

}  // namespace tickwire
