// SPDX-License-Identifier: MIT
#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include "audio/sdl_device.hpp"

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

TEST_CASE("a device that is not there is refused by name") {
  const Driver driver("dummy");
  const auto microphone = SdlCapture::open("the one in the cellar");
  const auto loudspeaker = SdlPlayback::open("the one in the attic");
  if (!microphone) CHECK(microphone.error().detail.find("cellar") != std::string::npos);
  if (!loudspeaker) CHECK(loudspeaker.error().detail.find("attic") != std::string::npos);
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
