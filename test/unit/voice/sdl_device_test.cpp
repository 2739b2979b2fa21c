// SPDX-License-Identifier: MIT
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include "audio/playback_trimmer.hpp"
#include "audio/sdl_device.hpp"
#include "sound_folder.hpp"

namespace voice {
namespace {

/// SDL's driver without hardware, for as long as this lives.
class Driver {
 public:
  explicit Driver(const char* name) { setenv("SDL_AUDIODRIVER", name, 1); }
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;
  ~Driver() { unsetenv("SDL_AUDIODRIVER"); }
};

/// SDL's driver that writes what it plays into a full disk, which for SDL is a device that was
/// pulled out.
class LosingDriver {
 public:
  LosingDriver() : driver_("disk") {
    setenv("SDL_DISKAUDIOFILE", "/dev/full", 1);
    setenv("SDL_DISKAUDIODELAY", "1", 1);
  }
  LosingDriver(const LosingDriver&) = delete;
  LosingDriver& operator=(const LosingDriver&) = delete;
  ~LosingDriver() {
    unsetenv("SDL_DISKAUDIOFILE");
    unsetenv("SDL_DISKAUDIODELAY");
  }

 private:
  Driver driver_;
};

/// A loudspeaker that plays a frame every period, and the queue before it.
class SimulatedSpeaker {
 public:
  explicit SimulatedSpeaker(double period_ms) : period_ms_(period_ms) {}

  /// Plays on, and gets the next frame.
  void push_after(double ms, const Frame& frame) {
    for (now_ms_ += ms; next_ms_ <= now_ms_; next_ms_ += period_ms_) {
      silent_ += queued_ == 0 ? 1 : 0;
      queued_ -= queued_ > 0 ? 1 : 0;
    }
    if (trimmer_.judge(frame, queued_ + 1) == PlaybackTrimmer::Verdict::play) {
      ++queued_;
    } else {
      ++dropped_;
    }
    most_queued_ = std::max(most_queued_, queued_);
  }
  void talk(int frames, const Frame& frame) {
    for (int i = 0; i < frames; ++i)
      push_after(20.0, frame);
  }
  /// The program stands still; then it makes up for it at once.
  void stall(int frames, const Frame& frame) {
    push_after(20.0 * frames, frame);
    for (int i = 1; i < frames; ++i)
      push_after(0.0, frame);
  }

  [[nodiscard]] std::size_t queued() const { return queued_; }
  [[nodiscard]] std::size_t most_queued() const { return most_queued_; }
  [[nodiscard]] int dropped() const { return dropped_; }
  [[nodiscard]] int silent() const { return silent_; }

