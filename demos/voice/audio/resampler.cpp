// SPDX-License-Identifier: MIT
#include "audio/resampler.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <speex/speex_resampler.h>

namespace voice {
namespace {

constexpr int quality = 8;
constexpr std::size_t piece_samples = 4096;

}  // namespace

void Resampler::Destroy::operator()(SpeexResamplerState_* state) const noexcept {
  speex_resampler_destroy(state);
}

tickwire::Result<Resampler> Resampler::create(int from_hz, int to_hz) {
  int code = RESAMPLER_ERR_SUCCESS;
  Resampler made;
  made.state_.reset(speex_resampler_init(1, static_cast<spx_uint32_t>(from_hz),
                                         static_cast<spx_uint32_t>(to_hz), quality, &code));
  if (made.state_ == nullptr) {
    return tickwire::Error{tickwire::ErrorCode::out_of_resources, code,
                           "speexdsp cannot make a resampler"};
  }
  speex_resampler_skip_zeros(made.state_.get());
  return made;
}

void Resampler::run(std::span<const float> from, std::vector<float>& to) {
  std::array<float, piece_samples> piece;
  while (!from.empty()) {
    auto taken = static_cast<spx_uint32_t>(std::min(from.size(), piece_samples));
    auto given = static_cast<spx_uint32_t>(piece.size());
    speex_resampler_process_float(state_.get(), 0, from.data(), &taken, piece.data(), &given);
    if (taken == 0 && given == 0) return;
    from = from.subspan(taken);
    to.insert(to.end(), piece.begin(), piece.begin() + given);
  }
}

void Resampler::finish(std::vector<float>& to) {
  const auto inside = static_cast<std::size_t>(speex_resampler_get_input_latency(state_.get()));
  run(std::vector<float>(inside, 0.0F), to);
}

std::int16_t to_int16(float sample) {
  if (std::isnan(sample)) return 0;
  return static_cast<std::int16_t>(
      std::lround(std::clamp(sample * 32'768.0F, -32'768.0F, 32'767.0F)));
}

}  // namespace voice
