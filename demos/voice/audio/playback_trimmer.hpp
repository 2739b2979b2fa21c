// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <optional>

#include "audio/frame.hpp"

namespace voice {

/// Keeps the queue before a loudspeaker short. After a stall of the program, and before a
/// loudspeaker whose clock is slow, the queue holds more than is ever needed, which would be a
/// delay that stays. What is never needed is the least that waited during the last one to two
/// seconds.
///
/// Units:  counts time in frames, one each 20 ms.
/// Thread: one at a time.
class PlaybackTrimmer {
 public:
  /// What may wait for the device at the least, with the frame that has just come.
  static constexpr std::size_t spare_frames = 2;

  enum class Verdict { play, drop };

  /// Judges the next frame, when so many wait for the device, with this one. Above the spare, one
  /// that is quiet is dropped at once, another only if none was quiet for a second.
  [[nodiscard]] Verdict judge(const Frame& frame, std::size_t queued_frames);

 private:
  void note(std::size_t queued_frames);
  [[nodiscard]] bool has_surplus() const noexcept;
  void forget_one() noexcept;

  std::optional<std::size_t> least_before_;  ///< of the last whole second
  std::optional<std::size_t> least_now_;     ///< of the second that is going on
  int noted_frames_ = 0;                     ///< of that second
  int patient_frames_ = 0;                   ///< how long there has been no quiet frame to drop
};

}  // namespace voice
