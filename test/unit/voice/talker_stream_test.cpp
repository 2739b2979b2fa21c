// SPDX-License-Identifier: MIT
#include <algorithm>
#include <random>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "audio/activity.hpp"
#include "audio/sound_source.hpp"
#include "audio/talker_stream.hpp"
#include "synthetic_speech.hpp"

namespace voice {
namespace {

using Sound = TalkerStream::Sound;
using Packet = std::vector<std::byte>;

std::vector<Packet> spoken_packets(std::size_t count, const EncoderConfig& config = {}) {
  std::vector<Packet> packets;
  auto encoder = Encoder::create(config);
  WavSource source(voice_test::synthetic_speech(1, 120.0, 20.0));
  Frame frame;
  while (packets.size() < count) {
    REQUIRE(source.pull(frame) == SoundSource::Pull::frame);
    const auto packet = encoder->encode(frame);
    REQUIRE(packet);
    packets.emplace_back(packet->begin(), packet->end());
  }
  return packets;
}

/// Sends one packet a frame, but those whose number `is_lost` names, then lets the talk run out.
template <class IsLost>
std::vector<std::pair<Sound, Frame>> hear(TalkerStream& stream, const std::vector<Packet>& packets,
                                          IsLost is_lost) {
  std::vector<std::pair<Sound, Frame>> heard;
  for (std::size_t i = 0; i < packets.size() + 30; ++i) {
    if (i < packets.size() && !is_lost(i)) {
      stream.receive(static_cast<std::uint32_t>(i), packets[i]);
    }
    Frame frame;
    frame.fill(77);
    const Sound sound = stream.next(frame);
    heard.emplace_back(sound, frame);
  }
  return heard;
}

TEST_CASE("a talk without loss is heard whole, nothing is concealed, and silence follows") {
  auto stream = TalkerStream::create();
  REQUIRE(stream);
  const auto heard = hear(*stream, spoken_packets(200), [](std::size_t) { return false; });
  CHECK(heard.front().first == Sound::silence);
  CHECK(heard.front().second == Frame{});
  CHECK(heard[100].first == Sound::speech);
  CHECK(heard.back().first == Sound::silence);
  CHECK(heard.back().second == Frame{});
  CHECK(stream->counters().packets.received == 200);
  CHECK(stream->counters().concealed == 0);
  CHECK(stream->counters().malformed == 0);
}

/// Of 500 packets each tenth is lost.
TalkerCounters counters_after_loss(const EncoderConfig& config) {
  auto stream = TalkerStream::create();
  std::mt19937 random(1);
  std::vector<bool> lost(500);
  for (std::size_t i = 1; i + 1 < lost.size(); ++i)
    lost[i] = random() % 10 == 0;
  hear(*stream, spoken_packets(500, config), [&](std::size_t i) { return lost[i]; });
  CHECK(stream->counters().packets.lost ==
        static_cast<std::uint64_t>(std::count(lost.begin(), lost.end(), true)));
  return stream->counters();
}

TEST_CASE("what is lost is concealed, most of it out of the next packet") {
  const TalkerCounters counters = counters_after_loss({});
  CHECK(counters.concealed == counters.packets.lost);
  CHECK(counters.recovered > counters.concealed / 2);
}

TEST_CASE("without copies in the packets nothing counts as recovered") {
  const TalkerCounters counters = counters_after_loss({.fec = InbandFec::off});
  CHECK(counters.concealed == counters.packets.lost);
  CHECK(counters.recovered == 0);
}

TEST_CASE("a hole in a talk fades to silence within 100 ms, and speech comes back after it") {
  auto stream = TalkerStream::create();
  const auto heard =
      hear(*stream, spoken_packets(200), [](std::size_t i) { return i >= 100 && i < 109; });
  std::size_t last_sound = 0;
  std::size_t silent = 0;
  for (std::size_t i = 100; i < 115; ++i) {
    if (heard[i].second == Frame{}) {
      ++silent;
    } else if (silent == 0) {
      last_sound = i;
    }
  }
  CHECK(silent >= 2);
  CHECK(silent <= 5);
  CHECK(last_sound <= 108);
  CHECK(heard[last_sound].second.back() == 0);
  CHECK(level_dbfs(heard[130].second) > -60.0);
  CHECK(stream->counters().packets.lost == 9);
  CHECK(stream->counters().concealed == 9);
}

TEST_CASE("packets that are not Opus are counted and concealed") {
  auto stream = TalkerStream::create();
  auto packets = spoken_packets(100);
  packets[40] = Packet(10, std::byte{0x1b});
  packets[60] = Packet{std::byte{0x00}};
  hear(*stream, packets, [](std::size_t) { return false; });
  CHECK(stream->counters().malformed == 2);
  CHECK(stream->counters().concealed == 2);
  CHECK(stream->counters().packets.received == 100);
}

TEST_CASE("a talker with a pause and another talk costs no concealment but that of loss") {
  auto stream = TalkerStream::create();
  const auto packets = spoken_packets(300);
  hear(*stream, packets, [](std::size_t i) { return i >= 100 && i < 200; });
  CHECK(stream->counters().packets.lost == 0);
  CHECK(stream->counters().concealed == 0);
}

TEST_CASE("a stream survives garbage of any size and number") {
  for (const unsigned seed : {1U, 2U, 3U}) {
    INFO("seed " << seed);
    auto stream = TalkerStream::create();
    std::mt19937 random(seed);
    Frame frame;
    for (int i = 0; i < 3000; ++i) {
      Packet garbage(random() % 200);
      for (auto& byte : garbage)
        byte = static_cast<std::byte>(random());
      const auto at = static_cast<std::uint32_t>(i);
      const bool wild = random() % 20 == 0;
      stream->receive(wild ? static_cast<std::uint32_t>(random()) : at, garbage);
      stream->next(frame);
    }
    CHECK(stream->counters().malformed > 100);
  }
}

TEST_CASE("a stream refuses a jitter config that its buffer refuses") {
  CHECK_FALSE(TalkerStream::create({.max_delay = std::chrono::milliseconds(5)}));
}

}  // namespace
}  // namespace voice
