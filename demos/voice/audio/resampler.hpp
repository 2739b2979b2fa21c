// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <tickwire/error.hpp>

struct SpeexResamplerState_;

namespace voice {

/// Changes the sample rate of mono sound, piece by piece. What comes out is not delayed against
/// what went in.
///
/// Thread: one at a time.
class Resampler {
 public:
  /// Pre:    rates are above 0.
  /// Errors: `out_of_resources`.
  static tickwire::Result<Resampler> create(int from_hz, int to_hz);

  /// Appends what comes out to `to`. Samples are -1 to 1.
  void run(std::span<const float> from, std::vector<float>& to);

  /// Appends what is still inside. Call it once, at the end.
  void finish(std::vector<float>& to);

 private:
  struct Destroy {
    void operator()(SpeexResamplerState_* state) const noexcept;
  };
  Resampler() = default;

  std::unique_ptr<SpeexResamplerState_, Destroy> state_;
};

/// One sample in 16 bits. What is louder than full scale is clipped; what is no number is silence.
[[nodiscard]] std::int16_t to_int16(float sample);

}  // namespace voice
