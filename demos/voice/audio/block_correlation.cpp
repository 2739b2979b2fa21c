// SPDX-License-Identifier: MIT
#include "audio/block_correlation.hpp"

#include <algorithm>
#include <cmath>
#include <memory>

#include <kiss_fftr.h>

#include "audio/frame.hpp"
#include "audio/resampler.hpp"

namespace voice {
namespace {

constexpr std::size_t block_samples = 4'000;

// Blocks so much weaker than the loudest hold no speech.
constexpr double speech_energy_ratio = 0.01;

struct FreeFft {
  void operator()(kiss_fftr_state* state) const noexcept { kiss_fftr_free(state); }
};
using Fft = std::unique_ptr<kiss_fftr_state, FreeFft>;
using Spectrum = std::vector<kiss_fft_cpx>;

double energy(std::span<const float> samples) {
  double sum = 0.0;
  for (const float sample : samples)
    sum += double{sample} * sample;
  return sum;
}

/// Correlates short blocks with stretches of one long recording, by Fourier transforms of a size
/// that fits a block and all its lags.
class Correlator {
 public:
  explicit Correlator(std::size_t lag_count)
      : lag_count_(lag_count),
        size_(fft_size(lag_count + block_samples)),
        forward_(kiss_fftr_alloc(static_cast<int>(size_), 0, nullptr, nullptr)),
        inverse_(kiss_fftr_alloc(static_cast<int>(size_), 1, nullptr, nullptr)),
        time_(size_),
        block_spectrum_(size_ / 2 + 1),
        heard_spectrum_(size_ / 2 + 1) {}

  /// Pre: `heard` holds `lag_count + block.size() - 1` samples, and starts at the first lag.
  /// Lifetime: the correlations are valid until the next call.
  [[nodiscard]] std::span<const float> run(std::span<const float> block,
                                           std::span<const float> heard) {
    transform(block, block_spectrum_);
    transform(heard, heard_spectrum_);
    for (std::size_t i = 0; i < block_spectrum_.size(); ++i) {
      const kiss_fft_cpx a = block_spectrum_[i];
      const kiss_fft_cpx b = heard_spectrum_[i];
      heard_spectrum_[i] = {a.r * b.r + a.i * b.i, a.r * b.i - a.i * b.r};
    }
    kiss_fftri(inverse_.get(), heard_spectrum_.data(), time_.data());
    normalise(block, heard);
    return std::span(time_).first(lag_count_);
  }

 private:
  static std::size_t fft_size(std::size_t at_least) {
    return 2 *
           static_cast<std::size_t>(kiss_fft_next_fast_size(static_cast<int>(at_least / 2 + 1)));
  }

  void transform(std::span<const float> samples, Spectrum& into) {
    const auto end = std::copy(samples.begin(), samples.end(), time_.begin());
    std::fill(end, time_.end(), 0.0F);
    kiss_fftr(forward_.get(), time_.data(), into.data());
  }

  void normalise(std::span<const float> block, std::span<const float> heard) {
    const double block_energy = energy(block);
    // A stretch that is far weaker than the block is silence with rounding errors in it.
    const double least = 1e-6 * block_energy;
    double heard_energy = energy(heard.first(block.size()));
    for (std::size_t lag = 0; lag < lag_count_; ++lag) {
      const double product = time_[lag] / static_cast<double>(size_);
      time_[lag] = heard_energy <= least
                       ? 0.0F
                       : static_cast<float>(product / std::sqrt(block_energy * heard_energy));
      if (lag + 1 == lag_count_) break;
      const double leaves = heard[lag];
      const double enters = heard[lag + block.size()];
      heard_energy += enters * enters - leaves * leaves;
    }
  }

  std::size_t lag_count_;
  std::size_t size_;
  Fft forward_;
  Fft inverse_;
  std::vector<float> time_;
  Spectrum block_spectrum_;
  Spectrum heard_spectrum_;
};

// `count` samples from `first` on, which may lie before the start or past the end.
void cut(std::span<const float> from, std::ptrdiff_t first, std::vector<float>& into) {
  const auto size = static_cast<std::ptrdiff_t>(from.size());
  for (std::size_t i = 0; i < into.size(); ++i) {
    const std::ptrdiff_t at = first + static_cast<std::ptrdiff_t>(i);
    into[i] = at >= 0 && at < size ? from[static_cast<std::size_t>(at)] : 0.0F;
  }
}

}  // namespace

Band to_band(std::span<const std::int16_t> samples) {
  Band wide(samples.size());
  std::transform(samples.begin(), samples.end(), wide.begin(),
                 [](std::int16_t sample) { return static_cast<float>(sample) / 32'768.0F; });
  Band band;
  auto resampler = Resampler::create(sample_rate_hz, analysis_rate_hz);
  if (!resampler) return band;
  resampler->run(wide, band);
  resampler->finish(band);
  return band;
}

void match_blocks(std::span<const float> spoken, std::span<const float> heard, BandLags lags,
                  const BlockVisitor& visit) {
  if (lags.count == 0 || spoken.empty()) return;
  const std::size_t blocks = (spoken.size() + block_samples - 1) / block_samples;
  const auto block_at = [&](std::size_t index) {
    const std::size_t start = index * block_samples;
    return spoken.subspan(start, std::min(block_samples, spoken.size() - start));
  };
  std::vector<double> energies(blocks);
  for (std::size_t i = 0; i < blocks; ++i)
    energies[i] = energy(block_at(i));
  const double loudest = *std::max_element(energies.begin(), energies.end());

  Correlator correlator(lags.count);
  std::vector<float> stretch;
  for (std::size_t i = 0; i < blocks; ++i) {
    if (energies[i] <= speech_energy_ratio * loudest) continue;
    const std::span<const float> block = block_at(i);
    stretch.resize(lags.count + block.size() - 1);
    cut(heard, static_cast<std::ptrdiff_t>(i * block_samples) + lags.first, stretch);
    visit(energies[i], correlator.run(block, stretch));
  }
}

}  // namespace voice
