// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <span>

#include "audio/block_correlation.hpp"

namespace voice {

/// Where in the heard recording the start of the spoken one is looked for.
struct LagRange {
  std::chrono::milliseconds first{-2000};
  std::chrono::milliseconds last{2000};
};

/// How well a spoken recording matches a heard one where it matches best.
struct Alignment {
  double correlation = 0.0;          ///< 0 to 1
  std::chrono::microseconds lag{0};  ///< from the start of the heard recording
};

/// Compares speech block by block. Each block may lie up to 100 ms beside the common lag, in steps
/// of whole frames, because that is how a jitter buffer moves speech about; then all blocks count
/// by their energy, and the lag is that of the middle one.
///
/// Shape: of the codec, loss of packets and other talkers, each lowers the correlation. Alone and
///        without loss speech reaches about 0.9; among two others of equal loudness about 0.55.
[[nodiscard]] Alignment align(const Band& spoken, const Band& heard, const LagRange& range = {});

/// Whether somebody's speech is in a recording, and how sure that is.
struct Presence {
  Alignment alignment;
  double chance = 0.0;  ///< the best correlation of speech that is certainly not there

  [[nodiscard]] bool found() const noexcept;
};

/// Looks for one talker's speech in a mix of many. What chance alone gives is measured with the
/// same speech backwards, and with the same speech at all lags but the best.
[[nodiscard]] Presence find_in_mix(const Band& spoken, const Band& heard,
                                   const LagRange& range = {});

}  // namespace voice
