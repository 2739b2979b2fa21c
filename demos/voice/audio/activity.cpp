// SPDX-License-Identifier: MIT
#include "audio/activity.hpp"

#include <algorithm>
#include <cmath>

namespace voice {
namespace {

constexpr double silence_dbfs = -100.0;
constexpr double full_scale = 32'768.0;

// Noise follows quieter frames within some frames and louder ones at 3 dB a second, so that a
// sentence does not raise it much and a fan that was switched on closes the gate again.
constexpr double noise_fall_weight = 0.3;
constexpr double noise_rise_db_per_frame = 0.06;

}  // namespace

double level_dbfs(const Frame& frame) {
  double power = 0.0;
  for (const std::int16_t sample : frame)
    power += static_cast<double>(sample) * sample;
  power /= static_cast<double>(frame.size()) * full_scale * full_scale;
  return power > 0.0 ? std::max(10.0 * std::log10(power), silence_dbfs) : silence_dbfs;
}

ActivityGate::Verdict ActivityGate::judge(const Frame& frame) {
  if (config_.microphone != Microphone::voice_activated) return Verdict::send;
  const double level = level_dbfs(frame);
  const bool speech =
      level > std::max(config_.threshold_dbfs, noise_dbfs_ + config_.above_noise_db);
  learn_noise(level);
  if (speech) {
    open_ = true;
    open_for_ = config_.hangover;
    return Verdict::send;
  }
  if (!open_) return Verdict::withhold;
  open_for_ -= frame_duration;
  open_ = open_for_ >= std::chrono::milliseconds::zero();
  return open_ ? Verdict::send : Verdict::last;
}

void ActivityGate::learn_noise(double level_dbfs) {
  if (level_dbfs < noise_dbfs_) {
    noise_dbfs_ += (level_dbfs - noise_dbfs_) * noise_fall_weight;
  } else {
    noise_dbfs_ = std::min(level_dbfs, noise_dbfs_ + noise_rise_db_per_frame);
  }
}

}  // namespace voice
