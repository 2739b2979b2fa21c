// SPDX-License-Identifier: MIT
#include "audio/playback_trimmer.hpp"

#include <algorithm>
#include <chrono>

#include "audio/activity.hpp"

namespace voice {
namespace {

constexpr int frames_per_second = std::chrono::seconds(1) / frame_duration;

// As quiet as a pause between words; 20 ms less of it are not heard.
constexpr double quiet_dbfs = -50.0;

}  // namespace

PlaybackTrimmer::Verdict PlaybackTrimmer::judge(const Frame& frame, std::size_t queued_frames) {
  note(queued_frames);
  if (!has_surplus()) {
    patient_frames_ = 0;
    return Verdict::play;
  }
  if (level_dbfs(frame) >= quiet_dbfs && ++patient_frames_ < frames_per_second) {
    return Verdict::play;
  }
  patient_frames_ = 0;
  forget_one();
  return Verdict::drop;
}

void PlaybackTrimmer::note(std::size_t queued_frames) {
  least_now_ = std::min(queued_frames, least_now_.value_or(queued_frames));
  if (++noted_frames_ < frames_per_second) return;
  least_before_ = least_now_;
  least_now_.reset();
  noted_frames_ = 0;
}

bool PlaybackTrimmer::has_surplus() const noexcept {
  return least_before_ && *least_before_ > spare_frames &&
         least_now_.value_or(*least_before_) > spare_frames;
}

// The frame that is dropped would have been in the queue all that time.
void PlaybackTrimmer::forget_one() noexcept {
  --*least_before_;
  if (least_now_) --*least_now_;
}

}  // namespace voice
