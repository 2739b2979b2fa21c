// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <vector>

#include "audio/frame.hpp"

namespace voice {

/// Pairs what a loudspeaker has played with what a microphone has recorded, a frame each, so that
/// an echo always comes as long after its sound. The two count time by clocks of their own, and
/// are asked at uneven moments.
///
/// Units:  counts time in frames.
/// Thread: one at a time.
/// Memory: all of it is allocated when it is made.
class PlayedSound {
 public:
  /// What may wait at most; above it the oldest is forgotten.
  static constexpr std::size_t most_waiting_frames = 12;
  /// What may wait at the least, against the unevenness. It must be less than a sound takes to
  /// come back, or the echo would be paired with what was played before its sound.
  static constexpr std::size_t spare_frames = 1;

  PlayedSound() { waiting_.reserve(most_waiting_frames + 1); }

  /// Takes the next frame that the loudspeaker has begun to play.
  void add(const Frame& frame);

  /// What was played beside the next frame of the microphone; silence when nothing was. What was
  /// never needed within a second, above the spare, is left out.
  [[nodiscard]] Frame take();

  void clear() noexcept { waiting_.clear(); }

  [[nodiscard]] std::size_t waiting_frames() const noexcept { return waiting_.size(); }

 private:
  void leave_out_surplus();

  std::vector<Frame> waiting_;                       ///< oldest first
  std::size_t least_waiting_ = most_waiting_frames;  ///< of the second that is going on
  int taken_frames_ = 0;                             ///< of that second
};

}  // namespace voice
