// SPDX-License-Identifier: MIT
#include "lib/features/transfer/task.hpp"

#include <utility>

#include "lib/features/transfer/core.hpp"

namespace tickwire::detail {

void TransferTask::stop(Error error, StopReason told) {
  if (is_ending_) return;
  is_ending_ = true;
  // What this program decides is said before whatever it does next. A failure is said when all is
  // let go of, so that another try finds nothing in its way.
  const std::string why = error.message().substr(0, kMaxReasonBytes);
  if (told == StopReason::failed) {
    failure_to_tell_ = why;
  } else if (told != StopReason::none) {
    tell_stopped(told, why);
  }
  release(std::move(error), Rest::discard);
}

void TransferTask::lose(Error error) {
  if (is_ending_) return;
  is_ending_ = true;
  release(std::move(error), Rest::keep);
}

void TransferTask::finish(Error error) {
  is_ending_ = true;
  info_.state = TransferState::finished;
  if (failure_to_tell_) {
    tell_stopped(StopReason::failed, *std::exchange(failure_to_tell_, std::nullopt));
  }
  info_.result = std::move(error);
  core_.tell_finished(*this);
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
  std::string shown(text.substr(0, kMaxReasonBytes));
  for (char& letter : shown) {
    const auto code = static_cast<unsigned char>(letter);
    if (code < 0x20 || code == 0x7f) letter = '?';
  }
  return shown;
}

}  // namespace tickwire::detail
