// SPDX-License-Identifier: MIT
#include "lib/features/transfer/core.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace tickwire::detail {
namespace {

constexpr std::size_t kLeastChunkBytes = 4096;
constexpr std::size_t kMostChunkBytes = 4 * 1024 * 1024;
constexpr std::size_t kMostWindowBytes = 1024 * 1024 * 1024;

Result<void> check(const TransferOptions& options) {
  const auto wrong = [](const char* field) {
    return Error{ErrorCode::invalid_argument, 0,
                 std::string("TransferOptions::") + field + " is out of its range."};
  };
  if (options.chunk_bytes < kLeastChunkBytes || options.chunk_bytes > kMostChunkBytes)
    return wrong("chunk_bytes");
  if (options.window_bytes < 4 * options.chunk_bytes || options.window_bytes > kMostWindowBytes)
    return wrong("window_bytes");
  if (!(options.max_progress_hz > 0 && options.max_progress_hz <= 1000))
    return wrong("max_progress_hz");
  if (options.max_bytes_per_second && *options.max_bytes_per_second == 0)
    return wrong("max_bytes_per_second");
  return {};
}

// The last of those that leave last.
std::uint8_t lowest_channel(const std::vector<ChannelConfig>& channels) {
  std::size_t lowest = 0;
  for (std::size_t i = 1; i < channels.size(); ++i)
    if (channels[i].priority <= channels[lowest].priority) lowest = i;
  return static_cast<std::uint8_t>(lowest);
}

template <class Enum>
constexpr std::size_t as_index(Enum value) noexcept {
  return static_cast<std::size_t>(value);
}

Error no_such_transfer() {
  return Error{ErrorCode::invalid_argument, 0, "There is no such transfer, or not any more."};
}

}  // namespace

TransferCore::TransferCore(const TransferOptions& options)
    : options_(options),
      options_sense_(check(options)),
      limit_(options.max_bytes_per_second, TimePoint{}),
      known_sums_(options.max_known_checksums) {}

void TransferCore::attach(Host& host) {
  host_ = &host;
  channel_ = options_.channel.value_or(lowest_channel(host.config().channels));
  limit_ = RateLimit(options_.max_bytes_per_second, now());
  files_.start(host.poster());
}

void TransferCore::detach() {
  files_.stop();
  tasks_.clear();
  loads_.clear();
  pumped_.clear();
  told_.clear();
  incoming_.clear();
  pending_.clear();
  untold_.clear();
  offers_held_ = 0;
  receipts_to_hide_.clear();
  host_ = nullptr;
}

TimePoint TransferCore::now() const noexcept {
  const Clock* clock = host_ != nullptr ? host_->config().clock : nullptr;
  return clock != nullptr ? clock->now() : steady_clock().now();
}

void TransferCore::on_pass() {
  ++pass_;
  wake_at_ = TimePoint::max();
  files_.take_answers();
  try {
    send_pending();
  } catch (const std::bad_alloc&) {  // the next pass tries again
  }
  const TimePoint time = now();
  for (std::size_t i = 0; i < pumped_.size(); ++i) {
    const std::shared_ptr task(pumped_[i]);
    within_memory(*task, [&] { task->pump(time); });
  }
  // Whoever comes first takes what there is of the queue and the rate: each in its turn.
  if (!pumped_.empty()) std::rotate(pumped_.begin(), pumped_.begin() + 1, pumped_.end());
  tell_owed();
  std::erase_if(pumped_, [](const auto& task) { return task->is_finished(); });
  forget_told();
}

// When there is no memory for it, nothing has changed.
void TransferCore::add(const std::shared_ptr<TransferTask>& task) {
  const TransferInfo& info = task->info();
  const auto place = tasks_.emplace(info.id, task).first;
  try {
    Load& load = loads_[info.connection.id()];
    load.ids.insert(info.id);
    ++load.counts[as_index(info.direction)][as_index(info.state)];
  } catch (const std::bad_alloc&) {
    tasks_.erase(place);
    if (const auto load = loads_.find(info.connection.id());
        load != loads_.end() && load->second.ids.empty()) {
      loads_.erase(load);
    }
    throw;
  }
}

