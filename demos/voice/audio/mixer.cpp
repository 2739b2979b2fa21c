// SPDX-License-Identifier: MIT
#include "audio/mixer.hpp"

#include <cmath>

namespace voice {
namespace {

constexpr std::int64_t full_scale = 32'767;
constexpr std::int64_t knee = 24'576;
constexpr double room = full_scale - knee;

std::int16_t limit(std::int64_t sum) {
  if (sum >= -knee && sum <= knee) return static_cast<std::int16_t>(sum);
  const std::int64_t sign = sum < 0 ? -1 : 1;
  const auto excess = static_cast<double>(sign * sum - knee);
  return static_cast<std::int16_t>(sign * (knee + std::llround(room * std::tanh(excess / room))));
}

}  // namespace

void Mixer::add(const Frame& frame, int volume_percent) noexcept {
  for (std::size_t i = 0; i < frame.size(); ++i)
    sums_[i] += frame[i] * volume_percent / full_volume_percent;
}

Frame Mixer::take() noexcept {
  Frame mixed;
  for (std::size_t i = 0; i < mixed.size(); ++i)
    mixed[i] = limit(sums_[i]);
  sums_.fill(0);
  return mixed;
}

}  // namespace voice
