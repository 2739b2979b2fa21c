// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <memory>
#include <span>

#include "audio/cleaned_source.hpp"
#include "simulated_room.hpp"
#include "synthetic_speech.hpp"

namespace {

using namespace std::chrono_literals;
using voice::Cleaning;
using voice::CleaningConfig;
using voice::Frame;
using voice::frame_samples;
using voice::Samples;
using voice_test::SimulatedRoom;
using voice_test::synthetic_speech;

constexpr std::size_t second = voice::sample_rate_hz;
constexpr CleaningConfig only_echo{Cleaning::on, Cleaning::off, Cleaning::off};
constexpr CleaningConfig only_noise{Cleaning::off, Cleaning::on, Cleaning::off};
constexpr CleaningConfig only_gain{Cleaning::off, Cleaning::off, Cleaning::on};

double power(std::span<const std::int16_t> samples) {
  double sum = 1e-3;
  for (const std::int16_t sample : samples)
    sum += static_cast<double>(sample) * sample;
  return sum / static_cast<double>(samples.size());
}

/// Units: decibels; 0 is full scale.
double level(const Samples& samples, std::size_t from_seconds, std::size_t to_seconds) {
  const std::span all(samples);
  const auto part = all.subspan(from_seconds * second, (to_seconds - from_seconds) * second);
  return 10.0 * std::log10(power(part) / (32'768.0 * 32'768.0));
}

Frame frame_of(const Samples& samples, std::size_t index) {
  Frame frame{};
  for (std::size_t i = 0; i < frame.size(); ++i) {
    const std::size_t at = index * frame_samples + i;
    if (at < samples.size()) frame[i] = samples[at];
  }
  return frame;
}

void silence(Samples& samples, std::size_t from_seconds, std::size_t to_seconds) {
  std::fill(samples.begin() + static_cast<std::ptrdiff_t>(from_seconds * second),
            samples.begin() + static_cast<std::ptrdiff_t>(to_seconds * second), std::int16_t{0});
}

void turn_down(Samples& samples, int divisor) {
  for (std::int16_t& sample : samples)
    sample = static_cast<std::int16_t>(sample / divisor);
}

/// Somebody at home: what he says goes through the cleaning, what comes from far is played.
class Home {
 public:
  Home(SimulatedRoom& room, const CleaningConfig& config) : room_(room), loudspeaker_(room) {
    auto made = voice::CleanedSource::create(std::make_unique<SimulatedRoom::Microphone>(room),
                                             &loudspeaker_, config);
    REQUIRE(made);
    source_ = *std::move(made);
    for (int i = 0; i < 2; ++i)
      CHECK(loudspeaker_.push({}));
  }

  /// The program comes by after so many periods of the devices, 1 mostly.
  void step(int periods, const Samples& far, const Samples& near) {
    for (int i = 0; i < periods; ++i)
      room_.pass(frame_of(near, heard_frames_++));
    Frame frame;
    while (source_->pull(frame) == voice::SoundSource::Pull::frame)
      sent.insert(sent.end(), frame.begin(), frame.end());
    for (int i = 0; i < periods; ++i)
      CHECK(loudspeaker_.push(frame_of(far, played_frames_++)));
  }

  void run(std::size_t seconds, const Samples& far, const Samples& near) {
    for (std::size_t i = 0; i < seconds * second / frame_samples; ++i)
      step(1, far, near);
  }

  Samples sent;

