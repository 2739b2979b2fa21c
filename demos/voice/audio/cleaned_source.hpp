// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "audio/echo_canceller.hpp"
#include "audio/played_sound.hpp"
#include "audio/sound_sink.hpp"
#include "audio/sound_source.hpp"
#include "audio/speech_cleaner.hpp"

namespace voice {

struct CleaningConfig {
  Cleaning echo_cancellation = Cleaning::on;
  Cleaning noise_suppression = Cleaning::on;
  Cleaning automatic_gain = Cleaning::on;
};

/// What comes from another source, fit to be sent: without what the loudspeaker beside it plays,
/// and without noise, at an even level. With everything off it passes on what it gets.
///
/// Thread: one at a time.
/// Memory: all of it is allocated when it is made.
class CleanedSource final : public SoundSource {
 public:
  /// Pre:      `source` is not null.
  /// Errors:   `out_of_resources`.
  /// Lifetime: the loudspeaker outlives it; without one there is no echo.
  static tickwire::Result<std::unique_ptr<CleanedSource>> create(
      std::unique_ptr<SoundSource> source, SoundSink* loudspeaker, const CleaningConfig& config);

  [[nodiscard]] Pull pull(Frame& into) override;
  [[nodiscard]] bool finished() const override { return source_->finished(); }
  [[nodiscard]] bool is_live() const noexcept override { return source_->is_live(); }
  void drop_queued() override;
  [[nodiscard]] std::optional<tickwire::Error> failure() const override {
    return source_->failure();
  }

 private:
  CleanedSource(std::unique_ptr<SoundSource> source, SoundSink* loudspeaker)
      : source_(std::move(source)), loudspeaker_(loudspeaker) {}
  void note_played();
  void cancel_echo(Frame& frame);

  std::unique_ptr<SoundSource> source_;
  SoundSink* loudspeaker_;
  PlayedSound played_;
  std::optional<EchoCanceller> canceller_;
  std::optional<SpeechCleaner> cleaner_;  // after the canceller: it knows its state
  int frames_with_echo_ = 0;              // that are still to come of what was played
};

}  // namespace voice
