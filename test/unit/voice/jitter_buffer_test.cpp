// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <vector>

#include <doctest/doctest.h>

#include "audio/jitter_buffer.hpp"

namespace voice {
namespace {

using namespace std::chrono_literals;

std::uint32_t below(std::mt19937& random, std::uint32_t end) {
  return static_cast<std::uint32_t>(random() % end);
}

/// A jitter buffer whose packets hold their own number.
struct Bench {
  JitterBuffer buffer;

  explicit Bench(const JitterConfig& config = {}) : buffer(*JitterBuffer::create(config)) {}

  static std::array<std::byte, 4> bytes(std::uint32_t number) {
    std::array<std::byte, 4> bytes;
    std::memcpy(bytes.data(), &number, sizeof number);
    return bytes;
  }
  static std::uint32_t number(std::span<const std::byte> bytes) {
    std::uint32_t number = 0;
    REQUIRE(bytes.size() == sizeof number);
    std::memcpy(&number, bytes.data(), sizeof number);
    return number;
  }

  void put(std::uint32_t sequence) { buffer.put(sequence, bytes(sequence)); }
  void end(std::uint32_t sequence) { buffer.put(sequence, {}); }

  /// The number of the packet that is played, or nothing.
  std::optional<std::uint32_t> take() {
    const Taken taken = buffer.take();
    last = taken.playout;
    if (taken.playout != Playout::packet) return std::nullopt;
    played.push_back(number(taken.packet));
    return played.back();
  }
  /// One packet in, one frame out, from `first` on.
  void talk(std::uint32_t first, std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
      put(first + i);
      take();
    }
  }
  void wait(int frames) {
    for (int i = 0; i < frames; ++i)
      take();
  }
  [[nodiscard]] bool heard(std::uint32_t sequence) const {
    return std::find(played.begin(), played.end(), sequence) != played.end();
  }
  [[nodiscard]] JitterCounters counters() const { return buffer.counters(); }