// As if it had never been added.
void TransferCore::drop(const TransferTask& task) noexcept {
  count_change(task.info(), TransferState::finished);
  tasks_.erase(task.info().id);
}

void TransferCore::count_change(const TransferInfo& info, TransferState to) noexcept {
  const auto load = loads_.find(info.connection.id());
  if (load == loads_.end()) return;
  auto& counts = load->second.counts[as_index(info.direction)];
  --counts[as_index(info.state)];
  if (to != TransferState::finished) {
    ++counts[as_index(to)];
    return;
  }
  load->second.ids.erase(info.id);
  if (load->second.ids.empty()) loads_.erase(load);
}

void TransferCore::mark_told(TransferTask& task) noexcept {
  if (!task.is_finished() || task.told_in_pass) return;
  told_.splice(told_.end(), task.place_among_told);
  task.told_in_pass = pass_;
}

void TransferCore::forget_told() {
  while (!told_.empty()) {
    const auto found = tasks_.find(told_.front());
    const TransferTask& task = *found->second;
    if (*task.told_in_pass + 2 > pass_) return;
    if (task.info().direction == TransferDirection::receiving)
      incoming_.erase({task.info().connection.id(), task.wire_id()});
    tasks_.erase(found);
    told_.pop_front();
  }
}

TransferTask* TransferCore::find(TransferId id) const {
  const auto found = tasks_.find(id);
  return found == tasks_.end() ? nullptr : found->second.get();
}

std::size_t TransferCore::count(Connection connection, TransferDirection direction,
                                TransferState from, TransferState to) const {
  const auto load = loads_.find(connection.id());
  if (load == loads_.end()) return 0;
  const auto& counts = load->second.counts[as_index(direction)];
  std::size_t sum = 0;
  for (std::size_t state = as_index(from); state <= as_index(to); ++state)
    sum += counts[state];
  return sum;
}

bool TransferCore::hears_all() const {
  const EventMask events = host_->config().events;
  return events.contains(EventType::object_received) && events.contains(EventType::data_received);
}

Result<void> TransferCore::may_offer(Connection connection) const {
  if (!options_sense_) return options_sense_;
  if (host_ == nullptr) {
    return Error{ErrorCode::invalid_argument, 0, "This Transfers is attached to no host."};
  }
  if (!connection.is_open()) return Error{ErrorCode::not_connected, 0, {}};
  if (!hears_all()) {
    return Error{ErrorCode::not_supported, 0,
                 "HostConfig::events leaves messages out, so transfers cannot work."};
  }
  if (channel_ >= host_->config().channels.size()) {
    return Error{ErrorCode::no_such_channel, 0, "TransferOptions::channel is no channel."};
  }
  if (count(connection, TransferDirection::sending, TransferState::offered,
            TransferState::finishing) >= options_.max_offered) {
    return Error{ErrorCode::too_many_transfers, 0, "TransferOptions::max_offered is reached."};
  }
  return {};
}

Result<TransferId> TransferCore::offer(Connection connection, std::string name,
                                       TransferSource source, const OfferIdentity& identity,
                                       const std::filesystem::path& path,
                                       const OfferOptions& options) try {
  if (auto allowed = may_offer(connection); !allowed) return allowed.error();
  if (options.max_bytes_per_second && *options.max_bytes_per_second == 0) {
    return Error{ErrorCode::invalid_argument, 0, "OfferOptions::max_bytes_per_second is 0."};
  }
  // Here a failure can be returned; later a note of the other end would be what needs the thread.
  if (auto begun = files_.begin(); !begun) return begun.error();
  TransferNote note;
  note.step = TransferStep::offer;
  note.id = last_id_ + 1;
  note.bytes = identity.size_bytes;
  note.digest = identity.key;
  note.text = name.substr(0, kMaxOfferedNameBytes);
  TransferInfo info;
  info.id = note.id;
  info.connection = connection;
  info.name = safe_file_name(name);
  info.size_bytes = identity.size_bytes;
  info.path = path;
  // All that needs memory comes first: behind the note there is no way back.
  const auto task = std::make_shared<SendingTask>(*this, std::move(info), std::move(source),
                                                  options.max_bytes_per_second);
  add(task);
  ErrorCode code = ErrorCode::out_of_resources;
  try {
    code = try_note(connection, note);
  } catch (const std::bad_alloc&) {
  }
  if (code == ErrorCode::none) return ++last_id_;
  drop(*task);
  return Error{code, 0, {}};
} catch (const std::bad_alloc&) {
  return Error{ErrorCode::out_of_resources, 0, {}};
}

