// SPDX-License-Identifier: MIT
#include "audio/sound_source.hpp"

#include <algorithm>
#include <utility>

namespace voice {

tickwire::Result<WavSource> WavSource::open(const std::filesystem::path& file,
                                            std::chrono::milliseconds start_delay) {
  auto samples = read_sound(file);
  if (!samples) return std::move(samples).error();
  return WavSource(*std::move(samples), start_delay);
}

WavSource::WavSource(Samples samples, std::chrono::milliseconds start_delay)
    : samples_(std::move(samples)),
      silent_samples_left_(static_cast<std::size_t>(
                               std::max(start_delay, std::chrono::milliseconds::zero()).count()) *
                           sample_rate_hz / 1000) {}

SoundSource::Pull WavSource::pull(Frame& into) {
  into.fill(0);
  const std::size_t silent = std::min(silent_samples_left_, into.size());
  silent_samples_left_ -= silent;
  const std::size_t spoken = std::min(into.size() - silent, samples_.size() - at_);
  std::copy_n(samples_.begin() + static_cast<std::ptrdiff_t>(at_), spoken,
              into.begin() + static_cast<std::ptrdiff_t>(silent));
  at_ += spoken;
  return Pull::frame;
}

bool WavSource::finished() const {
  return at_ == samples_.size();
}

}  // namespace voice
