// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>
#include <vector>

#include <doctest/doctest.h>

#include "audio/activity.hpp"
#include "audio/opus_codec.hpp"
#include "audio/sound_source.hpp"
#include "synthetic_speech.hpp"

namespace voice {
namespace {

Frame tone(int index, double amplitude = 8000.0) {
  Frame frame;
  for (std::size_t i = 0; i < frame.size(); ++i) {
    const double at = (index * static_cast<double>(frame_samples) + static_cast<double>(i));
    const double phase = 2.0 * std::numbers::pi * 300.0 * at / sample_rate_hz;
    frame[i] = static_cast<std::int16_t>(amplitude * std::sin(phase));
  }
  return frame;
}

using Packet = std::vector<std::byte>;

Packet encoded(Encoder& encoder, const Frame& frame) {
  const auto packet = encoder.encode(frame);
  REQUIRE(packet);
  return {packet->begin(), packet->end()};
}

TEST_CASE("a tone comes out of the codec as loud as it went in") {
  for (const Application application : {Application::voip, Application::audio}) {
    auto encoder = Encoder::create({.application = application});
    auto decoder = Decoder::create();
    REQUIRE(encoder);
    REQUIRE(decoder);
    Frame heard{};
    for (int i = 0; i < 20; ++i) {
      const Packet packet = encoded(*encoder, tone(i));
      CHECK(packet.size() <= max_packet_bytes);
      CHECK(decoder->decode(packet, heard));
    }
    CHECK(std::abs(level_dbfs(heard) - level_dbfs(tone(0))) < 2.0);
  }
}

TEST_CASE("the encoder keeps to its bitrate") {
  for (const int bitrate : {16'000, 32'000, 64'000}) {
    auto encoder = Encoder::create({.bitrate_bits_per_second = bitrate});
    REQUIRE(encoder);
    std::mt19937 random(1);
    std::uniform_int_distribution<int> noise(-1000, 1000);
    std::size_t bytes = 0;
    for (int i = 0; i < 100; ++i) {
      Frame frame = tone(i, 3000.0);
      for (auto& sample : frame)
        sample = static_cast<std::int16_t>(sample + noise(random));
      bytes += encoded(*encoder, frame).size();
    }
    CHECK(static_cast<double>(bytes) * 8 / 2.0 < 1.25 * bitrate);
  }
}

TEST_CASE("an encoder that Opus refuses names the field") {
  const auto detail = [](const EncoderConfig& config) {
    const auto encoder = Encoder::create(config);
    REQUIRE_FALSE(encoder);
    CHECK(encoder.error().code == tickwire::ErrorCode::invalid_argument);
    return encoder.error().detail;
  };
  CHECK(detail({.bitrate_bits_per_second = -5}).find("bitrate") != std::string::npos);
  CHECK(detail({.complexity = 11}).find("complexity") != std::string::npos);
  CHECK(detail({.expected_loss_ratio = 1.5}).find("expected_loss_ratio") != std::string::npos);
  CHECK(detail({.expected_loss_ratio = std::nan("")}).find("loss") != std::string::npos);
}

TEST_CASE("garbage is an error or noise, and good packets decode after it") {
  for (const unsigned seed : {1U, 2U, 3U}) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    auto encoder = Encoder::create({});
    auto decoder = Decoder::create();
    Frame heard{};
    int errors = 0;
    for (int i = 0; i < 3000; ++i) {
      Packet garbage(random() % (max_packet_bytes + 50));
      for (auto& byte : garbage)
        byte = static_cast<std::byte>(random());
      const bool from_fec = random() % 4 == 0;
      const auto decoded =
          from_fec ? decoder->decode_fec(garbage, heard) : decoder->decode(garbage, heard);
      if (!decoded) {
        ++errors;
        CHECK(decoded.error().code == tickwire::ErrorCode::malformed_object);
      }
    }
    CHECK(errors > 100);
    for (int i = 0; i < 50; ++i)
      CHECK(decoder->decode(encoded(*encoder, tone(i)), heard));
    CHECK(std::abs(level_dbfs(heard) - level_dbfs(tone(0))) < 2.0);
  }
}

TEST_CASE("a damaged packet is an error or noise") {
  std::mt19937 random(5);
  auto encoder = Encoder::create({});
  auto decoder = Decoder::create();
  Frame heard{};
  for (int i = 0; i < 500; ++i) {
    Packet packet = encoded(*encoder, tone(i));
    packet[random() % packet.size()] ^= static_cast<std::byte>(1U << random() % 8);
    packet.resize(1 + random() % packet.size());
    static_cast<void>(decoder->decode(packet, heard));
  }
  CHECK(decoder->decode(encoded(*encoder, tone(0)), heard));
}

TEST_CASE("a packet that does not hold 20 ms is an error, and the frame is concealed") {
  auto encoder = Encoder::create({});
  auto decoder = Decoder::create();
  Frame heard{};
  for (int i = 0; i < 20; ++i)
    CHECK(decoder->decode(encoded(*encoder, tone(i)), heard));
  const Packet ten_ms{std::byte{0x00}};
  const Packet sixty_ms{std::byte{0x18}};
  for (const Packet& packet : {ten_ms, sixty_ms, Packet{}, Packet(max_packet_bytes + 1)}) {
    for (int i = 0; i < 20; ++i)
      CHECK(decoder->decode(encoded(*encoder, tone(i)), heard));
    heard.fill(0);
    CHECK_FALSE(decoder->decode(packet, heard));
    CHECK(level_dbfs(heard) > level_dbfs(tone(0)) - 12.0);
  }
}

TEST_CASE("concealment continues the sound and fades it out") {
  auto encoder = Encoder::create({});
  auto decoder = Decoder::create();
  Frame heard{};
  for (int i = 0; i < 20; ++i)
    CHECK(decoder->decode(encoded(*encoder, tone(i)), heard));
  decoder->conceal(heard);
  CHECK(level_dbfs(heard) > level_dbfs(tone(0)) - 12.0);
  for (int i = 0; i < 50; ++i)
    decoder->conceal(heard);
  CHECK(level_dbfs(heard) < -50.0);
}

/// How many packets of ten seconds of speech carry a copy, of 500.
int packets_with_redundancy(const EncoderConfig& config) {
  auto encoder = Encoder::create(config);
  WavSource source(voice_test::synthetic_speech(1, 120.0, 10.0));
  Frame frame;
  int carrying = 0;
  while (!source.finished()) {
    REQUIRE(source.pull(frame) == SoundSource::Pull::frame);
    const Packet packet = encoded(*encoder, frame);
    // The bits themselves, for the one kind of packet that this encoder makes of speech.
    const bool by_hand = (packet[0] & std::byte{0x80}) == std::byte{} &&
                         (packet[1] & std::byte{0x40}) != std::byte{};
    CHECK(has_redundancy(packet) == by_hand);
    carrying += has_redundancy(packet) ? 1 : 0;
  }
  return carrying;
}

TEST_CASE("with the settings of every day most packets of speech carry the frame before them") {
  CHECK(packets_with_redundancy({}) > 250);
  CHECK(packets_with_redundancy({.fec = InbandFec::off}) == 0);
  CHECK(packets_with_redundancy({.expected_loss_ratio = 0.0}) == 0);
}

TEST_CASE("only packets of the right shape are believed to carry a copy") {
  const std::byte flag{0x40};
  CHECK(has_redundancy(Packet{std::byte{0x08}, flag}));
  CHECK_FALSE(has_redundancy(Packet{std::byte{0x08}, ~flag}));
  CHECK_FALSE(has_redundancy(Packet{std::byte{0x08}}));
  CHECK_FALSE(has_redundancy(Packet{std::byte{0x88}, flag}));
  CHECK_FALSE(has_redundancy(Packet{}));
  CHECK_FALSE(has_redundancy(Packet(max_packet_bytes + 1, flag)));
  // The side channel's flag, after the mid channel's two and its own voice activity.
  CHECK(has_redundancy(Packet{std::byte{0x0c}, std::byte{0x10}}));
  CHECK_FALSE(has_redundancy(Packet{std::byte{0x08}, std::byte{0x10}}));
  // One frame with a count of its own before it.
  CHECK(has_redundancy(Packet{std::byte{0x0b}, std::byte{0x01}, flag}));
  CHECK_FALSE(has_redundancy(Packet{std::byte{0x0b}, flag, std::byte{0x00}}));
}

// A word begins in the frame that is lost: only the copy in the next packet knows of it.
TEST_CASE("a lost frame comes back out of the packet after it") {
  const auto level_of_lost = [](InbandFec fec) {
    auto encoder = Encoder::create({.fec = fec, .expected_loss_ratio = 0.2});
    auto decoder = Decoder::create();
    Frame heard{};
    std::vector<Packet> packets;
    for (int i = 0; i < 32; ++i) {
      packets.push_back(encoded(*encoder, i < 30 ? tone(i, 300.0) : tone(i, 12'000.0)));
    }
    for (std::size_t i = 0; i < 30; ++i)
      CHECK(decoder->decode(packets[i], heard));
    CHECK(decoder->decode_fec(packets[31], heard));
    return level_dbfs(heard);
  };
  CHECK(level_of_lost(InbandFec::on) > level_of_lost(InbandFec::off) + 10.0);
}

TEST_CASE("any loss ratio can be told to the encoder while it runs") {
  auto encoder = Encoder::create({});
  for (const double ratio : {0.0, 0.1, 1.0, -1.0, 7.0, std::nan("")}) {
    encoder->expect_loss(ratio);
    CHECK(encoder->encode(tone(0)));
  }
}

}  // namespace
}  // namespace voice
