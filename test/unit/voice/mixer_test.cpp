// SPDX-License-Identifier: MIT
#include <cstdlib>
#include <limits>

#include <doctest/doctest.h>

#include "audio/mixer.hpp"

namespace voice {
namespace {

Frame level(int value) {
  Frame frame;
  frame.fill(static_cast<std::int16_t>(value));
  return frame;
}

TEST_CASE("quiet talkers add up exactly") {
  Mixer mixer;
  mixer.add(level(1000));
  mixer.add(level(-3500));
  mixer.add(level(20'000));
  CHECK(mixer.take() == level(17'500));
}

TEST_CASE("each talker has a volume, and at twice the full one nothing wraps") {
  Mixer mixer;
  mixer.add(level(1000), 50);
  mixer.add(level(-3000), 0);
  mixer.add(level(4000), 200);
  CHECK(mixer.take() == level(8500));
  mixer.add(level(30'000), most_volume_percent);
  CHECK(mixer.take()[0] > 30'000);
  mixer.add(level(-30'000), most_volume_percent);
  CHECK(mixer.take()[0] < -30'000);
}

TEST_CASE("a mix of nobody is silence, and a mix is taken once") {
  Mixer mixer;
  CHECK(mixer.take() == Frame{});
  mixer.add(level(5));
  CHECK(mixer.take() == level(5));
  CHECK(mixer.take() == Frame{});
}

TEST_CASE("loud sums bend towards full scale, keep their order and never wrap") {
  Mixer mixer;
  int before = 0;
  for (int loud = 0; loud <= 32'767; loud += 100) {
    mixer.add(level(loud));
    mixer.add(level(loud));
    const int mixed = mixer.take()[0];
    CHECK(mixed >= before);
    CHECK(mixed <= 2 * loud);
    before = mixed;
    mixer.add(level(-loud));
    mixer.add(level(-loud));
    CHECK(mixer.take()[0] == -mixed);
  }
}

TEST_CASE("any number of talkers at full scale stays at full scale") {
  Mixer mixer;
  for (int i = 0; i < 100'000; ++i)
    mixer.add(level(32'767));
  CHECK(mixer.take() == level(32'767));
  for (int i = 0; i < 100'000; ++i)
    mixer.add(level(std::numeric_limits<std::int16_t>::min()));
  CHECK(mixer.take() == level(-32'767));
}

}  // namespace
}  // namespace voice
