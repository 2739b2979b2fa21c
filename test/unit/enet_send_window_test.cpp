// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "lib/transport/enet/send_window.hpp"

namespace tickwire::test {
namespace {

using namespace std::chrono_literals;
using detail::kAdaptiveWindow;
using detail::kLanWindow;
using detail::PathSample;
using detail::SendWindow;

struct Path {
  explicit Path(const detail::WindowProfile& profile = kAdaptiveWindow) : window(profile) {}

  void quarter_second(Duration rtt, std::uint32_t sent, std::uint32_t lost) {
    now += 250ms;
    total_sent += sent;
    total_lost += lost;
    window.update({rtt, total_sent, total_lost}, now);
  }

  SendWindow window;
  TimePoint now{1h};
  std::uint32_t total_sent = 0;
  std::uint32_t total_lost = 0;
};

TEST_CASE("send window: begins small and opens fully within a second") {
  Path path;
  CHECK(path.window.bytes() == kAdaptiveWindow.initial_bytes);
  std::size_t last = path.window.bytes();
  for (int i = 0; i < 4; ++i) {
    path.quarter_second(20ms, 100, 0);
    CHECK(path.window.bytes() >= last);
    last = path.window.bytes();
  }
  CHECK(last == kAdaptiveWindow.max_bytes);
}

TEST_CASE(
    "send window: doubles with a window that has arrived, and no more once it met congestion") {
  SendWindow window;
  window.acknowledged(kAdaptiveWindow.initial_bytes);
  CHECK(window.bytes() == 2 * kAdaptiveWindow.initial_bytes);
  window.acknowledged(1000);
  CHECK(window.bytes() == 2 * kAdaptiveWindow.initial_bytes + 1000);
  window.acknowledged(1'000'000);
  CHECK(window.bytes() == kAdaptiveWindow.max_bytes);

  Path path;
  path.window.acknowledged(kAdaptiveWindow.initial_bytes);
  path.quarter_second(20ms, 100, 50);
  const std::size_t closed = path.window.bytes();
  CHECK(closed < 2 * kAdaptiveWindow.initial_bytes);
  path.window.acknowledged(1000);
  CHECK(path.window.bytes() == closed);
}

TEST_CASE("send window: closes under loss, not below its least, and opens again") {
  Path path;
  for (int i = 0; i < 8; ++i)
    path.quarter_second(20ms, 100, 0);
  path.quarter_second(20ms, 100, 10);
  CHECK(path.window.bytes() < kAdaptiveWindow.max_bytes);
  CHECK(path.window.bytes() > kAdaptiveWindow.max_bytes / 2);
  for (int i = 0; i < 100; ++i)
    path.quarter_second(20ms, 100, 10);
  CHECK(path.window.bytes() == kAdaptiveWindow.min_bytes);
  path.quarter_second(20ms, 100, 0);
  CHECK(path.window.bytes() == kAdaptiveWindow.min_bytes + kAdaptiveWindow.step_bytes);
  for (int i = 0; i < 20; ++i)
    path.quarter_second(20ms, 100, 0);
  CHECK(path.window.bytes() == kAdaptiveWindow.max_bytes);
}

TEST_CASE("send window: a loss of one in a hundred is the radio's, not the queue's") {
  Path path;
  for (int i = 0; i < 20; ++i)
    path.quarter_second(20ms, 200, 2);
  CHECK(path.window.bytes() == kAdaptiveWindow.max_bytes);
}

TEST_CASE("send window: closes when a queue builds up, whatever the way's own length") {
  for (const Duration length : {Duration(1ms), Duration(20ms), Duration(300ms)}) {
    Path path;
    for (int i = 0; i < 8; ++i)
      path.quarter_second(length, 100, 0);
    CHECK(path.window.bytes() == kAdaptiveWindow.max_bytes);
    for (int i = 0; i < 10; ++i)
      path.quarter_second(length + 40ms, 100, 0);
    CHECK(path.window.bytes() == kAdaptiveWindow.max_bytes);
    for (int i = 0; i < 100; ++i)
      path.quarter_second(length + 200ms, 100, 0);
    const auto least = static_cast<std::size_t>(length / 1ms) * 128;
    CHECK(path.window.bytes() <= std::max(kAdaptiveWindow.min_bytes, least * 11 / 10));
  }
}

TEST_CASE("send window: a way that has become longer is learnt in minutes") {
  Path path;
  path.quarter_second(10ms, 100, 0);
  for (int i = 0; i < 4 * 60 * 5; ++i)
    path.quarter_second(200ms, 100, 0);
  CHECK(path.window.bytes() == kAdaptiveWindow.max_bytes);
}

TEST_CASE("send window: nothing sent teaches nothing, and counters may begin again") {
  Path path;
  for (int i = 0; i < 8; ++i)
    path.quarter_second(500ms, 0, 0);
  CHECK(path.window.bytes() == kAdaptiveWindow.initial_bytes);
  path.quarter_second(20ms, 5000, 0);
  CHECK(path.window.bytes() == 2 * kAdaptiveWindow.initial_bytes);
  path.total_sent = 0;
  path.total_lost = 0;
  path.quarter_second(20ms, 100, 0);
  CHECK(path.window.bytes() == 4 * kAdaptiveWindow.initial_bytes);
  path.quarter_second(20ms, 100, 50);
  CHECK(path.window.bytes() < 4 * kAdaptiveWindow.initial_bytes);
}

TEST_CASE("send window: however much is lost, a long path keeps a rate of one megabit per second") {
  const auto closed = [](Duration rtt) {
    Path path;
    for (int i = 0; i < 400; ++i)
      path.quarter_second(rtt, 100, 20);
    return path.window.bytes();
  };
  CHECK(closed(1ms) == kAdaptiveWindow.min_bytes);
  CHECK(closed(100ms) >= 12'800);
  CHECK(closed(100ms) <= 12'800 * 11 / 10);  // the shortest time is forgotten little by little
  CHECK(closed(500ms) >= 64'000);
  CHECK(closed(2s) == kAdaptiveWindow.max_bytes);
}

TEST_CASE("send window: on a wire of one's own it never closes") {
  Path path(kLanWindow);
  for (int i = 0; i < 100; ++i)
    path.quarter_second(900ms, 100, 90);
  CHECK(path.window.bytes() == kLanWindow.max_bytes);
}

}  // namespace
}  // namespace tickwire::test