  std::vector<std::uint32_t> played;
  Playout last = Playout::empty;
};

TEST_CASE("packets that come evenly are played in order, none twice") {
  Bench bench;
  bench.talk(0, 30);
  bench.wait(30);
  std::vector<std::uint32_t> expected(30);
  for (std::uint32_t i = 0; i < 30; ++i)
    expected[i] = i;
  CHECK(bench.played == expected);
  CHECK(bench.last == Playout::empty);
  CHECK(bench.counters().received == 30);
  CHECK(bench.counters().lost == 0);
  CHECK(bench.counters().late == 0);
  CHECK(bench.counters().discarded == 0);
}

TEST_CASE("nothing plays before a talker has spoken") {
  Bench bench;
  bench.wait(100);
  CHECK(bench.last == Playout::empty);
  CHECK(bench.played.empty());
}

TEST_CASE("the first packet waits for the initial delay") {
  Bench bench({.initial_delay = 60ms});
  bench.put(0);
  for (int i = 0; i < 3; ++i) {
    CHECK_FALSE(bench.take());
    CHECK(bench.last == Playout::empty);
  }
  CHECK(bench.take() == 0U);
}

TEST_CASE("packets out of order are played in order") {
  Bench bench;
  for (std::uint32_t i = 0; i < 40; i += 2) {
    bench.put(i + 1);
    bench.take();
    bench.put(i);
    bench.take();
  }
  bench.wait(10);
  CHECK(std::is_sorted(bench.played.begin(), bench.played.end()));
  CHECK(bench.counters().lost == 0);
  CHECK(bench.counters().received == 40);
  CHECK(bench.played.size() + bench.counters().late + bench.counters().discarded == 40);
}

TEST_CASE("a packet that comes twice is counted and played once") {
  Bench bench;
  for (std::uint32_t i = 0; i < 20; ++i) {
    bench.put(i);
    bench.put(i);
    bench.take();
  }
  bench.put(3);
  bench.wait(20);
  CHECK(bench.played.size() == 20);
  CHECK(bench.counters().received == 20);
  CHECK(bench.counters().duplicates == 21);
  CHECK(bench.counters().late == 0);
}

TEST_CASE("a lost packet is missing once, with the packet after it at hand") {
  Bench bench;
  bench.talk(0, 10);
  bench.take();
  bench.talk(11, 1);
  bool gap = false;
  for (int i = 0; i < 5; ++i) {
    const Taken taken = bench.buffer.take();
    if (taken.playout != Playout::missing || taken.following.empty()) continue;
    gap = true;
    CHECK(Bench::number(taken.following) == 11);
  }
  CHECK(gap);
  CHECK(bench.counters().lost == 1);
  CHECK(bench.counters().received == 11);
}

TEST_CASE("a packet after its turn is late, not lost") {
  Bench bench;
  bench.talk(0, 10);
  bench.take();
  bench.talk(11, 9);
  CHECK(bench.counters().lost == 1);
  bench.put(10);
  CHECK(bench.counters().lost == 0);
  CHECK(bench.counters().late == 1);
  bench.wait(10);
  CHECK_FALSE(bench.heard(10));
}

TEST_CASE("pauses cost no loss and no delay, whichever way the talker counts") {
  for (const bool counts_silence : {true, false}) {
    CAPTURE(counts_silence);
    Bench bench;
    std::uint32_t next = 0;
    const auto first_delay = bench.buffer.delay();
    for (int talk = 0; talk < 30; ++talk) {
      bench.talk(next, 60);
      next += 60;
      const int pause = 15 + 13 * talk;
      bench.wait(pause);
      CHECK(bench.last == Playout::empty);
      if (counts_silence) next += static_cast<std::uint32_t>(pause);
    }
    CHECK(bench.counters().lost == 0);
    CHECK(bench.counters().late == 0);
    CHECK(bench.buffer.delay() <= first_delay);
    CHECK(bench.played.size() + bench.counters().discarded == 30 * 60);
    CHECK(bench.counters().discarded <= 2);
  }
}

TEST_CASE("a talker who says that he stops is silent at once, and gaps after it are no loss") {
  Bench bench;
  bench.talk(0, 20);
  bench.end(20);
  int missing = 0;
  while (bench.take())
    missing += bench.last == Playout::missing ? 1 : 0;
  CHECK(bench.last == Playout::empty);
  CHECK(missing == 0);
  CHECK(bench.played.size() == 20);
  bench.talk(24, 20);
  bench.end(44);
  bench.wait(10);
  CHECK(bench.played.size() == 40);
  CHECK(bench.counters().lost == 0);
  CHECK(bench.counters().received == 40);
}

TEST_CASE("the end of a talk is found without a word, after ten frames") {
  Bench bench;
  bench.talk(0, 20);
  int missing = 0;
  for (int i = 0; i < 40; ++i) {
    bench.take();
    missing += bench.last == Playout::missing ? 1 : 0;
  }
  CHECK(missing < 10);
  CHECK(bench.last == Playout::empty);
  CHECK(bench.counters().lost == 0);
}

TEST_CASE("a talker who starts again at 0 is heard again") {
  for (const std::uint32_t reached : {4U, 30U, 100U, 5000U}) {
    for (const int pause : {0, 3, 100}) {
      CAPTURE(reached);
      CAPTURE(pause);
      Bench bench;
      bench.talk(1'000'000 - reached, 50);
      bench.wait(30);
      bench.played.clear();
      bench.talk(0, reached);
      bench.wait(pause);
      bench.played.clear();
      bench.talk(0, 60);
      bench.wait(10);
      CHECK(bench.played.size() >= 40);
      CHECK(bench.heard(59));
      CHECK(bench.counters().lost <= 1);
    }
  }
}

TEST_CASE("a jump of the numbers is followed, without a burst of loss") {
  for (const std::uint32_t jump : {50U, 1000U, 1'000'000U, 3'000'000'000U}) {
    CAPTURE(jump);
    Bench bench;
    bench.talk(100, 50);
    bench.talk(150 + jump, 50);
    bench.wait(10);
    CHECK(bench.heard(150 + jump + 49));
    CHECK(bench.played.size() >= 90);
    CHECK(bench.counters().lost <= 1);
  }
}

TEST_CASE("one wild number is thrown away and disturbs nothing") {
  Bench bench;
  bench.talk(100, 50);
  bench.put(900'000);
  bench.talk(150, 50);
  bench.put(7);
  bench.talk(200, 50);
  bench.wait(10);
  CHECK(bench.heard(249));
  CHECK_FALSE(bench.heard(900'000));
  CHECK(bench.counters().lost == 0);
  CHECK(bench.counters().discarded >= 1);
  CHECK(bench.played.size() >= 148);
}

TEST_CASE("numbers may wrap around") {
  Bench bench;
  bench.talk(std::numeric_limits<std::uint32_t>::max() - 40, 100);
  bench.wait(10);
  CHECK(bench.played.size() >= 99);
  CHECK(bench.heard(58));
  CHECK(bench.counters().lost == 0);
}

TEST_CASE("a flood without a take keeps memory and delay bounded") {
  Bench bench({.max_delay = 400ms});
  for (std::uint32_t i = 0; i < 10'000; ++i)
    bench.put(i);
  CHECK(bench.counters().discarded == 10'000 - 20);
  CHECK(bench.take() == 9'980U);
  bench.wait(40);
  CHECK(bench.heard(9'999));
  CHECK(bench.counters().lost == 0);
}

TEST_CASE("a packet larger than any is refused") {
  Bench bench;
  bench.buffer.put(0, std::vector<std::byte>(max_packet_bytes + 1));
  bench.wait(5);
  CHECK(bench.played.empty());
  CHECK(bench.counters().received == 0);
  CHECK(bench.counters().discarded == 1);
  std::vector<std::byte> largest(max_packet_bytes, std::byte{7});
  bench.buffer.put(1, largest);
  bench.wait(2);
  const Taken taken = bench.buffer.take();
  REQUIRE(taken.playout == Playout::packet);
  CHECK(std::equal(taken.packet.begin(), taken.packet.end(), largest.begin(), largest.end()));
}

/// Sends a talk through a network that delays each packet by up to `jitter_frames`.
void talk_with_jitter(Bench& bench, std::mt19937& random, std::uint32_t first, std::uint32_t count,
                      std::uint32_t jitter_frames, std::uint32_t loss_percent = 0) {
  std::vector<std::vector<std::uint32_t>> arrivals(count + jitter_frames + 1);
  for (std::uint32_t i = 0; i < count; ++i) {
    if (below(random, 100) < loss_percent) continue;
    arrivals[i + below(random, jitter_frames + 1)].push_back(first + i);
  }
  for (const auto& arriving : arrivals) {
    for (const std::uint32_t sequence : arriving)
      bench.put(sequence);
    bench.take();
  }
}

TEST_CASE("the delay follows the network's jitter up and down") {
  Bench bench;
  std::mt19937 random(3);
  talk_with_jitter(bench, random, 0, 500, 0);
  const auto calm = bench.buffer.delay();
  CHECK(calm <= 40ms);
  talk_with_jitter(bench, random, 500, 500, 6);
  const auto rough = bench.buffer.delay();
  CHECK(rough >= calm + 30ms);
  CHECK(rough <= 200ms);
  const std::size_t played = bench.played.size();
  talk_with_jitter(bench, random, 1000, 500, 6);
  CHECK(bench.played.size() >= played + 480);
  talk_with_jitter(bench, random, 1500, 2000, 0);
  CHECK(bench.buffer.delay() <= calm + 20ms);
}

TEST_CASE("when the way becomes longer for good, speech goes on with the longer delay") {
  for (const int longer_frames : {2, 3, 4, 6, 8}) {
    CAPTURE(longer_frames);
    Bench bench;
    bench.talk(0, 300);
    bench.wait(longer_frames);
    const std::size_t played = bench.played.size();
    bench.talk(300, 200);
    bench.wait(10);
    CHECK(bench.played.size() >= played + 190);
    CHECK(bench.counters().lost == 0);
  }
}

/// Sends a minute of a talk without an end, which the network holds up for `held_up` frames, every
/// `period` frames; then what was held up comes at once.
void talk_with_hold_ups(Bench& bench, std::uint32_t held_up, std::uint32_t period) {
  std::uint32_t next = 0;
  for (std::uint32_t at = 0; at < 3000; ++at) {
    const bool is_held_up = at >= period && at % period < held_up;
    while (!is_held_up && next <= at)
      bench.put(next++);
    bench.take();
  }
  bench.wait(30);
}

TEST_CASE("hold-ups that come again and again are waited for after the first, however long") {
  for (const std::uint32_t held_up : {8U, 10U, 12U, 15U, 19U}) {
    CAPTURE(held_up);
    Bench bench;
    talk_with_hold_ups(bench, held_up, 150);
    const JitterCounters counters = bench.counters();
    CHECK(counters.lost == 0);
    CHECK(counters.discarded + counters.late <= 30);
    CHECK(bench.played.size() + counters.discarded + counters.late == 3000);
  }
}

TEST_CASE("what a hold-up brings late is played, and its delay is gone within 20 seconds") {
  Bench bench;
  bench.talk(0, 1500);
  const auto calm = bench.buffer.delay();
  bench.wait(15);
  REQUIRE(bench.last == Playout::empty);
  const auto discarded = bench.counters().discarded;
  for (std::uint32_t sequence = 1500; sequence < 1515; ++sequence)
    bench.put(sequence);
  bench.talk(1515, 100);
  CHECK(bench.played.size() >= 1595);
  CHECK(bench.counters().discarded == discarded);
  bench.talk(1615, 1000);
  CHECK(bench.buffer.delay() <= calm);
  CHECK(bench.counters().discarded <= discarded + 15);
  CHECK(bench.counters().late == 0);
  CHECK(bench.counters().lost == 0);
}

TEST_CASE("a talk that begins with a burst, after the end of the last, is not delayed for long") {
  Bench bench;
  bench.talk(0, 1500);
  const auto calm = bench.buffer.delay();
  bench.end(1500);
  bench.wait(15);
  for (std::uint32_t sequence = 1501; sequence < 1516; ++sequence)
    bench.put(sequence);
  bench.talk(1516, 150);
  CHECK(bench.buffer.delay() <= calm + 20ms);
}

TEST_CASE("packets that are late now and then make the buffer wait for them") {
  Bench bench;
  std::multimap<std::uint32_t, std::uint32_t> network;
  for (std::uint32_t at = 0; at < 1000; ++at) {
    network.emplace(at % 10 == 9 ? at + 5 : at, at);
    for (; !network.empty() && network.begin()->first <= at; network.erase(network.begin())) {
      bench.put(network.begin()->second);
    }
    bench.take();
  }
  bench.wait(10);
  CHECK(bench.counters().late <= 2);
  CHECK(bench.counters().lost == 0);
}

TEST_CASE("every packet that came was played, late or thrown away") {
  for (const unsigned seed : {1U, 2U, 3U, 4U, 5U, 6U, 7U, 8U}) {
    INFO("seed " << seed);
    Bench bench;
    std::mt19937 random(seed);
    std::uint32_t next = below(random, 1000);
    for (int talk = 0; talk < 40; ++talk) {
      const std::uint32_t count = 20 + below(random, 200);
      talk_with_jitter(bench, random, next, count, below(random, 9), below(random, 30));
      next += count;
      if (below(random, 2) == 0) bench.end(next++);
      const int pause = static_cast<int>(below(random, 100));
      bench.wait(pause);
      next += below(random, 2) == 0 ? static_cast<std::uint32_t>(pause) : 0;
    }
    bench.wait(60);
    // A new talk sweeps out what the last one left behind, and leaves nothing itself.
    next += 1000;
    bench.put(next);
    bench.wait(60);
    const JitterCounters counters = bench.counters();
    CHECK(bench.played.size() + counters.late + counters.discarded == counters.received);
    CHECK(std::set<std::uint32_t>(bench.played.begin(), bench.played.end()).size() ==
          bench.played.size());
    CHECK(bench.buffer.delay() <= 400ms);
  }
}

TEST_CASE("arbitrary numbers, sizes and times break nothing") {
  for (const unsigned seed : {1U, 2U, 3U, 4U}) {
    INFO("seed " << seed);
    Bench bench({.initial_delay = 0ms, .margin = 0ms, .max_delay = 40ms});
    std::mt19937 random(seed);
    std::uint32_t base = 0;
    for (int i = 0; i < 50'000; ++i) {
      if (below(random, 50) == 0) base = below(random, 4'000'000'000);
      const std::uint32_t sequence = base + below(random, 300);
      const std::vector<std::byte> packet(below(random, 3) == 0 ? 0 : below(random, 1100));
      bench.buffer.put(sequence, packet);
      if (below(random, 3) == 0) {
        const Taken taken = bench.buffer.take();
        CHECK((taken.playout == Playout::packet) == !taken.packet.empty());
      }
    }
    for (int i = 0; i < 100; ++i)
      static_cast<void>(bench.buffer.take());
    CHECK(bench.buffer.take().playout == Playout::empty);
    base += 100'000;
    bench.talk(base, 50);
    bench.wait(10);
    CHECK(bench.heard(base + 49));
  }
}

TEST_CASE("a talk of many hours without a pause goes on") {
  Bench bench;
  std::uint32_t sequence = 0;
  for (; sequence < 1'200'000; sequence += 10) {
    bench.put(sequence);
    bench.take();
  }
  bench.played.clear();
  bench.wait(30);
  bench.talk(sequence, 50);
  bench.wait(10);
  CHECK(bench.played.size() >= 48);
}

TEST_CASE("a config out of range is refused by name") {
  const auto detail = [](const JitterConfig& config) {
    const auto buffer = JitterBuffer::create(config);
    REQUIRE_FALSE(buffer);
    return buffer.error().detail;
  };
  CHECK(detail({.max_delay = 0ms}).find("max_delay") != std::string::npos);
  CHECK(detail({.max_delay = 2h}).find("max_delay") != std::string::npos);
  CHECK(detail({.margin = -20ms}).find("margin") != std::string::npos);
  CHECK(detail({.initial_delay = 1s}).find("initial_delay") != std::string::npos);
}

}  // namespace
}  // namespace voice
