// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <deque>
#include <random>
#include <utility>
#include <vector>

#include "audio/sound_sink.hpp"
#include "audio/sound_source.hpp"
#include "audio/wav_file.hpp"

namespace voice_test {

/// A loudspeaker, a microphone that hears it by way of walls, somebody who speaks, and noise. Both
/// devices count 20 ms at each `pass`; what has been played and recorded then waits for the
/// program.
class SimulatedRoom {
 public:
  /// The sound comes back after so long, and then decays.
  explicit SimulatedRoom(std::chrono::milliseconds delay, double echo_gain = 0.4,
                         double noise_amplitude = 5.0)
      : noise_(0.0, noise_amplitude) {
    const auto direct = static_cast<std::size_t>(delay.count()) * voice::sample_rate_hz / 1000;
    std::normal_distribution<double> strength(0.0, 0.5 * echo_gain);
    taps_.emplace_back(direct, echo_gain);
    for (int wall = 1; wall < 40; ++wall) {
      const auto later = static_cast<std::size_t>(wall) * 91 + random_() % 60;
      taps_.emplace_back(direct + later, strength(random_) * std::exp(-wall / 10.0));
    }
    air_.resize(taps_.back().first + voice::frame_samples, 0.0);
  }

  /// 20 ms go by, in which somebody says this beside the microphone.
  void pass(const voice::Frame& said = {}) {
    voice::Frame played{};
    if (!queued_.empty()) {
      played = queued_.front();
      queued_.pop_front();
      begun_.push_back(played);
    }
    voice::Frame recorded{};
    for (std::size_t i = 0; i < recorded.size(); ++i) {
      air_.push_back(played[i]);
      air_.pop_front();
      double heard = said[i] + noise_(random_);
      for (const auto& [late, gain] : taps_)
        heard += gain * air_[air_.size() - 1 - late];
      recorded[i] = static_cast<std::int16_t>(std::lround(std::clamp(heard, -32768.0, 32767.0)));
    }
    recorded_.push_back(recorded);
  }

  class Loudspeaker final : public voice::SoundSink {
   public:
    explicit Loudspeaker(SimulatedRoom& room) : room_(room) {}
    tickwire::Result<void> push(const voice::Frame& frame) override {
      room_.queued_.push_back(frame);
      return {};
    }
    [[nodiscard]] bool take_played(voice::Frame& into) override { return take(room_.begun_, into); }
    tickwire::Result<void> close() override { return {}; }

   private:
    SimulatedRoom& room_;
  };

  class Microphone final : public voice::SoundSource {
   public:
    explicit Microphone(SimulatedRoom& room) : room_(room) {}
    [[nodiscard]] Pull pull(voice::Frame& into) override {
      return take(room_.recorded_, into) ? Pull::frame : Pull::nothing_yet;
    }
    [[nodiscard]] bool finished() const override { return false; }
    [[nodiscard]] bool is_live() const noexcept override { return true; }
    void drop_queued() override { room_.recorded_.clear(); }

   private:
    SimulatedRoom& room_;
  };

 private:
  static bool take(std::deque<voice::Frame>& from, voice::Frame& into) {
    if (from.empty()) return false;
    into = from.front();
    from.pop_front();
    return true;
  }

  std::mt19937 random_{5};
  std::normal_distribution<double> noise_;
  std::vector<std::pair<std::size_t, double>> taps_;
  std::deque<double> air_;  // what was played, newest last
  std::deque<voice::Frame> queued_;
  std::deque<voice::Frame> begun_;
  std::deque<voice::Frame> recorded_;
};

}  // namespace voice_test