Result<ReceivingTask*> TransferCore::acceptable(TransferId id) {
  auto* const task = dynamic_cast<ReceivingTask*>(find(id));
  if (task == nullptr || task->info().state != TransferState::offered) return no_such_transfer();
  if (count(task->info().connection, TransferDirection::receiving, TransferState::preparing,
            TransferState::finishing) >= options_.max_accepted) {
    return Error{ErrorCode::too_many_transfers, 0, "TransferOptions::max_accepted is reached."};
  }
  return task;
}

Result<std::vector<std::byte>> TransferCore::take_bytes(TransferId id) {
  auto* const task = dynamic_cast<ReceivingTask*>(find(id));
  if (task == nullptr) return no_such_transfer();
  return task->take_bytes();
}

ErrorCode TransferCore::refuse(TransferId id, std::string_view reason) {
  auto* const task = dynamic_cast<ReceivingTask*>(find(id));
  if (task == nullptr || task->info().state != TransferState::offered) {
    return ErrorCode::invalid_argument;
  }
  task->stop(Error{ErrorCode::transfer_refused, 0, std::string(reason)}, StopReason::refused);
  return ErrorCode::none;
}

ErrorCode TransferCore::cancel(TransferId id, std::string_view reason) {
  TransferTask* const task = find(id);
  if (task == nullptr || task->is_ending()) return ErrorCode::invalid_argument;
  std::string text(reason.empty() ? std::string_view("This program cancelled.") : reason);
  task->stop(Error{ErrorCode::transfer_cancelled, 0, std::move(text)}, StopReason::cancelled);
  return ErrorCode::none;
}

std::optional<TransferInfo> TransferCore::info(TransferId id) const {
  const TransferTask* const task = find(id);
  if (task == nullptr) return std::nullopt;
  return task->info();
}

std::vector<TransferInfo> TransferCore::all() const {
  std::vector<TransferInfo> infos;
  for (const auto& [id, task] : tasks_)
    infos.push_back(task->info());
  return infos;
}

void TransferCore::raise(EventType type, const TransferTask& task) {
  if (!host_->config().events.contains(type)) return;
  const bool is_open = task.info().connection.is_open();
  if (!is_open && type == EventType::transfer_progress) return;
  Event event;
  event.type = type;
  event.message_id = task.info().id;
  if (is_open) event.connection = task.info().connection;
  if (type == EventType::transfer_finished) event.error = task.info().result;
  host_->raise(std::move(event));
}

// An offer that is over before the program heard of it is not worth an event.
void TransferCore::tell_finished(TransferTask& task) noexcept try {
  const TransferId id = task.info().id;
  const bool is_untold = untold_.contains(id);
  if (is_untold || !host_->config().events.contains(EventType::transfer_finished)) mark_told(task);
  if (!is_untold) raise(EventType::transfer_finished, task);
  task.owes_end = false;
  untold_.erase(id);
  tell_offers();
} catch (const std::bad_alloc&) {
  task.owes_end = task.owes_end || !task.told_in_pass;
  owes_ends_ = true;
}

// What there was no memory for when it came about.
void TransferCore::tell_owed() noexcept {
  if (!std::exchange(owes_ends_, false)) return;
  for (const auto& [id, task] : tasks_)
    if (std::exchange(task->owes_end, false)) tell_finished(*task);
  tell_offers_in_time();
}

void TransferCore::tell_offers_in_time() noexcept try {
  tell_offers();
} catch (const std::bad_alloc&) {
  owes_ends_ = true;
}

void TransferCore::tell_offers() {
  while (offers_held_ == 0 && !untold_.empty()) {
    if (const TransferTask* const task = find(*untold_.begin()))
      raise(EventType::transfer_offered, *task);
    untold_.erase(untold_.begin());
  }
}

}  // namespace tickwire::detail
