// SPDX-License-Identifier: MIT
#include "audio/cleaned_source.hpp"

#include <algorithm>

#include "audio/activity.hpp"

namespace voice {
namespace {

constexpr int tail_frames = EchoCanceller::tail / frame_duration;

// What is no speech when it is played is not taken for speech when it comes back, either.
constexpr double quiet_dbfs = ActivityConfig{}.threshold_dbfs;

}  // namespace

tickwire::Result<std::unique_ptr<CleanedSource>> CleanedSource::create(
    std::unique_ptr<SoundSource> source, SoundSink* loudspeaker, const CleaningConfig& config) {
  std::unique_ptr<CleanedSource> made(new CleanedSource(std::move(source), loudspeaker));
  if (config.echo_cancellation == Cleaning::on && loudspeaker != nullptr) {
    auto canceller = EchoCanceller::create();
    if (!canceller) return std::move(canceller).error();
    made->canceller_.emplace(*std::move(canceller));
  }
  if (made->canceller_ || config.noise_suppression == Cleaning::on ||
      config.automatic_gain == Cleaning::on) {
    auto cleaner = SpeechCleaner::create({config.noise_suppression, config.automatic_gain},
                                         made->canceller_ ? &*made->canceller_ : nullptr);
    if (!cleaner) return std::move(cleaner).error();
    made->cleaner_.emplace(*std::move(cleaner));
  }
  return made;
}

SoundSource::Pull CleanedSource::pull(Frame& into) {
  if (canceller_) note_played();
  const Pull pulled = source_->pull(into);
  if (pulled == Pull::nothing_yet) return pulled;
  if (canceller_) cancel_echo(into);
  if (cleaner_) {
    using Gain = SpeechCleaner::Gain;
    cleaner_->clean(into, frames_with_echo_ > 0 ? Gain::is_held : Gain::may_rise);
  }
  return pulled;
}

void CleanedSource::cancel_echo(Frame& frame) {
  const Frame recorded = frame;
  const Frame played = played_.take();
  canceller_->cancel(recorded, played, frame);
  frames_with_echo_ =
      level_dbfs(played) > quiet_dbfs ? tail_frames : std::max(frames_with_echo_ - 1, 0);
}

void CleanedSource::note_played() {
  Frame frame;
  while (loudspeaker_->take_played(frame))
    played_.add(frame);
}

void CleanedSource::drop_queued() {
  source_->drop_queued();
  if (!canceller_) return;
  note_played();
  played_.clear();
}

}  // namespace voice
