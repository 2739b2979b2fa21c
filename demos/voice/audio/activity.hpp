// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>

#include "audio/frame.hpp"

namespace voice {

/// When a microphone is sent: always, while somebody speaks, or while a key is held. The last is
/// for `ActivityGate` as if it were always open: it knows of no key.
enum class Microphone { always_open, voice_activated, push_to_talk };

struct ActivityConfig {
  Microphone microphone = Microphone::always_open;
  double threshold_dbfs = -50.0;            ///< quieter than this is never speech
  double above_noise_db = 9.0;              ///< speech is that much louder than the room
  std::chrono::milliseconds hangover{300};  ///< stays open so long after the last speech
};

/// Decides frame by frame whether what the microphone gives is worth sending. It learns the noise
/// of the room from the quietest frames of the last seconds.
///
/// Thread: one at a time.
class ActivityGate {
 public:
  explicit ActivityGate(const ActivityConfig& config = {}) : config_(config) {}

  enum class Verdict {
    send,
    last,  ///< do not send the frame: tell the listeners that the talk is over
    withhold,
  };

  [[nodiscard]] Verdict judge(const Frame& frame);

 private:
  void learn_noise(double level_dbfs);

  ActivityConfig config_;
  double noise_dbfs_ = -70.0;
  bool open_ = false;
  std::chrono::milliseconds open_for_{0};
};

/// The mean power of a frame. Silence is -100.
///
/// Units: decibels relative to a full-scale square wave.
[[nodiscard]] double level_dbfs(const Frame& frame);

}  // namespace voice
