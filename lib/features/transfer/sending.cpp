// SPDX-License-Identifier: MIT
#include "lib/features/transfer/sending.hpp"

#include <algorithm>
#include <utility>

#include "lib/features/transfer/core.hpp"

namespace tickwire::detail {
namespace {

// Other transfers' turn comes in between.
constexpr std::size_t kCompareBytes = 2 * 1024 * 1024;
// For what became of it, after a cancel that may have come too late. The other end may have to wait
// for a slow disk first; one that never answers holds a file here no longer than this.
constexpr Duration kAnswerWait = std::chrono::seconds(60);

std::string as_string(const crypto::Sha256Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace

SendingTask::SendingTask(TransferCore& core, TransferInfo info, TransferSource source,
                         std::optional<std::uint64_t> max_bytes_per_second)
    : TransferTask(core, info, info.id),
      source_(std::make_shared<TransferSource>(std::move(source))),
      limit_(max_bytes_per_second, core.now()) {}

void SendingTask::take_note(const TransferNote& note) {
  if (note.step == TransferStep::receiver_stops) {
    if (note.reason == StopReason::failed) forget_sum();
    if (cancelled_ && !is_finished()) {
      return end_with(note.reason == StopReason::cancelled ? *cancelled_ : error_of_stop(note));
    }
    is_answered_ = true;
    if (!is_ending_) stop(error_of_stop(note), StopReason::none);
    return;
  }
  if (note.step == TransferStep::done && info_.state == TransferState::finishing) {
    info_.done_bytes = info_.size_bytes;
    if (source_->stamp()) core_.known_sums().remember(*source_->stamp(), source_->whole_digest());
    return end_with({});
  }
  if (is_ending_) return;
  if (note.step == TransferStep::accept && info_.state == TransferState::offered) {
    return take_accept(note);
  }
  if (note.step == TransferStep::acknowledge && info_.state >= TransferState::running) {
    if (note.bytes > sent_ || note.bytes < acknowledged_)
      return blame("It took what was not sent.");
    acknowledged_ = note.bytes;
    return progress(acknowledged_);
  }
  blame("It said what makes no sense now.");
}

void SendingTask::take_accept(const TransferNote& note) {
  const bool is_sound = note.bytes <= info_.size_bytes && note.chunk >= kLeastAcceptedChunkBytes &&
                        note.window >= note.chunk &&
                        (note.bytes == 0 || note.digest.size() == sizeof(crypto::Sha256Digest));
  if (!is_sound) return blame("Its acceptance makes no sense.");
  const TransferOptions& options = core_.options();
  window_bytes_ = std::min<std::uint64_t>(options.window_bytes, note.window);
  const std::size_t largest = std::min<std::size_t>(options.chunk_bytes, note.chunk);
  chunk_bytes_ =
      core_.limit().fitting_chunk(core_.fitting_chunk(largest), kLeastAcceptedChunkBytes);
  chunk_bytes_ = limit_.fitting_chunk(chunk_bytes_, kLeastAcceptedChunkBytes);
  if (chunk_bytes_ == 0) {
    return stop(Error{ErrorCode::message_too_large, 0, "Limits::max_message_bytes is too small."},
                StopReason::failed);
  }
  move_to(TransferState::preparing);
  compare(note.bytes, note.digest);
}

// The part that the other end has is compared with the same bytes here, some at a time.
void SendingTask::compare(std::uint64_t bytes, const std::string& digest) {
  struct Compared {
    std::optional<Error> failure{};
    bool is_through = false;
    bool is_same = true;
  };
  core_.files().run(
      weak_from_this(),
      [source = source_, bytes, digest] {
        Compared compared;
        const auto left = bytes - source->position();
        if (left > 0) {
          const auto read = source->pass_over(std::min<std::uint64_t>(left, kCompareBytes));
          if (!read) compared.failure = read.error();
        }
        compared.is_through = source->position() == bytes;
        const bool is_known = compared.is_through && !compared.failure && bytes > 0;
        if (is_known && as_string(source->digest()) != digest) {
          compared.is_same = false;
          source->rewind();
        }
        return compared;
      },
      [bytes, digest](SendingTask& task, const Compared& compared) {
        if (task.is_ending_) return;
        if (compared.failure) return task.stop(*compared.failure, StopReason::failed);
        if (!compared.is_through) return task.compare(bytes, digest);
        task.begin(compared.is_same ? bytes : 0);
      });
}

void SendingTask::begin(std::uint64_t from) {
  move_to(TransferState::running);
  info_.resumed_bytes = info_.done_bytes = from;
  asked_ = sent_ = acknowledged_ = from;
  core_.pump_each_pass(shared_from_this());
  TransferNote note;
  note.bytes = from;
  note.window = static_cast<std::uint32_t>(window_bytes_);
  send(TransferStep::begin, std::move(note));
  use_known_sum();
}

void SendingTask::use_known_sum() {
  if (!source_->stamp()) return;
  const auto known = core_.known_sums().find(*source_->stamp());
  if (!known) return;
  source_->know(*known);
  core_.count_known_checksum();
}

// It may be what the receiver did not like.
void SendingTask::forget_sum() {
  if (source_ && source_->stamp()) core_.known_sums().forget(*source_->stamp());
}

void SendingTask::pump(TimePoint now) {
  if (cancelled_) return wait_for_answer(now);
  if (info_.state != TransferState::running || is_ending_) return;
  read_ahead();
  send_ready(now);
  if (sent_ == info_.size_bytes && !has_ended_ && !is_ending_) end();
}

void SendingTask::read_ahead() {
  while (asked_ < info_.size_bytes) {
    const std::uint64_t bytes = std::min<std::uint64_t>(chunk_bytes_, info_.size_bytes - asked_);
    if (asked_ + bytes - acknowledged_ > window_bytes_) return;
    auto chunk = core_.make_chunk(bytes);
    if (!chunk) return stop(chunk.error(), StopReason::failed);
    asked_ += bytes;
    core_.files().run(
        weak_from_this(),
        [source = source_, chunk = std::move(*chunk)]() mutable {
          auto read = source->read(chunk.bytes().subspan(ChunkHeader::bytes));
          return std::pair(std::move(read), std::move(chunk));
        },
        [](SendingTask& task, std::pair<Result<void>, SendBuffer> read) {
          task.take_chunk(read.first, std::move(read.second));
        });
  }
}

void SendingTask::take_chunk(const Result<void>& read, SendBuffer chunk) {
  if (is_ending_) return;
  if (!read) return stop(read.error(), StopReason::failed);
  ready_.push_back(std::move(chunk));
}

void SendingTask::send_ready(TimePoint now) {
  while (!ready_.empty()) {
    const std::size_t bytes = ready_.front().bytes().size() - ChunkHeader::bytes;
    if (!limit_.allows(now)) return core_.wake_by(limit_.next());
    if (!core_.may_send_chunk(info_.connection, bytes, now)) return;
    ChunkHeader{wire_id(), sent_}.write(ready_.front().bytes());
    const ErrorCode code = core_.send_chunk(info_.connection, ready_.front());
    if (code == ErrorCode::send_queue_full) return;  // `writable` comes
    if (code == ErrorCode::not_connected) return;    // `disconnected` comes, and says why
    if (code != ErrorCode::none) return stop(Error{code, 0, {}}, StopReason::failed);
    limit_.spend(bytes);
    ready_.pop_front();
    sent_ += bytes;
  }
}

void SendingTask::end() {
  has_ended_ = true;
  core_.files().run(
      weak_from_this(),
      [source = source_] {
        auto unchanged = source->check_unchanged();
        return std::pair(std::move(unchanged), source->whole_digest());
      },
      [](SendingTask& task, const std::pair<Result<void>, crypto::Sha256Digest>& ended) {
        if (task.is_ending_) return;
        if (!ended.first) return task.stop(ended.first.error(), StopReason::failed);
        task.move_to(TransferState::finishing);
        TransferNote note;
        note.digest = as_string(ended.second);
        task.send(TransferStep::end, std::move(note));
      });
}

// A cancel may come too late: the other end may have everything in its place, and has the last
// word.
void SendingTask::release(Error error, Rest) {
  ready_.clear();
  const bool is_open = info_.state == TransferState::finishing && !is_answered_ &&
                       error.code == ErrorCode::transfer_cancelled;
  if (!is_open) return end_with(std::move(error));
  cancelled_ = std::move(error);
  answer_by_ = core_.now() + kAnswerWait;
  core_.wake_by(answer_by_);
}

void SendingTask::wait_for_answer(TimePoint now) {
  if (is_finished()) return;
  if (now >= answer_by_) return end_with(*cancelled_);
  core_.wake_by(answer_by_);
}

void SendingTask::lose(Error error) {
  if (cancelled_ && !is_finished()) return end_with(std::move(error));
  TransferTask::lose(std::move(error));
}

void SendingTask::end_with(Error error) {
  source_.reset();
  finish(std::move(error));
}

}  // namespace tickwire::detail
