// SPDX-License-Identifier: MIT
#include <algorithm>
#include <chrono>
#include <map>
#include <random>
#include <vector>

#include <doctest/doctest.h>

#include "audio/correlate.hpp"
#include "audio/mixer.hpp"
#include "audio/sound_source.hpp"
#include "audio/talker_stream.hpp"
#include "synthetic_speech.hpp"

namespace voice {
namespace {

using namespace std::chrono_literals;
using voice_test::synthetic_speech;

Samples delayed(const Samples& samples, std::size_t delay_samples) {
  Samples later(delay_samples, 0);
  later.insert(later.end(), samples.begin(), samples.end());
  return later;
}

/// What a listener hears of talkers who all go through the codec and a network that loses 5 % of
/// the packets and delays the others by up to three frames.
Samples mix_of(const std::vector<Samples>& talkers, unsigned seed) {
  std::mt19937 random(seed);
  Mixer mixer;
  std::vector<Frame> mix;
  for (const Samples& spoken : talkers) {
    auto encoder = Encoder::create({});
    auto stream = TalkerStream::create();
    WavSource source(spoken);
    std::multimap<std::size_t, std::pair<std::uint32_t, std::vector<std::byte>>> network;
    for (std::size_t at = 0; !source.finished() || at < mix.size(); ++at) {
      Frame frame;
      REQUIRE(source.pull(frame) == SoundSource::Pull::frame);
      const auto packet = encoder->encode(frame);
      if (random() % 100 >= 5) {
        network.emplace(at + random() % 4,
                        std::pair(static_cast<std::uint32_t>(at),
                                  std::vector<std::byte>(packet->begin(), packet->end())));
      }
      for (; !network.empty() && network.begin()->first <= at; network.erase(network.begin())) {
        stream->receive(network.begin()->second.first, network.begin()->second.second);
      }
      stream->next(frame);
      if (at >= mix.size()) mix.push_back({});
      mixer.add(mix[at]);
      mixer.add(frame);
      mix[at] = mixer.take();
    }
  }
  Samples heard;
  for (const Frame& frame : mix)
    heard.insert(heard.end(), frame.begin(), frame.end());
  return heard;
}

TEST_CASE("a recording matches its delayed self, at the delay") {
  const Samples speech = synthetic_speech(1, 120.0, 5.0);
  for (const std::size_t delay : {0U, 480U, 4'800U, 72'000U}) {
    CAPTURE(delay);
    const Alignment found = align(to_band(speech), to_band(delayed(speech, delay)));
    CHECK(found.correlation > 0.99);
    const auto expected = std::chrono::microseconds(delay * 1'000'000 / sample_rate_hz);
    CHECK(std::chrono::abs(found.lag - expected) <= 250us);
  }
  const Samples cut(speech.begin() + 24'000, speech.end());
  CHECK(align(to_band(speech), to_band(cut)).lag == -500ms);
}

TEST_CASE("a change of the delay by whole frames in the middle costs little") {
  const Samples speech = synthetic_speech(2, 150.0, 8.0);
  Samples heard(speech.begin(), speech.begin() + 150'000);
  heard.insert(heard.end(), 2'880, 0);
  heard.insert(heard.end(), speech.begin() + 150'000, speech.end());
  const Alignment found = align(to_band(speech), to_band(heard));
  CHECK(found.correlation > 0.9);
}

TEST_CASE("a lag outside the range is not found") {
  const Samples speech = synthetic_speech(3, 150.0, 5.0);
  const Band spoken = to_band(speech);
  const Band heard = to_band(delayed(speech, 48'000));
  CHECK(align(spoken, heard, {0ms, 500ms}).correlation < 0.4);
  CHECK(align(spoken, heard, {500ms, 1500ms}).correlation > 0.99);
  CHECK(align(spoken, heard, {1500ms, 500ms}).correlation == 0.0);
  CHECK(align(spoken, heard, {500s, 600s}).correlation == 0.0);
}

TEST_CASE("silence, emptiness and scraps match nothing") {
  const Band speech = to_band(synthetic_speech(4, 150.0, 3.0));
  const Band silence = to_band(Samples(100'000, 0));
  const Band scrap = to_band(Samples(100, 500));
  for (const Band& other : {silence, Band{}}) {
    CHECK_FALSE(find_in_mix(speech, other).found());
    CHECK_FALSE(find_in_mix(other, speech).found());
    CHECK_FALSE(find_in_mix(other, other).found());
    CHECK(align(speech, other).correlation == 0.0);
  }
  static_cast<void>(find_in_mix(scrap, speech));
  static_cast<void>(find_in_mix(speech, scrap));
}

TEST_CASE("one talker alone, with 5 % of the packets lost, matches by 0.7 or more") {
  for (const unsigned seed : {1U, 2U, 3U}) {
    INFO("seed " << seed);
    const Samples speech = synthetic_speech(seed, 100.0 + 40.0 * seed, 8.0);
    const Alignment found = align(to_band(speech), to_band(mix_of({speech}, seed)));
    CHECK(found.correlation >= 0.7);
    CHECK(found.lag > 0ms);
    CHECK(found.lag < 200ms);
  }
}

TEST_CASE("in a mix of three whoever spoke is found and whoever did not is not") {
  for (const unsigned seed : {10U, 20U, 30U, 40U}) {
    INFO("seed " << seed);
    std::vector<Samples> talkers;
    std::vector<Samples> absent;
    for (unsigned i = 0; i < 3; ++i) {
      talkers.push_back(synthetic_speech(seed + i, 110.0 + 30.0 * i, 8.0));
      absent.push_back(synthetic_speech(seed + 5 + i, 110.0 + 30.0 * i, 8.0));
    }
    const Band heard = to_band(mix_of(talkers, seed));
    for (const Samples& spoken : talkers) {
      const Presence presence = find_in_mix(to_band(spoken), heard);
      CAPTURE(presence.alignment.correlation);
      CAPTURE(presence.chance);
      CHECK(presence.found());
    }
    for (const Samples& unspoken : absent) {
      const Presence presence = find_in_mix(to_band(unspoken), heard);
      CAPTURE(presence.alignment.correlation);
      CAPTURE(presence.chance);
      CHECK_FALSE(presence.found());
    }
  }
}

}  // namespace
}  // namespace voice
