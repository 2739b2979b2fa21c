// SPDX-License-Identifier: MIT
#include <algorithm>
#include <iterator>
#include <new>
#include <optional>

#include <tickwire/codec.hpp>

#include "lib/features/transfer/core.hpp"

/// What comes from the other ends, and what goes there.
namespace tickwire::detail {
namespace {

// Of one connection. A peer that asks for answers and takes none gets no more of them.
constexpr std::size_t kMostPendingNotes = 256;
// When a chunk finds the connection's queue half full. Nothing tells when it is less again.
constexpr Duration kQueueRetry = std::chrono::milliseconds(5);
// What a message of a chunk has besides its bytes.
constexpr std::size_t kChunkExtraBytes = ChunkHeader::bytes + 64;

// Nothing but memory fails the encoding of a note.
bool is_for_later(ErrorCode code) noexcept {
  return code == ErrorCode::send_queue_full || code == ErrorCode::encode_failed;
}

// Whether one of the same transfer waited, and now says what this one does. All of them would take
// the place of what a transfer cannot end without.
bool renew_acknowledgement(std::deque<TransferNote>& waiting, const TransferNote& note) {
  if (note.step != TransferStep::acknowledge) return false;
  const auto same = std::find_if(waiting.begin(), waiting.end(), [&](const TransferNote& each) {
    return each.step == TransferStep::acknowledge && each.id == note.id;
  });
  if (same == waiting.end()) return false;
  same->bytes = note.bytes;
  return true;
}

// The part of a note that needs no memory.
std::optional<TransferNote> front_of(const Event& event) noexcept try {
  TransferNote note;
  ByteReader reader(event.bytes());
  reader(note.step, note.reason, note.id);
  return note;
} catch (...) {
  return std::nullopt;
}

}  // namespace

Disposition TransferCore::on_event(Event& event) {
  if (event.is_last) lose_all(event.connection, event.error);
  switch (event.type) {
    case EventType::object_received:
      if (!event.is<TransferNote>()) return Disposition::pass;
      take_note(event);
      return Disposition::consume;
    case EventType::data_received:
      return take_chunk(event) ? Disposition::consume : Disposition::pass;
    case EventType::data_sent:
      return receipts_to_hide_.erase(event.message_id) > 0 ? Disposition::consume
                                                           : Disposition::pass;
    case EventType::transfer_finished:
      if (TransferTask* const task = find(event.message_id)) mark_told(*task);
      return Disposition::pass;
    default:
      return Disposition::pass;
  }
}

void TransferCore::take_note(const Event& event) {
  Result<TransferNote> note = Error{ErrorCode::budget_exceeded, 0, {}};
  const bool is_small = event.bytes().size() <= kMaxNoteBytes;
  if (is_small) note = event.as<TransferNote>();
  if (!note && is_small && note.error().code == ErrorCode::budget_exceeded) return miss_note(event);
  if (!note) return count_malformed();
  if (note->step == TransferStep::offer) return take_offer(event.connection, *note);
  if (const auto task = task_of(event, *note))
    within_memory(*task, [&] { task->take_note(*note); });
}

// A small one only fails its budget where there is no memory for its texts: it cannot be read, but
// for whom it is.
void TransferCore::miss_note(const Event& event) {
  const auto note = front_of(event);
  if (!note) return count_malformed();
  if (note->step == TransferStep::offer) return refuse_without_memory(event.connection, note->id);
  if (const auto task = task_of(event, *note)) task->stop_without_memory();
}

// Null: there is none, or not any more.
std::shared_ptr<TransferTask> TransferCore::task_of(const Event& event, const TransferNote& note) {
  const bool is_of_offerer = note.step == TransferStep::begin || note.step == TransferStep::end ||
                             note.step == TransferStep::offerer_stops;
  if (is_of_offerer) {
    const auto found = incoming_.find({event.connection.id(), note.id});
    if (found == incoming_.end()) return nullptr;  // and a word of its end is on its way
    return found->second;
  }
  const auto found = tasks_.find(note.id);
  if (found == tasks_.end()) return nullptr;
  const TransferInfo& info = found->second->info();
  if (info.direction == TransferDirection::sending && info.connection == event.connection) {
    return found->second;
  }
  count_malformed();
  return nullptr;
}

void TransferCore::take_offer(Connection connection, const TransferNote& note) try {
  const std::pair key(connection.id(), note.id);
  const bool is_sound = note.digest.size() == sizeof(crypto::Sha256Digest) &&
                        note.text.size() <= kMaxOfferedNameBytes;
  if (!is_sound) {
    count_malformed();
    return refuse_unseen(connection, note.id, "The offer makes no sense.");
  }
  if (incoming_.contains(key)) return refuse_unseen(connection, note.id, "The number is in use.");
  if (!connection.is_open()) return;
  if (const char* const why = obstacle(note)) return refuse_unseen(connection, note.id, why);
  if (count(connection, TransferDirection::receiving, TransferState::offered,
            TransferState::offered) >= options_.max_offers) {
    return refuse_unseen(connection, note.id, "Too many offers wait for an answer here.");
  }
  add_offered(connection, note);
  tell_offers_in_time();
} catch (const std::bad_alloc&) {
  refuse_without_memory(connection, note.id);
}

const char* TransferCore::obstacle(const TransferNote& offer) const {
  if (!options_sense_) return "This end is not set up for it.";
  if (!hears_all()) return "This end takes no messages of bytes.";
  if (fitting_chunk(kLeastAcceptedChunkBytes) < kLeastAcceptedChunkBytes) {
    return "Messages may not be large enough here.";
  }
  if (offer.bytes > options_.max_size_bytes) return "It is larger than is allowed here.";
  return nullptr;
}

// When there is no memory for it, nothing has changed.
void TransferCore::add_offered(Connection connection, const TransferNote& note) {
  TransferInfo info;
  info.id = last_id_ + 1;
  info.connection = connection;
  info.direction = TransferDirection::receiving;
  info.name = safe_file_name(note.text);
  info.size_bytes = note.bytes;
  const auto task = std::make_shared<ReceivingTask>(*this, std::move(info), note);
  const auto place = incoming_.emplace(std::pair(connection.id(), note.id), task).first;
  try {
    untold_.insert(last_id_ + 1);
    add(task);
  } catch (const std::bad_alloc&) {
    untold_.erase(last_id_ + 1);
    incoming_.erase(place);
    throw;
  }
  ++last_id_;
}

// Without a text, which would need some, and without a word where there is none even for that.
void TransferCore::refuse_without_memory(Connection connection, std::uint64_t wire_id) noexcept
    try {
  ++counters_.offers_refused;
  TransferNote note;
  note.step = TransferStep::receiver_stops;
  note.reason = StopReason::failed;
  note.id = wire_id;
  send_note(connection, std::move(note));
} catch (const std::bad_alloc&) {
}

void TransferCore::refuse_unseen(Connection connection, std::uint64_t wire_id, const char* why) {
  ++counters_.offers_refused;
  TransferNote note;
  note.step = TransferStep::receiver_stops;
  note.reason = StopReason::refused;
  note.id = wire_id;
  note.text = why;
  send_note(connection, std::move(note));
}

bool TransferCore::take_chunk(Event& event) {
  const auto header = ChunkHeader::read(event.bytes());
  if (!header) return false;
  const auto found = incoming_.find({event.connection.id(), header->id});
  if (found == incoming_.end() || found->second->is_finished()) {
    ++counters_.unknown_chunks;
    return true;
  }
  const auto task = found->second;
  within_memory(*task, [&] { task->take_chunk(*header, std::move(event.payload)); });
  return true;
}

void TransferCore::lose_all(Connection connection, const Error& error) {
  pending_.erase(connection.id());
  // Each that is lost may go from the list at once.
  for (TransferId last = 0;;) {
    const auto load = loads_.find(connection.id());
    if (load == loads_.end()) return;
    const auto next = load->second.ids.upper_bound(last);
    if (next == load->second.ids.end()) return;
    last = *next;
    const auto task = tasks_.find(last)->second;
    within_memory(*task, [&] { task->lose(error); });
  }
}

SendOptions TransferCore::send_options() const {
  SendOptions options;
  options.delivery = Delivery::reliable;
  options.channel = channel_;
  return options;
}

// A connection has the channels of the end with fewer. Who offers is told that there is none; who
// answers has not chosen, and takes the last.
ErrorCode TransferCore::try_note(Connection connection, const TransferNote& note) {
  SendOptions options = send_options();
  auto sent = connection.send(note, options);
  while (!sent && sent.error().code == ErrorCode::no_such_channel &&
         note.step != TransferStep::offer && options.channel > 0) {
    --options.channel;
    sent = connection.send(note, options);
  }
  if (!sent) return sent.error().code;
  hide_receipt(*sent);
  return ErrorCode::none;
}

// One that is not hidden does no harm.
void TransferCore::hide_receipt(MessageId id) noexcept try {
  if (host_->config().events.contains(EventType::data_sent)) receipts_to_hide_.insert(id);
} catch (const std::bad_alloc&) {
}

void TransferCore::send_note(Connection connection, TransferNote note) {
  const auto waiting = pending_.find(connection.id());
  if (waiting == pending_.end()) {
    if (!is_for_later(try_note(connection, note))) return;
  } else if (renew_acknowledgement(waiting->second.notes, note) ||
             waiting->second.notes.size() >= kMostPendingNotes) {
    return;
  }
  Pending& pending = pending_[connection.id()];
  pending.connection = connection;
  pending.notes.push_back(std::move(note));
}

void TransferCore::send_pending() {
  for (auto each = pending_.begin(); each != pending_.end();) {
    auto& [connection, notes] = each->second;
    while (!notes.empty() && !is_for_later(try_note(connection, notes.front())))
      notes.pop_front();
    each = notes.empty() ? pending_.erase(each) : std::next(each);
  }
}

std::size_t TransferCore::fitting_chunk(std::size_t bytes) const noexcept {
  const std::size_t largest = host_->config().limits.max_message_bytes;
  return std::min(bytes, largest > kChunkExtraBytes ? largest - kChunkExtraBytes : 0);
}

// Half of the queue is left to the program's own messages.
bool TransferCore::may_send_chunk(Connection connection, std::size_t bytes, TimePoint now) {
  if (!limit_.allows(now)) {
    wake_by(limit_.next());
    return false;
  }
  const std::size_t queued = connection.stats().queued_bytes;
  const std::size_t allowed = host_->config().limits.max_send_queue_bytes / 2;
  if (queued == 0 || queued + bytes <= allowed) return true;
  wake_by(now + kQueueRetry);
  return false;
}

Result<SendBuffer> TransferCore::make_chunk(std::size_t bytes) {
  return host_->make_send_buffer(ChunkHeader::bytes + bytes);
}

ErrorCode TransferCore::send_chunk(Connection connection, SendBuffer& chunk) {
  const std::size_t size = chunk.bytes().size();
  const auto sent = connection.send_bytes(std::move(chunk), send_options());
  if (!sent) return sent.error().code;
  limit_.spend(size);
  hide_receipt(*sent);
  return ErrorCode::none;
}

}  // namespace tickwire::detail
