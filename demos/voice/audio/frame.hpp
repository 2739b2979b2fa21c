// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace voice {

inline constexpr int sample_rate_hz = 48'000;
inline constexpr std::chrono::milliseconds frame_duration{20};
inline constexpr std::size_t frame_samples = 960;

static_assert(frame_samples * 1000 == std::size_t{sample_rate_hz} * frame_duration.count());

/// 20 ms of sound, the unit in which everything here is captured, coded, sent, mixed and played.
///
/// Shape: 960 samples, 48 kHz, mono, 16 bits. `Frame{}` is silence.
using Frame = std::array<std::int16_t, frame_samples>;

}  // namespace voice