 private:
  SimulatedRoom& room_;
  SimulatedRoom::Loudspeaker loudspeaker_;
  std::unique_ptr<voice::CleanedSource> source_;
  std::size_t heard_frames_ = 0;
  std::size_t played_frames_ = 0;
};

Samples recorded_without_cleaning(std::chrono::milliseconds delay, std::size_t seconds,
                                  const Samples& far, const Samples& near) {
  SimulatedRoom room(delay);
  Home home(room, {Cleaning::off, Cleaning::off, Cleaning::off});
  home.run(seconds, far, near);
  return home.sent;
}

Samples cleaned(const Samples& from, const CleaningConfig& config) {
  auto made =
      voice::CleanedSource::create(std::make_unique<voice::WavSource>(from), nullptr, config);
  REQUIRE(made);
  Samples result;
  Frame frame;
  // One frame more: the cleaner is that late.
  for (std::size_t i = 0; i <= from.size() / frame_samples; ++i) {
    CHECK((*made)->pull(frame) == voice::SoundSource::Pull::frame);
    if (i > 0) result.insert(result.end(), frame.begin(), frame.end());
  }
  return result;
}

/// Two seconds of pause, two of speech, and so on, with noise below.
Samples noisy(const Samples& speech, double noise_amplitude) {
  std::mt19937 random(2);
  std::normal_distribution<double> noise(0.0, noise_amplitude);
  Samples sum(speech.size());
  for (std::size_t i = 0; i < sum.size(); ++i)
    sum[i] = static_cast<std::int16_t>(std::clamp(speech[i] + noise(random), -32768.0, 32767.0));
  return sum;
}

Samples speech_with_pauses(std::size_t seconds) {
  Samples speech = synthetic_speech(4, 150, static_cast<double>(seconds));
  for (std::size_t from = 0; from < seconds; from += 4)
    silence(speech, from, from + 2);
  return speech;
}

}  // namespace

TEST_CASE("what the loudspeaker plays is taken out of what the microphone hears") {
  for (const auto delay : {20ms, 100ms}) {
    CAPTURE(delay.count());
    const Samples far = synthetic_speech(3, 120, 12);
    const Samples before = recorded_without_cleaning(delay, 12, far, {});
    SimulatedRoom room(delay);
    Home home(room, only_echo);
    home.run(12, far, {});
    // Measured: 26 dB and more.
    CHECK(level(before, 8, 12) > -30.0);
    CHECK(level(before, 8, 12) - level(home.sent, 8, 12) > 18.0);
  }
}

TEST_CASE("automatic gain does not bring the echo back") {
  const Samples far = synthetic_speech(3, 120, 16);
  const Samples before = recorded_without_cleaning(60ms, 16, far, {});
  SimulatedRoom room(60ms);
  Home home(room, {});
  home.run(16, far, {});
  CHECK(level(before, 4, 8) - level(home.sent, 4, 8) > 15.0);
  CHECK(level(before, 12, 16) - level(home.sent, 12, 16) > 15.0);
}

TEST_CASE("who speaks while the loudspeaker plays is heard as he speaks") {
  const Samples far = synthetic_speech(3, 120, 12);
  Samples near = synthetic_speech(8, 210, 12);
  silence(near, 0, 8);
  turn_down(near, 2);
  SimulatedRoom room(60ms);
  Home home(room, only_echo);
  home.run(12, far, near);
  CHECK(std::abs(level(home.sent, 8, 12) - level(near, 8, 12)) < 3.0);
  // The cleaner is a frame late.
  double product = 0.0;
  for (std::size_t i = 8 * second; i < 12 * second - frame_samples; ++i)
    product += static_cast<double>(near[i]) * home.sent[i + frame_samples];
  const double norm = std::pow(10.0, (level(near, 8, 12) + level(home.sent, 8, 12)) / 20.0);
  CHECK(product / (norm * 32'768.0 * 32'768.0 * 4.0 * second) > 0.85);
}

TEST_CASE("the echo stays away when the program comes by unevenly, and after it stood still") {
  const Samples far = synthetic_speech(3, 120, 24);
  const Samples before = recorded_without_cleaning(60ms, 24, far, {});
  SimulatedRoom room(60ms);
  Home home(room, only_echo);
  std::mt19937 random(1);
  int owed = 0;
  for (int i = 0; i < 600; ++i) {
    // None, one or two periods at a time.
    const int late = static_cast<int>(random() % 2);
    home.step(1 + owed - late, far, {});
    owed = late;
  }
  CHECK(level(before, 8, 11) - level(home.sent, 8, 11) > 15.0);
  home.step(8, far, {});
  for (int i = 0; i < 590; ++i)
    home.step(1, far, {});
  CHECK(level(before, 19, 23) - level(home.sent, 19, 23) > 15.0);
}

