// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace voice {

/// The rate at which recordings are compared: all of speech that a codec keeps the waveform of.
inline constexpr int analysis_rate_hz = 8'000;
inline constexpr int analysis_samples_per_frame = 160;

/// Sound prepared for comparison: band-limited, at `analysis_rate_hz`, -1 to 1.
using Band = std::vector<float>;

/// Filters and decimates 48 kHz samples.
[[nodiscard]] Band to_band(std::span<const std::int16_t> samples);

/// Lags in samples of the band: sample `i` of the spoken recording is compared with sample `i +
/// lag` of the heard one, for `count` lags from `first` on.
struct BandLags {
  std::ptrdiff_t first = 0;
  std::size_t count = 0;
};

/// Takes how well one block of the spoken recording matches the heard one: the energy of the block,
/// and its correlation at each lag, -1 to 1.
using BlockVisitor = std::function<void(double energy, std::span<const float> correlations)>;

/// Cuts the spoken recording into blocks of half a second, leaves out those without speech, and
/// correlates each with the heard recording, normalised by the energy of both. What lies outside
/// the heard recording counts as silence.
void match_blocks(std::span<const float> spoken, std::span<const float> heard, BandLags lags,
                  const BlockVisitor& visit);

}  // namespace voice
