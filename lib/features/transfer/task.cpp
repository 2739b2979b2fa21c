// SPDX-License-Identifier: MIT
#include "lib/features/transfer/task.hpp"

#include <new>
#include <utility>

#include "lib/base/harmless.hpp"
#include "lib/features/transfer/core.hpp"

namespace tickwire::detail {
namespace {

// Where this program keeps its files is nothing for the other end.
std::string told_words(const Error& error) {
  switch (error.code) {
    case ErrorCode::file_exists:
    case ErrorCode::file_unreadable:
    case ErrorCode::file_unwritable:
    case ErrorCode::disk_full:
    case ErrorCode::file_changed:
      return std::string(to_string(error.code));
    default:
      return error.message();
  }
}

}  // namespace

void TransferTask::stop(Error error, StopReason told) {
  if (is_ending_) return;
  is_ending_ = true;
  try {
    prepare_word(error, told);
  } catch (const std::bad_alloc&) {  // the end is worth more than the word
  }
  release(std::move(error), Rest::discard);
}

// What this program decides is said before whatever it does next. A failure is said when all is let
// go of, so that another try finds nothing in its way.
void TransferTask::prepare_word(const Error& error, StopReason told) {
  std::string why(cut_text(told_words(error), kMaxReasonBytes));
  if (told == StopReason::failed || (told != StopReason::none && may_be_complete())) {
    stop_to_tell_ = StopToTell{told, std::move(why)};
  } else if (told != StopReason::none) {
    tell_stopped(told, std::move(why));
  }
}

void TransferTask::stop_without_memory() noexcept {
  stop(Error{ErrorCode::out_of_resources, 0, {}}, StopReason::failed);
}

void TransferTask::lose(Error error) {
  if (is_ending_) return;
  is_ending_ = true;
  release(std::move(error), Rest::keep);
}

void TransferTask::finish(Error error) {
  is_ending_ = true;
  move_to(TransferState::finished);
  auto stopped = std::exchange(stop_to_tell_, std::nullopt);
  try {
    if (stopped && error.code != ErrorCode::none)
      tell_stopped(stopped->reason, std::move(stopped->text));
  } catch (const std::bad_alloc&) {  // as above
  }
  info_.result = std::move(error);
  if (std::exchange(holds_offers_, false)) core_.release_offers();
  core_.tell_finished(*this);
}

void TransferTask::move_to(TransferState state) {
  core_.count_change(info_, state);
  info_.state = state;
}

void TransferTask::hold_offers() {
  if (!std::exchange(holds_offers_, true)) core_.hold_offers();
}

void TransferTask::blame(const char* what) {
  core_.count_malformed();
  stop(Error{ErrorCode::protocol_violation, 0, what}, StopReason::failed);
}

void TransferTask::tell_stopped(StopReason reason, std::string text) {
  TransferNote note;
  note.reason = reason;
  note.text = std::move(text);
  send(info_.direction == TransferDirection::sending ? TransferStep::offerer_stops
                                                     : TransferStep::receiver_stops,
       std::move(note));
}

void TransferTask::send(TransferStep step, TransferNote note) {
  note.step = step;
  note.id = wire_id_;
  core_.send_note(info_.connection, std::move(note));
}

void TransferTask::progress(std::uint64_t done_bytes) {
  info_.done_bytes = done_bytes;
  const TimePoint now = core_.now();
  if (progress_at_ == TimePoint{}) {
    progress_at_ = now;
    progress_bytes_ = info_.resumed_bytes;
  }
  const std::chrono::duration<double> passed = now - progress_at_;
  if (passed.count() * core_.options().max_progress_hz < 1 || done_bytes <= progress_bytes_) return;
  const double rate = static_cast<double>(done_bytes - progress_bytes_) / passed.count();
  // Half of it is new each time: steady enough to read, and over a change within a second.
  info_.bytes_per_second = info_.bytes_per_second > 0 ? (info_.bytes_per_second + rate) / 2 : rate;
  progress_at_ = now;
  progress_bytes_ = done_bytes;
  core_.raise(EventType::transfer_progress, *this);
}

Error error_of_stop(const TransferNote& note) {
  const std::string text = harmless_text(note.text);
  switch (note.reason) {
    case StopReason::refused:
      return Error{ErrorCode::transfer_refused, 0, text};
    case StopReason::cancelled:
      return Error{ErrorCode::transfer_cancelled, 0,
                   text.empty() ? "The other end cancelled." : text};
    default:
      return Error{ErrorCode::transfer_failed, 0, text.empty() ? text : "The other end: " + text};
  }
}

std::string harmless_text(std::string_view text) {
  return harmless_characters(cut_text(text, kMaxReasonBytes), {}, '?');
}

}  // namespace tickwire::detail
