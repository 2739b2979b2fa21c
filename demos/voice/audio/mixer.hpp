// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>

#include "audio/frame.hpp"

namespace voice {

/// Adds up what any number of talkers say in the same 20 ms. Sums below three quarters of full
/// scale are exact; louder ones are bent smoothly towards full scale and never wrap.
///
/// Thread: one at a time.
class Mixer {
 public:
  void add(const Frame& frame) noexcept;

  /// The sum of what was added since the last call; silence if that is nothing.
  [[nodiscard]] Frame take() noexcept;

 private:
  std::array<std::int64_t, frame_samples> sums_{};
};

}  // namespace voice
