// SPDX-License-Identifier: MIT
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <numbers>
#include <random>
#include <string>

#include <doctest/doctest.h>

#include "audio/activity.hpp"
#include "audio/sound_sink.hpp"
#include "audio/sound_source.hpp"
#include "audio/wav_file.hpp"
#include "sound_folder.hpp"

namespace voice {
namespace {

using voice_test::SoundFolder;

std::string little_endian(std::uint32_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i)
    text += static_cast<char>(value >> (8 * i) & 0xff);
  return text;
}

/// The bytes of a WAV file with 16-bit samples, written by hand so that they may lie.
std::string wav_bytes(std::uint32_t rate_hz, std::uint32_t channels, const std::string& data,
                      std::uint32_t claimed_bytes) {
  return "RIFF" + little_endian(36 + claimed_bytes, 4) + "WAVEfmt " + little_endian(16, 4) +
         little_endian(1, 2) + little_endian(channels, 2) + little_endian(rate_hz, 4) +
         little_endian(rate_hz * channels * 2, 4) + little_endian(channels * 2, 2) +
         little_endian(16, 2) + "data" + little_endian(claimed_bytes, 4) + data;
}

std::string sine(double frequency_hz, std::uint32_t rate_hz, std::uint32_t channels,
                 double seconds) {
  std::string data;
  for (int i = 0; i < static_cast<int>(seconds * rate_hz); ++i) {
    const double phase = 2.0 * std::numbers::pi * frequency_hz * i / rate_hz;
    const auto sample = static_cast<int>(10'000.0 * std::sin(phase));
    for (std::uint32_t channel = 0; channel < channels; ++channel) {
      data += little_endian(static_cast<std::uint32_t>(sample), 2);
    }
  }
  return data;
}

std::string reason(const std::filesystem::path& file) {
  const auto samples = read_sound(file);
  REQUIRE_FALSE(samples);
  CHECK(samples.error().detail.find(file.string()) != std::string::npos);
  return samples.error().detail;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("48 kHz mono comes back as it was written, bit by bit") {
  const SoundFolder folder;
  std::mt19937 random(1);
  Samples samples(50'000);
  for (auto& sample : samples)
    sample = static_cast<std::int16_t>(random());
  const auto read = read_sound(folder.write("noise.wav", samples));
  REQUIRE(read);
  CHECK(*read == samples);
}

TEST_CASE("any rate and number of channels becomes 48 kHz mono, in time and as loud") {
  const SoundFolder folder;
  for (const std::uint32_t rate_hz : {8'000U, 11'025U, 22'050U, 44'100U, 48'000U, 96'000U}) {
    for (const std::uint32_t channels : {1U, 2U, 6U}) {
      CAPTURE(rate_hz);
      CAPTURE(channels);
      const std::string data = sine(440.0, rate_hz, channels, 1.0);
      const auto size = static_cast<std::uint32_t>(data.size());
      const auto read =
          read_sound(folder.write("tone.wav", wav_bytes(rate_hz, channels, data, size)));
      REQUIRE(read);
      CHECK(std::abs(static_cast<int>(read->size()) - sample_rate_hz) < 100);
      int worst = 0;
      for (std::size_t i = 5'000; i < 40'000; ++i) {
        const double phase = 2.0 * std::numbers::pi * 440.0 * static_cast<double>(i);
        const double expected = 10'000.0 * std::sin(phase / sample_rate_hz);
        worst = std::max(worst, std::abs((*read)[i] - static_cast<int>(expected)));
      }
      CHECK(worst < 400);
    }
  }
}

TEST_CASE("a file that cannot be used gives a sentence with its name and the reason") {
  const SoundFolder folder;
  CHECK(contains(reason(folder / "missing.wav"), "there is no such file"));
  CHECK(contains(reason(folder / ""), "folder"));
  CHECK(contains(reason(folder.write("empty.wav", "")), "it is empty"));
  CHECK(contains(reason(folder.write("letter.wav", "Dear Sir or Madam,\n")), "not a sound file"));
  CHECK(contains(reason(folder.write("none.wav", wav_bytes(48'000, 1, "", 0))), "no sound in it"));
  CHECK(contains(reason(folder.write("slow.wav", wav_bytes(7, 1, "abcd", 4))), "rate of 7 Hz"));
  CHECK(contains(reason("/dev/null"), "not a plain file"));
}

TEST_CASE("a file that is too long is refused") {
  const SoundFolder folder;
  const auto file = folder.write("long.wav", Samples(sample_rate_hz * 3, 1));
  CHECK(read_sound(file, std::chrono::seconds(3)));
  const auto refused = read_sound(file, std::chrono::seconds(2));
  REQUIRE_FALSE(refused);
  CHECK(contains(refused.error().detail, "longer than 2 seconds"));
}

TEST_CASE("a header that claims more than there is gives what there is") {
  const SoundFolder folder;
  const std::string data = sine(440.0, 48'000, 1, 0.5);
  const auto file = folder.write("lie.wav", wav_bytes(48'000, 1, data, 0x7fffff00));
  const auto read = read_sound(file);
  if (read) CHECK(read->size() == 24'000);
}

TEST_CASE("damaged files of any kind break nothing") {
  const SoundFolder folder;
  const std::string good = wav_bytes(22'050, 2, sine(440.0, 22'050, 2, 0.05), 4'408);
  for (unsigned seed = 1; seed <= 300; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    std::string bytes = good.substr(0, 1 + random() % good.size());
    for (int i = 0; i < 4; ++i) {
      bytes[random() % std::min<std::size_t>(bytes.size(), 60)] = static_cast<char>(random());
    }
    const auto read = read_sound(folder.write("damaged.wav", bytes), std::chrono::seconds(10));
    if (!read) CHECK_FALSE(read.error().detail.empty());
  }
}

TEST_CASE("a recording can be read while it is being written") {
  const SoundFolder folder;
  auto sink = WavSink::create(folder / "heard.wav");
  REQUIRE(sink);
  Frame frame;
  frame.fill(123);
  for (int i = 0; i < 10; ++i)
    CHECK(sink->push(frame));
  const auto read = read_sound(folder / "heard.wav");
  REQUIRE(read);
  CHECK(*read == Samples(9600, 123));
  // Readers that take the header at its word see all of it too.
  std::string header(44, ' ');
  std::ifstream(folder / "heard.wav", std::ios::binary).read(header.data(), 44);
  CHECK(header.substr(40) == little_endian(9600 * 2, 4));
  CHECK(sink->close());
  CHECK(sink->close());
  CHECK_FALSE(sink->push(frame));
  CHECK(read_sound(folder / "heard.wav")->size() == 9600);
}

TEST_CASE("a recording replaces an older one with its first frame, not before") {
  const SoundFolder folder;
  folder.write("heard.wav", Samples(960, 1));
  std::filesystem::create_symlink("new.wav", folder / "link.wav");
  for (const char* name : {"heard.wav", "new.wav", "link.wav"}) {
    auto sink = WavSink::create(folder / name);
    REQUIRE(sink);
    CHECK(sink->close());
  }
  CHECK(read_sound(folder / "heard.wav")->size() == 960);
  CHECK_FALSE(std::filesystem::exists(folder / "new.wav"));
  CHECK(std::filesystem::is_symlink(folder / "link.wav"));
  auto sink = WavSink::create(folder / "heard.wav");
  REQUIRE(sink);
  CHECK(sink->push(Frame{}));
  CHECK(*read_sound(folder / "heard.wav") == Samples(960, 0));
}

TEST_CASE("a recording that cannot be made gives a sentence with its name") {
  const SoundFolder folder;
  const auto sink = WavSink::create(folder / "no such folder" / "heard.wav");
  REQUIRE_FALSE(sink);
  CHECK(contains(sink.error().detail, (folder / "no such folder" / "heard.wav").string()));
}

TEST_CASE("a disk that is full is reported while recording") {
  auto sink = WavSink::create("/dev/full");
  bool failed = !sink;
  for (int i = 0; !failed && i < 10; ++i)
    failed = !sink->push(Frame{});
  CHECK(failed);
}

TEST_CASE("a file source waits, speaks, and is silent after its end") {
  WavSource source(Samples(1'000, 55), std::chrono::milliseconds(30));
  Frame frame;
  CHECK_FALSE(source.finished());
  CHECK(source.pull(frame) == SoundSource::Pull::frame);
  CHECK(frame == Frame{});
  CHECK(source.pull(frame) == SoundSource::Pull::frame);
  CHECK(frame[479] == 0);
  CHECK(frame[480] == 55);
  CHECK_FALSE(source.finished());
  CHECK(source.pull(frame) == SoundSource::Pull::frame);
  CHECK(frame[519] == 55);
  CHECK(frame[520] == 0);
  CHECK(source.finished());
  CHECK(source.pull(frame) == SoundSource::Pull::frame);
  CHECK(frame == Frame{});
}

TEST_CASE("a file source opens what can be read and refuses what cannot") {
  const SoundFolder folder;
  CHECK(WavSource::open(folder.write("said.wav", Samples(100, 1))));
  CHECK_FALSE(WavSource::open(folder / "unsaid.wav"));
}

}  // namespace
}  // namespace voice