TEST_CASE("a loudspeaker that is silent, or plays by a slower clock, takes nothing from speech") {
  const Samples near = synthetic_speech(8, 210, 8);
  for (const int plays_each : {0, 2, 50}) {
    CAPTURE(plays_each);
    SimulatedRoom room(60ms, 0.0);
    SimulatedRoom::Loudspeaker loudspeaker(room);
    auto made = voice::CleanedSource::create(std::make_unique<SimulatedRoom::Microphone>(room),
                                             &loudspeaker, only_echo);
    REQUIRE(made);
    Samples sent;
    Frame frame;
    for (std::size_t i = 0; i < 400; ++i) {
      room.pass(frame_of(near, i));
      if (plays_each > 0 && i % static_cast<std::size_t>(plays_each) == 0) {
        CHECK(loudspeaker.push({}));
      }
      REQUIRE((*made)->pull(frame) == voice::SoundSource::Pull::frame);
      sent.insert(sent.end(), frame.begin(), frame.end());
    }
    CHECK(std::abs(level(sent, 2, 8) - level(near, 2, 8)) < 2.0);
  }
}

TEST_CASE("what was played and not needed is left out, so that an echo never precedes its sound") {
  voice::PlayedSound played;
  const auto frame = [](int value) {
    Frame made;
    made.fill(static_cast<std::int16_t>(value));
    return made;
  };
  CHECK(played.take() == Frame{});
  for (int i = 1; i <= 30; ++i)
    played.add(frame(i));
  CHECK(played.waiting_frames() == voice::PlayedSound::most_waiting_frames);
  CHECK(played.take() == frame(19));
  for (int i = 31; i <= 200; ++i) {
    played.add(frame(i));
    static_cast<void>(played.take());
  }
  CHECK(played.waiting_frames() == voice::PlayedSound::spare_frames);
  CHECK(played.take() == frame(200));
  CHECK(played.take() == Frame{});
}

TEST_CASE("noise in pauses is lowered, and speech keeps its level") {
  const Samples speech = speech_with_pauses(16);
  const Samples before = noisy(speech, 600.0);
  const Samples after = cleaned(before, only_noise);
  for (const std::size_t pause : {8U, 12U}) {
    // The first second of a pause still has the last word's end in it.
    CHECK(level(before, pause + 1, pause + 2) - level(after, pause + 1, pause + 2) > 12.0);
    CHECK(std::abs(level(after, pause + 2, pause + 4) - level(speech, pause + 2, pause + 4)) < 3.0);
  }
}

TEST_CASE("quiet speech comes up, loud speech does not, and both come to one level") {
  Samples quiet = speech_with_pauses(24);
  Samples loud = quiet;
  turn_down(quiet, 10);
  const Samples raised = cleaned(noisy(quiet, 10.0), only_gain);
  const Samples even = cleaned(noisy(loud, 10.0), only_gain);
  CHECK(level(quiet, 22, 24) < -35.0);
  CHECK(level(raised, 22, 24) - level(quiet, 22, 24) > 10.0);
  CHECK(level(even, 22, 24) - level(loud, 22, 24) < 3.0);
  CHECK(std::abs(level(raised, 22, 24) - level(even, 22, 24)) < 3.0);
  CHECK(std::abs(level(raised, 22, 24) + 22.0) < 5.0);
}

TEST_CASE("with all of it off a source is passed on as it is") {
  const Samples speech = synthetic_speech(4, 150, 1);
  auto made = voice::CleanedSource::create(std::make_unique<voice::WavSource>(speech), nullptr,
                                           {Cleaning::on, Cleaning::off, Cleaning::off});
  REQUIRE(made);
  CHECK_FALSE((*made)->is_live());
  Frame frame;
  for (std::size_t i = 0; i < 50; ++i) {
    CHECK((*made)->pull(frame) == voice::SoundSource::Pull::frame);
    CHECK(frame == frame_of(speech, i));
  }
  CHECK((*made)->finished());
}
