// SPDX-License-Identifier: MIT
#include <random>
#include <vector>

#include <doctest/doctest.h>

#include "audio/activity.hpp"

namespace voice {
namespace {

using namespace std::chrono_literals;
using Verdict = ActivityGate::Verdict;

Frame noise(std::mt19937& random, int amplitude) {
  Frame frame;
  std::uniform_int_distribution<int> samples(-amplitude, amplitude);
  for (auto& sample : frame)
    sample = static_cast<std::int16_t>(samples(random));
  return frame;
}

TEST_CASE("levels are decibels below full scale") {
  Frame square;
  square.fill(-32'768);
  CHECK(level_dbfs(square) == doctest::Approx(0.0));
  square.fill(3277);
  CHECK(level_dbfs(square) == doctest::Approx(-20.0).epsilon(0.01));
  CHECK(level_dbfs(Frame{}) == -100.0);
}

TEST_CASE("an open microphone sends everything") {
  ActivityGate gate;
  for (int i = 0; i < 100; ++i)
    CHECK(gate.judge(Frame{}) == Verdict::send);
}

TEST_CASE("a gate sends speech and its hangover, says the end once and withholds silence") {
  ActivityGate gate({.microphone = Microphone::voice_activated, .hangover = 100ms});
  std::mt19937 random(1);
  for (int i = 0; i < 50; ++i)
    CHECK(gate.judge(noise(random, 10)) == Verdict::withhold);
  for (int i = 0; i < 20; ++i)
    CHECK(gate.judge(noise(random, 8000)) == Verdict::send);
  for (int i = 0; i < 5; ++i)
    CHECK(gate.judge(noise(random, 10)) == Verdict::send);
  CHECK(gate.judge(noise(random, 10)) == Verdict::last);
  for (int i = 0; i < 50; ++i)
    CHECK(gate.judge(noise(random, 10)) == Verdict::withhold);
  CHECK(gate.judge(noise(random, 8000)) == Verdict::send);
}

TEST_CASE("a gate without hangover still says the end") {
  ActivityGate gate({.microphone = Microphone::voice_activated, .hangover = 0ms});
  std::mt19937 random(2);
  CHECK(gate.judge(noise(random, 8000)) == Verdict::send);
  CHECK(gate.judge(Frame{}) == Verdict::last);
  CHECK(gate.judge(Frame{}) == Verdict::withhold);
}

TEST_CASE("a steady noise closes the gate after a while, speech above it opens it") {
  ActivityGate gate({.microphone = Microphone::voice_activated});
  std::mt19937 random(3);
  int sent = 0;
  for (int i = 0; i < 1500; ++i)
    sent += gate.judge(noise(random, 400)) == Verdict::send ? 1 : 0;
  CHECK(sent < 1000);
  for (int i = 0; i < 20; ++i)
    CHECK(gate.judge(noise(random, 400)) == Verdict::withhold);
  CHECK(gate.judge(noise(random, 4000)) == Verdict::send);
}

TEST_CASE("long speech with its own short pauses stays open") {
  ActivityGate gate({.microphone = Microphone::voice_activated});
  std::mt19937 random(4);
  int withheld = 0;
  for (int i = 0; i < 1500; ++i) {
    const Verdict verdict = gate.judge(noise(random, i % 15 < 11 ? 8000 : 30));
    withheld += verdict == Verdict::send ? 0 : 1;
  }
  CHECK(withheld == 0);
}

}  // namespace
}  // namespace voice
