// SPDX-License-Identifier: MIT
#include "audio/sequence_tracker.hpp"

namespace voice {
namespace {

// So many packets in a row with old numbers are a talker who started again, not stragglers.
constexpr int restart_run = 5;
constexpr int jump_run = 2;

}  // namespace

Arrival SequenceTracker::accept(std::uint32_t sequence, Listening listening) {
  if (state_ == State::nothing_yet) return begin_talk(sequence);
  const auto ahead = static_cast<std::int32_t>(sequence - newest_);
  const bool playing = listening == Listening::playing;

  if (ahead > 0) {
    if (listening == Listening::silent) return begin_talk(sequence);
    if (ahead > max_gap) {
      if (!playing || confirmed(sequence, jump_run)) return begin_talk(sequence);
      return Arrival::doubtful;
    }
    note(sequence, ahead);
    return Arrival::expected;
  }

  if (ahead <= -window) {
    if (listening == Listening::silent || confirmed(sequence, jump_run)) {
      return begin_talk(sequence);
    }
    return Arrival::doubtful;
  }

  if (!playing && confirmed(sequence, restart_run)) return begin_talk(sequence);
  if (seen_[static_cast<std::size_t>(-ahead)]) return Arrival::duplicate;
  if (static_cast<std::int32_t>(sequence - floor_) < 0) return Arrival::stale;
  note(sequence, ahead);
  return Arrival::expected;
}

std::uint64_t SequenceTracker::expected() const noexcept {
  return state_ == State::nothing_yet ? 0 : std::uint64_t{newest_ - first_} + 1;
}

bool SequenceTracker::confirmed(std::uint32_t sequence, int needed) {
  doubtful_run_ = doubtful_run_ > 0 && sequence == doubtful_next_ ? doubtful_run_ + 1 : 1;
  doubtful_next_ = sequence + 1;
  return doubtful_run_ >= needed;
}

Arrival SequenceTracker::begin_talk(std::uint32_t sequence) {
  floor_ = lowest_of_talk(sequence);
  expected_before_ += expected();
  state_ = State::following;
  first_ = newest_ = sequence;
  seen_.reset();
  seen_.set(0);
  doubtful_run_ = 0;
  ++came_;
  return Arrival::new_talk;
}

std::uint32_t SequenceTracker::lowest_of_talk(std::uint32_t sequence) const noexcept {
  const auto ahead = static_cast<std::int32_t>(sequence - newest_);
  if (state_ == State::nothing_yet || ahead > max_gap || ahead <= -window) {
    return sequence - max_gap;
  }
  return ahead > 0 ? newest_ + 1 : sequence;
}

void SequenceTracker::note(std::uint32_t sequence, std::int32_t ahead) {
  if (ahead > 0) {
    seen_ <<= static_cast<std::size_t>(ahead);
    seen_.set(0);
    newest_ = sequence;
    doubtful_run_ = 0;
  } else {
    seen_.set(static_cast<std::size_t>(-ahead));
    if (static_cast<std::int32_t>(first_ - sequence) > 0) first_ = sequence;
  }
  ++came_;
}

}  // namespace voice
