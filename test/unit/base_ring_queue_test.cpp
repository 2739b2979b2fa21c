// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <deque>
#include <memory>
#include <random>
#include <string>
#include <utility>

#include "lib/base/ring_queue.hpp"

using tickwire::detail::RingQueue;

TEST_CASE("ring queue: first in, first out") {
  RingQueue<int> queue;
  CHECK(queue.empty());
  for (int i = 0; i < 10; ++i)
    CHECK(queue.push_back(i) == i);
  CHECK(queue.size() == 10);
  CHECK(queue.front() == 0);
  CHECK(queue.back() == 9);
  for (int i = 0; i < 10; ++i)
    CHECK(queue.take_front() == i);
  CHECK(queue.empty());
}

TEST_CASE("ring queue: does what a deque does, whatever is done to it") {
  for (const unsigned seed : {1u, 2u, 3u}) {
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    RingQueue<std::string> queue;
    std::deque<std::string> expected;
    for (int step = 0; step < 20'000; ++step) {
      const auto what = random() % 100;
      if (what < 12) {
        std::string text = std::to_string(step);
        expected.push_front(text);
        CHECK(queue.push_front(std::move(text)) == expected.front());
      } else if (what < 22 && !expected.empty()) {
        queue.drop_back();
        expected.pop_back();
      } else if (what < 62) {
        const std::string text = std::to_string(step);
        queue.push_back(text);
        expected.push_back(text);
      } else if (what < 92 && !expected.empty()) {
        CHECK(queue.take_front() == expected.front());
        expected.pop_front();
      } else if (what < 98 && !expected.empty()) {
        const std::size_t index = random() % expected.size();
        CHECK(queue.take(index) == expected[index]);
        expected.erase(expected.begin() + static_cast<std::ptrdiff_t>(index));
      } else if (what == 98 && step % 50 == 0) {
        queue.clear();
        expected.clear();
      } else if (what == 99) {
        queue.reserve(random() % 300);
      }
      REQUIRE(queue.size() == expected.size());
      if (expected.empty()) continue;
      CHECK(queue.front() == expected.front());
      CHECK(queue.back() == expected.back());
      const std::size_t index = random() % expected.size();
      CHECK(queue[index] == expected[index]);
      CHECK(std::as_const(queue)[index] == expected[index]);
    }
  }
}

namespace {

// Leaves itself behind when it is moved.
struct Sticky {
  Sticky() = default;
  explicit Sticky(std::shared_ptr<int> what) : held(std::move(what)) {}
  Sticky(const Sticky&) = default;
  Sticky& operator=(const Sticky&) = default;

  std::shared_ptr<int> held;
};

}  // namespace

TEST_CASE("ring queue: holds on to nothing that was taken") {
  const auto watched = std::make_shared<int>(1);
  RingQueue<Sticky> queue;
  for (int i = 0; i < 6; ++i)
    queue.push_back(Sticky(watched));
  CHECK(watched.use_count() == 7);
  static_cast<void>(queue.take_front());
  CHECK(watched.use_count() == 6);
  static_cast<void>(queue.take(2));
  CHECK(watched.use_count() == 5);
  queue.clear();
  CHECK(watched.use_count() == 1);
}

TEST_CASE("ring queue: takes what can only be moved") {
  RingQueue<std::unique_ptr<int>> queue;
  for (int i = 0; i < 9; ++i)
    queue.push_back(std::make_unique<int>(i));
  CHECK(*queue.take(4) == 4);
  CHECK(*queue.take_front() == 0);
}

TEST_CASE("ring queue: with room reserved, what is in it does not move") {
  RingQueue<int> queue;
  queue.reserve(100);
  const int* first = &queue.push_back(0);
  for (int i = 1; i < 100; ++i)
    queue.push_back(i);
  CHECK(&queue.front() == first);
  queue.push_back(100);
  CHECK(queue.size() == 101);
  CHECK(queue.front() == 0);
}
