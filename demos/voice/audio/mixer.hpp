// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>

#include "audio/frame.hpp"

namespace voice {

/// How loud a talker is to be: 100 as he comes, 0 not at all.
inline constexpr int full_volume_percent = 100;
inline constexpr int most_volume_percent = 200;

/// Adds up what any number of talkers say in the same 20 ms. Sums below three quarters of full
/// scale are exact; louder ones are bent smoothly towards full scale and never wrap.
///
/// Thread: one at a time.
class Mixer {
 public:
  /// Pre: 0 to `most_volume_percent`.
  void add(const Frame& frame, int volume_percent = full_volume_percent) noexcept;

  /// The sum of what was added since the last call; silence if that is nothing.
  [[nodiscard]] Frame take() noexcept;

 private:
  std::array<std::int64_t, frame_samples> sums_{};
};

}  // namespace voice