 private:
  PlaybackTrimmer trimmer_;
  double period_ms_;
  double now_ms_ = 0.0;
  double next_ms_ = 10.0;
  std::size_t queued_ = 0;
  std::size_t most_queued_ = 0;
  int dropped_ = 0;
  int silent_ = 0;
};

Frame loud() {
  Frame frame;
  for (std::size_t i = 0; i < frame.size(); ++i)
    frame[i] = i % 100 < 50 ? 5000 : -5000;
  return frame;
}

TEST_CASE("the delay of a stall is given back within seconds, at once while it is quiet") {
  for (const bool is_quiet : {true, false}) {
    CAPTURE(is_quiet);
    const Frame frame = is_quiet ? Frame{} : loud();
    SimulatedSpeaker speaker(20.0);
    for (int stall = 0; stall < 3; ++stall) {
      speaker.talk(500, frame);
      const int dropped = speaker.dropped();
      speaker.stall(5, frame);
      CHECK(speaker.queued() >= 5);
      speaker.talk(is_quiet ? 110 : 350, frame);
      CHECK(speaker.queued() <= PlaybackTrimmer::spare_frames);
      CHECK(speaker.dropped() <= dropped + 5);
    }
  }
}

TEST_CASE("in speech a frame in a pause between words is dropped rather than a word's") {
  SimulatedSpeaker speaker(20.0);
  speaker.talk(100, loud());
  speaker.stall(6, loud());
  speaker.talk(110, loud());
  const int dropped = speaker.dropped();
  speaker.talk(1, Frame{});
  CHECK(speaker.dropped() == dropped + 1);
}

TEST_CASE("a loudspeaker whose clock is slow does not fill the queue") {
  SimulatedSpeaker speaker(20.0 * (1.0 + 50e-6));
  speaker.talk(180'000, loud());
  CHECK(speaker.most_queued() <= PlaybackTrimmer::spare_frames + 1);
  CHECK(speaker.dropped() >= 5);
  CHECK(speaker.dropped() <= 9);
}

TEST_CASE("without a surplus nothing is dropped, however unevenly the program runs") {
  for (const unsigned seed : {1U, 2U, 3U}) {
    INFO("seed " << seed);
    SimulatedSpeaker speaker(20.0);
    std::mt19937 random(seed);
    double late_ms = 0.0;
    for (int i = 0; i < 30'000; ++i) {
      const double next_late_ms = i % 40 == 0 ? 35.0 : static_cast<double>(random() % 15);
      speaker.push_after(std::max(20.0 + next_late_ms - late_ms, 0.0), Frame{});
      late_ms = std::max(next_late_ms, late_ms - 20.0);
    }
    CHECK(speaker.dropped() == 0);
    CHECK(speaker.silent() <= 3);
  }
}

TEST_CASE("devices of both kinds are listed") {
  const Driver driver("dummy");
  for (const DeviceKind kind : {DeviceKind::capture, DeviceKind::playback}) {
    const auto devices = list_devices(kind);
    REQUIRE(devices);
    CHECK_FALSE(devices->empty());
  }
}

TEST_CASE("a microphone gives frames without blocking") {
  const Driver driver("dummy");
  auto microphone = SdlCapture::open();
  REQUIRE(microphone);
  CHECK_FALSE((*microphone)->finished());
  Frame frame;
  int frames = 0;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (frames < 3 && std::chrono::steady_clock::now() < deadline) {
    if ((*microphone)->pull(frame) == SoundSource::Pull::frame) {
      ++frames;
    } else {
      std::this_thread::yield();
    }
  }
  CHECK(frames == 3);
}

TEST_CASE("a loudspeaker that gets too much drops the oldest and counts it") {
  const Driver driver("dummy");
  auto loudspeaker = SdlPlayback::open();
  REQUIRE(loudspeaker);
  for (int i = 0; i < 5; ++i)
    CHECK((*loudspeaker)->push(Frame{}));
  CHECK((*loudspeaker)->dropped_frames() == 0);
  for (int i = 0; i < 1000; ++i)
    CHECK((*loudspeaker)->push(Frame{}));
  CHECK((*loudspeaker)->dropped_frames() > 500);
  CHECK((*loudspeaker)->close());
  CHECK((*loudspeaker)->close());
  CHECK_FALSE((*loudspeaker)->push(Frame{}));
}

TEST_CASE("a loudspeaker tells what it has begun to play, in order") {
  const Driver driver("dummy");
  auto loudspeaker = SdlPlayback::open();
  REQUIRE(loudspeaker);
  Frame frame{};
  CHECK_FALSE((*loudspeaker)->take_played(frame));
  for (std::int16_t number = 1; number <= 4; ++number) {
    frame.fill(number);
    CHECK((*loudspeaker)->push(frame));
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  std::int16_t played = 0;
  while (played < 4 && std::chrono::steady_clock::now() < deadline) {
    while ((*loudspeaker)->take_played(frame))
      CHECK(frame[0] == ++played);
    std::this_thread::yield();
  }
  CHECK(played == 4);
}

TEST_CASE("a device that is not there is refused by name") {
  const Driver driver("dummy");
  const auto microphone = SdlCapture::open("the one in the cellar");
  const auto loudspeaker = SdlPlayback::open("the one in the attic");
  REQUIRE_FALSE(microphone);
  REQUIRE_FALSE(loudspeaker);
  CHECK(microphone.error().detail.find("microphone \"the one in the cellar\"") !=
        std::string::npos);
  CHECK(loudspeaker.error().detail.find("loudspeaker \"the one in the attic\"") !=
        std::string::npos);
}

TEST_CASE("what a microphone recorded before anybody listened can be forgotten") {
  using Clock = std::chrono::steady_clock;
  const Driver driver("dummy");
  auto microphone = SdlCapture::open();
  REQUIRE(microphone);
  const auto heard_enough = Clock::now() + std::chrono::milliseconds(150);
  while (Clock::now() < heard_enough)
    std::this_thread::yield();
  const auto before = Clock::now();
  (*microphone)->drop_queued();
  Frame frame;
  int frames = 0;
  while ((*microphone)->pull(frame) == SoundSource::Pull::frame)
    ++frames;
  CHECK(frames <= 1 + (Clock::now() - before) / frame_duration);
  CHECK_FALSE((*microphone)->failure());
}

TEST_CASE("a loudspeaker that is lost, and lost again in its other's place, is told by name") {
  const LosingDriver driver;
  auto loudspeaker = SdlPlayback::open();
  REQUIRE(loudspeaker);
  tickwire::Result<void> pushed;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (pushed && std::chrono::steady_clock::now() < deadline) {
    pushed = (*loudspeaker)->push(Frame{});
    std::this_thread::yield();
  }
  REQUIRE_FALSE(pushed);
  CHECK(pushed.error().detail.find("the loudspeaker was lost") != std::string::npos);
  CHECK_FALSE((*loudspeaker)->push(Frame{}));
  CHECK((*loudspeaker)->close());
}

TEST_CASE("the default device takes the place of one that is lost") {
  const voice_test::SoundFolder folder;
  const auto played = folder.write("played.raw", std::string());
  const LosingDriver driver;
  auto handle = SdlHandle::open({}, DeviceKind::playback);
  REQUIRE(handle);
  setenv("SDL_DISKAUDIOFILE", played.c_str(), 1);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::filesystem::file_size(played) == 0 && std::chrono::steady_clock::now() < deadline) {
    handle->keep_open();
    std::this_thread::yield();
  }
  CHECK(std::filesystem::file_size(played) > 0);
  CHECK(handle->id() != 0);
  CHECK_FALSE(handle->failure());
}

TEST_CASE("a machine without a sound system gives a sentence") {
  const Driver driver("no-such-driver");
  const auto microphone = SdlCapture::open();
  REQUIRE_FALSE(microphone);
  CHECK(microphone.error().detail.find("no sound system") != std::string::npos);
  CHECK_FALSE(SdlPlayback::open());
  CHECK_FALSE(list_devices(DeviceKind::playback));
}

}  // namespace
}  // namespace voice
