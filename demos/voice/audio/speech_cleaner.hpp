// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include <tickwire/error.hpp>

#include "audio/frame.hpp"

struct SpeexPreprocessState_;

namespace voice {

class EchoCanceller;

/// Whether a step between the microphone and the codec is taken.
enum class Cleaning { off, on };

struct SpeechCleanerConfig {
  Cleaning noise_suppression = Cleaning::on;
  Cleaning automatic_gain = Cleaning::on;
};

/// Lowers the noise behind speech, brings quiet and loud speech to one level, and, after an
/// `EchoCanceller`, takes out what that has left of the echo.
///
/// Units:  what comes out is 20 ms late.
/// Thread: one at a time.
/// Memory: all of it is allocated when it is made.
/// Source: the preprocessor of speexdsp.
class SpeechCleaner {
 public:
  /// Errors:   `out_of_resources`.
  /// Lifetime: the canceller, if there is one, outlives it.
  static tickwire::Result<SpeechCleaner> create(const SpeechCleanerConfig& config,
                                                EchoCanceller* echo = nullptr);

  /// Whether quiet speech may be brought up. What is left of an echo is not to be.
  enum class Gain { may_rise, is_held };

  /// Cleans the next frame. After an `EchoCanceller` it is the one that this has just filled in.
  void clean(Frame& frame, Gain gain = Gain::may_rise);

 private:
  struct Destroy {
    void operator()(SpeexPreprocessState_* state) const noexcept;
  };
  SpeechCleaner() = default;

  std::unique_ptr<SpeexPreprocessState_, Destroy> state_;
  Gain gain_ = Gain::may_rise;
};

}  // namespace voice
