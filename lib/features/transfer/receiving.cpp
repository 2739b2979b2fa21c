// SPDX-License-Identifier: MIT
#include "lib/features/transfer/receiving.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>
#include <optional>
#include <utility>

#include "lib/features/transfer/core.hpp"

namespace tickwire::detail {
namespace {

// Other transfers' turn comes in between.
constexpr std::size_t kLookBytes = 2 * 1024 * 1024;
// How often the window is opened further, in parts of it: often enough that the sender always has
// room, seldom enough that it costs nothing. Beside that, the sender wants to show progress.
constexpr std::uint64_t kAcknowledgeParts = 8;
// Each job of the file thread has its own cost in memory, hundreds of bytes, which the window knows
// nothing of: chunks of one byte would take 90 times the window. They cannot be refused, since a
// correct sender's are as small as its `Limits::max_message_bytes`, which nobody tells here. And
// one that shares its packet with other messages keeps all of that, up to 64 KiB. So smaller ones
// than half of those are copied together while the file thread is busy, up to so many bytes.
constexpr std::size_t kSmallChunkBytes = 32 * 1024;
constexpr std::size_t kGatheredBytes = 64 * 1024;

std::span<const std::byte> content_of(const Payload& chunk) {
  return chunk.bytes().subspan(ChunkHeader::bytes);
}
std::span<const std::byte> content_of(const std::vector<std::byte>& gathered) {
  return gathered;
}

}  // namespace

ReceivingTask::ReceivingTask(TransferCore& core, TransferInfo info, const TransferNote& offer)
    : TransferTask(core, std::move(info), offer.id), identity_{offer.digest, offer.bytes} {}

Result<void> ReceivingTask::accept(const std::filesystem::path& target, WhenThere when_there) try {
  if (auto begun = core_.files().begin(); !begun) return begun;
  auto part = TransferPart::open(target, when_there, identity_);
  if (!part) return part.error();
  info_.path = part->target();
  prepare(std::move(*part));
  return {};
} catch (const std::bad_alloc&) {
  return give_back_offer();
}

Result<void> ReceivingTask::accept_to_memory(std::size_t limit_bytes) try {
  if (info_.size_bytes > limit_bytes) {
    return Error{ErrorCode::budget_exceeded, 0,
                 std::to_string(info_.size_bytes) + " bytes are offered, " +
                     std::to_string(limit_bytes) + " are allowed."};
  }
  if (auto begun = core_.files().begin(); !begun) return begun;
  prepare(TransferPart());
  return {};
} catch (const std::bad_alloc&) {
  return give_back_offer();
}

// It may be accepted again.
Error ReceivingTask::give_back_offer() noexcept {
  if (part_) part_->keep();
  part_.reset();
  release_job_.reset();
  info_.path.clear();
  return Error{ErrorCode::out_of_resources, 0, {}};
}

Result<std::vector<std::byte>> ReceivingTask::take_bytes() {
  const bool is_there = is_finished() && info_.result.code == ErrorCode::none &&
                        info_.path.empty() && part_ != nullptr;
  if (!is_there) return Error{ErrorCode::invalid_argument, 0, "There are no bytes to take."};
  return std::exchange(part_, nullptr)->take_memory();
}

void ReceivingTask::prepare(TransferPart part) {
  part_ = std::make_shared<TransferPart>(std::move(part));
  release_job_ = make_release_job();
  window_bytes_ = core_.options().window_bytes;
  look_again();
  move_to(TransferState::preparing);
}

void ReceivingTask::look_again() {
  struct Looked {
    Result<bool> more;
    std::uint64_t bytes;
    crypto::Sha256Digest sum;
  };
  core_.files().run(
      weak_from_this(),
      [part = part_] {
        auto more = part->look_again(kLookBytes);
        return Looked{std::move(more), part->position(), part->digest()};
      },
      [](ReceivingTask& task, const Looked& looked) {
        if (task.is_ending_) return;
        if (!looked.more) return task.stop(looked.more.error(), StopReason::failed);
        if (*looked.more) return task.look_again();
        const auto* const digest = reinterpret_cast<const char*>(looked.sum.data());
        task.say_accepted(looked.bytes, std::string(digest, looked.sum.size()));
      });
}

void ReceivingTask::say_accepted(std::uint64_t bytes, std::string digest) {
  looked_at_ = bytes;
  move_to(TransferState::running);
  TransferNote note;
  note.bytes = bytes;
  note.digest = std::move(digest);
  note.window = static_cast<std::uint32_t>(window_bytes_);
  note.chunk = static_cast<std::uint32_t>(core_.fitting_chunk(window_bytes_));
  send(TransferStep::accept, std::move(note));
}

void ReceivingTask::take_note(const TransferNote& note) {
  if (note.step == TransferStep::offerer_stops) {
    // Who stops after the end waits for a word of how it has ended.
    return stop(error_of_stop(note), is_placing_ ? StopReason::cancelled : StopReason::none);
  }
  if (is_ending_) return;
  const bool runs = info_.state == TransferState::running;
  if (note.step == TransferStep::begin && runs && !has_begun_) return take_begin(note);
  if (note.step == TransferStep::end && runs && has_begun_) return take_end(note.digest);
  blame("It said what makes no sense now.");
}

void ReceivingTask::take_begin(const TransferNote& note) {
  const std::uint64_t from = note.bytes;
  if (from != 0 && from != looked_at_) return blame("It begins where nobody asked it to.");
  has_begun_ = true;
  window_bytes_ = std::min<std::uint64_t>(window_bytes_, note.window);
  received_ = acknowledged_ = from;
  info_.resumed_bytes = info_.done_bytes = from;
  if (from == looked_at_) return;
  core_.files().run(
      weak_from_this(), [part = part_] { return part->start_over(); },
      [](ReceivingTask& task, const Result<void>& result) {
        if (!result) task.stop(result.error(), StopReason::failed);
      });
}

void ReceivingTask::take_chunk(const ChunkHeader& header, Payload payload) {
  if (is_ending_) return;
  const std::uint64_t bytes = payload.bytes().size() - ChunkHeader::bytes;
  if (!has_begun_ || info_.state != TransferState::running || header.offset != received_) {
    return blame("A chunk came out of its order.");
  }
  if (bytes == 0 || bytes > info_.size_bytes - received_) {
    return blame("More came than was offered.");
  }
  if (received_ + bytes - acknowledged_ > window_bytes_) {
    return blame("More came than was allowed to be on its way.");
  }
  received_ += bytes;
  // What a sender may put beside a chunk is not worth its memory.
  if (bytes >= kSmallChunkBytes && payload.metadata_bytes().empty()) {
    write_gathered();
    return write(std::move(payload));
  }
  const auto content = content_of(payload);
  gathered_.insert(gathered_.end(), content.begin(), content.end());
  if (writing_ == 0 || gathered_.size() >= kGatheredBytes) write_gathered();
}

void ReceivingTask::write_gathered() {
  if (!gathered_.empty()) write(std::exchange(gathered_, {}));
}

template <class Held>
void ReceivingTask::write(Held held) {
  core_.files().run(
      weak_from_this(),
      [part = part_, held = std::move(held)] {
        auto result = part->append(content_of(held));
        return std::pair(std::move(result), part->position());
      },
      [](ReceivingTask& task, const std::pair<Result<void>, std::uint64_t>& written) {
        task.take_written(written.first, written.second);
      });
  ++writing_;
}

void ReceivingTask::take_written(const Result<void>& result, std::uint64_t position) {
  --writing_;
  if (is_ending_) return;
  if (!result) return stop(result.error(), StopReason::failed);
  if (writing_ == 0) write_gathered();
  progress(position);
  const std::chrono::duration<double> passed = core_.now() - acknowledged_at_;
  const bool is_all = position == info_.size_bytes;
  const bool is_due = passed.count() * core_.options().max_progress_hz >= 1;
  if (is_all || is_due || position - acknowledged_ >= window_bytes_ / kAcknowledgeParts) {
    acknowledge();
  }
}

void ReceivingTask::acknowledge() {
  acknowledged_ = info_.done_bytes;
  acknowledged_at_ = core_.now();
  TransferNote note;
  note.bytes = acknowledged_;
  send(TransferStep::acknowledge, std::move(note));
}

void ReceivingTask::take_end(const std::string& digest) {
  crypto::Sha256Digest wanted{};
  if (received_ != info_.size_bytes || digest.size() != wanted.size()) {
    return blame("It ends too early.");
  }
  std::memcpy(wanted.data(), digest.data(), wanted.size());
  write_gathered();
  // It has an answer whatever becomes of it: what other jobs lack memory for meanwhile does not say
  // where the file is.
  core_.files().run(
      weak_from_this(),
      [part = part_, wanted]() -> Result<void> {
        try {
          return part->finish(wanted);
        } catch (const std::bad_alloc&) {
          return Error{ErrorCode::out_of_resources, 0, {}};
        }
      },
      [](ReceivingTask& task, const Result<void>& result) { task.take_placed(result); });
  is_placing_ = true;
  move_to(TransferState::finishing);
}

// A stop that came meanwhile has its way only where the whole is not in its place by now.
void ReceivingTask::take_placed(const Result<void>& result) {
  is_placing_ = false;
  if (!result) {
    if (stopped_) return release(std::move(*stopped_), Rest::discard);
    return stop(result.error(), StopReason::failed);
  }
  send(TransferStep::done);
  info_.done_bytes = info_.size_bytes;
  info_.path = part_->target();
  release_job_.reset();
  if (!info_.path.empty()) part_.reset();
  finish({});
}

// What is complete needs the other end no more.
void ReceivingTask::lose(Error error) {
  if (info_.state != TransferState::finishing) TransferTask::lose(std::move(error));
}

// Told once the files are closed, so that the program may use the name again at once.
void ReceivingTask::release(Error error, Rest rest) {
  if (!part_) return finish(std::move(error));
  hold_offers();
  if (is_placing_) {
    stopped_ = std::move(error);
    return part_->give_up();
  }
  move_to(TransferState::finishing);
  gathered_ = {};
  stopped_ = std::move(error);
  rest_->store(rest);
  part_.reset();
  core_.files().run(std::move(release_job_));
}

// Made beforehand: files are closed also when there is no memory left for anything.
std::unique_ptr<FileJob> ReceivingTask::make_release_job() {
  rest_ = std::make_shared<std::atomic<Rest>>(Rest::keep);
  return FileThread::make(
      weak_from_this(),
      [part = part_, rest = rest_] {
        *rest == Rest::keep ? part->keep() : part->discard();
        return true;
      },
      [](ReceivingTask& task, bool) { task.finish(std::move(*task.stopped_)); });
}

void ReceivingTask::run_out_of_memory() noexcept {
  if (release_job_ && stopped_) return release(std::move(*stopped_), Rest::discard);
  TransferTask::run_out_of_memory();
}

}  // namespace tickwire::detail
