// SPDX-License-Identifier: MIT
#include "audio/played_sound.hpp"

#include <algorithm>
#include <chrono>

namespace voice {
namespace {

constexpr int frames_per_second = std::chrono::seconds(1) / frame_duration;

}  // namespace

void PlayedSound::add(const Frame& frame) {
  waiting_.push_back(frame);
  if (waiting_.size() > most_waiting_frames) waiting_.erase(waiting_.begin());
}

Frame PlayedSound::take() {
  if (taken_frames_ == frames_per_second) leave_out_surplus();
  ++taken_frames_;
  Frame frame{};
  if (!waiting_.empty()) {
    frame = waiting_.front();
    waiting_.erase(waiting_.begin());
  }
  least_waiting_ = std::min(least_waiting_, waiting_.size());
  return frame;
}

void PlayedSound::leave_out_surplus() {
  const std::size_t surplus = least_waiting_ > spare_frames ? least_waiting_ - spare_frames : 0;
  const auto left_out = static_cast<std::ptrdiff_t>(std::min(surplus, waiting_.size()));
  waiting_.erase(waiting_.begin(), waiting_.begin() + left_out);
  least_waiting_ = most_waiting_frames;
  taken_frames_ = 0;
}

}  // namespace voice
