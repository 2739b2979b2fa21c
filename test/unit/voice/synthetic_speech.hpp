// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>

#include "audio/wav_file.hpp"

namespace voice_test {

/// Something like speech: syllables of harmonics of a wandering pitch and of noise, with pauses.
/// The same seed and pitch give the same speech.
inline voice::Samples synthetic_speech(unsigned seed, double pitch_hz, double seconds) {
  constexpr double rate_hz = voice::sample_rate_hz;
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  voice::Samples speech(static_cast<std::size_t>(seconds * rate_hz), 0);
  double phase = 0.0;
  for (std::size_t at = 0; at < speech.size();) {
    const auto length = static_cast<std::size_t>((0.08 + 0.2 * uniform(random)) * rate_hz);
    const double pitch = pitch_hz * (0.8 + 0.5 * uniform(random));
    const double formant_hz = 300.0 + 1500.0 * uniform(random);
    const double loudness = 2000.0 + 5000.0 * uniform(random);
    const double breath = 0.3 * uniform(random);
    for (std::size_t i = 0; i < length && at + i < speech.size(); ++i) {
      const double part = static_cast<double>(i) / static_cast<double>(length);
      phase += pitch * (1.0 + 0.1 * part) / rate_hz;
      double sample = breath * (uniform(random) - 0.5);
      for (int harmonic = 1; harmonic <= 12; ++harmonic) {
        const double off = (harmonic * pitch - formant_hz) / 500.0;
        sample += std::exp(-off * off) * std::sin(2.0 * std::numbers::pi * harmonic * phase);
      }
      const double envelope = std::sin(std::numbers::pi * part);
      speech[at + i] =
          static_cast<std::int16_t>(std::clamp(loudness * envelope * sample, -30'000.0, 30'000.0));
    }
    at += length + static_cast<std::size_t>((0.02 + 0.15 * uniform(random)) * rate_hz);
  }
  return speech;
}

}  // namespace voice_test
