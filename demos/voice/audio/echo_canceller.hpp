// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <memory>

#include <tickwire/error.hpp>

#include "audio/frame.hpp"

struct SpeexEchoState_;

namespace voice {

/// Takes out of what a microphone records what a loudspeaker plays into it. It learns the way
/// between the two within some seconds of sound, and follows when it changes.
///
/// Thread: one at a time.
/// Memory: all of it is allocated when it is made.
/// Source: the adaptive filter of speexdsp.
class EchoCanceller {
 public:
  /// What is played may come back for so long, counted from the frame that is given as played: the
  /// devices' own buffers, the way through the room, and its reverberation.
  static constexpr std::chrono::milliseconds tail{240};

  /// Errors: `out_of_resources`.
  static tickwire::Result<EchoCanceller> create();

  /// Fills in what was recorded, without what comes of `played`. Call it for each frame that was
  /// recorded; `played` began to be played at about the same time, and not later. What was not
  /// playing is silence.
  void cancel(const Frame& recorded, const Frame& played, Frame& into);

  /// For `SpeechCleaner`, which takes out what is left. It belongs to the canceller.
  [[nodiscard]] SpeexEchoState_* state() noexcept { return state_.get(); }

 private:
  struct Destroy {
    void operator()(SpeexEchoState_* state) const noexcept;
  };
  EchoCanceller() = default;

  std::unique_ptr<SpeexEchoState_, Destroy> state_;
};

}  // namespace voice
