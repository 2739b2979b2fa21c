// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <deque>

#include "demos/arena/input_queue.hpp"
#include "demos/arena/interpolation.hpp"
#include "demos/arena/messages.hpp"
#include "demos/arena/prediction.hpp"

using namespace std::chrono_literals;
using arena::Body;
using arena::Input;
using arena::InputQueue;
using arena::Inputs;
using arena::Interpolation;
using arena::PlayerInput;
using arena::Prediction;
using arena::Snapshot;

namespace {

/// A player who runs to the right, a pixel each tick.
Snapshot runner_at(std::uint32_t tick) {
  return {tick, 0, {{1, 0, {{100 + static_cast<float>(tick), 50}, {}, 0}}}};
}

tickwire::TimePoint moment(double tick) {
  return tickwire::TimePoint(1h) +
         std::chrono::duration_cast<tickwire::Duration>(std::chrono::duration<double>(tick / 60));
}

}  // namespace

TEST_CASE(
    "an input that comes in several packets counts once, and one that never comes is missed") {
  InputQueue queue;
  CHECK(queue.receive({3, {1, 2, 4}}));
  CHECK(queue.receive({4, {2, 4, 8}}));
  CHECK(queue.receive({3, {1, 2, 4}}));
  CHECK(queue.receive({7, {1, 1}}));  // 5 was in none
  std::vector<PlayerInput> due;
  for (int tick = 0; tick < 10; ++tick)
    queue.take_due(9, due);
  REQUIRE(due.size() == 6);
  CHECK(due[3].number == 4);
  CHECK(due[3].keys == 8);
  CHECK(due[4].number == 6);
  CHECK(queue.counters().missing == 1);
}

TEST_CASE("inputs that no honest client sends are refused whole") {
  InputQueue queue;
  CHECK_FALSE(queue.receive({5, {}}));
  CHECK_FALSE(queue.receive({2, {1, 1, 1}}));
  CHECK_FALSE(queue.receive({50, std::vector<Input>(arena::inputs_per_packet + 1, Input{1})}));
  CHECK_FALSE(queue.receive({5, {1, 32}}));
  std::vector<PlayerInput> due;
  queue.take_due(1, due);
  CHECK(due.empty());
}

TEST_CASE("a client that sends twice as many inputs moves its player no faster") {
  InputQueue queue;
  std::vector<PlayerInput> due;
  std::uint32_t number = 0;
  constexpr int ticks = 600;
  for (int tick = 0; tick < ticks; ++tick) {
    number += 2;
    CHECK(queue.receive({number, {1, 1}}));
    queue.take_due(1, due);
  }
  CHECK(due.size() <= ticks);
  CHECK(queue.counters().refused > ticks / 2);
}

TEST_CASE("after a hold-up a player makes up for 200 ms and no more") {
  InputQueue queue;
  std::vector<PlayerInput> due;
  for (int tick = 0; tick < 600; ++tick)
    queue.take_due(1, due);
  for (std::uint32_t newest = 10; newest <= 40; newest += 10)
    CHECK(queue.receive({newest, std::vector<Input>(10, Input{1})}));
  queue.take_due(1, due);
  CHECK(due.size() == InputQueue::most_at_once);
}

TEST_CASE("a prediction that the server shares is never corrected, however late its answers are") {
  Prediction prediction;
  prediction.restart({});
  Body server;
  std::deque<Input> under_way;
  std::uint32_t answered = 0;
  for (std::uint32_t tick = 1; tick < 600; ++tick) {
    const auto keys = static_cast<Input>(tick / 7 % 32);
    prediction.apply(keys);
    under_way.push_back(keys);
    if (under_way.size() <= 12) continue;
    server = moved(server, under_way.front());
    under_way.pop_front();
    prediction.reconcile(server, ++answered);
  }
  CHECK(prediction.corrections().count == 0);
}

TEST_CASE("a push of the server's corrects once, and the player slides to its place") {
  Prediction prediction;
  prediction.restart({});
  for (int tick = 0; tick < 12; ++tick)
    prediction.apply(arena::key_right);
  Body server;
  for (int tick = 0; tick < 6; ++tick)
    server = moved(server, arena::key_right);
  server.position.y += 40;
  const arena::Vec before = prediction.shown();
  prediction.reconcile(server, 6);
  CHECK(prediction.corrections().count == 1);
  CHECK(prediction.corrections().largest == doctest::Approx(40));
  CHECK(length(prediction.shown() - before) < 0.01f);
  for (std::uint32_t number = 7; number <= 12; ++number) {
    server = moved(server, arena::key_right);
    prediction.reconcile(server, number);
  }
  CHECK(prediction.corrections().count == 1);
  CHECK(prediction.body() == server);
  for (int tick = 0; tick < 60; ++tick)
    prediction.apply(0);
  CHECK(length(prediction.shown() - prediction.body().position) < 0.1f);
}

TEST_CASE("what the server answers to inputs that were never made is not believed") {
  Prediction prediction;
  prediction.restart({});
  prediction.apply(arena::key_left);
  const Body before = prediction.body();
  Body elsewhere;
  elsewhere.position.x = 50;
  prediction.reconcile(elsewhere, 77);
  CHECK(prediction.body() == before);
}

TEST_CASE("others move evenly between snapshots, a tenth of a second ago, also past a lost one") {
  Interpolation others;
  for (std::uint32_t tick = 2; tick <= 60; tick += 2) {
    if (tick != 30) others.add(runner_at(tick), moment(tick + 3));
    if (tick < 12) continue;
    for (const double frame : {0.0, 0.7, 1.4}) {
      // 3 ticks on the way, 6 behind.
      const double expected = 100 + tick + frame - 6;
      CHECK(others.at(moment(tick + 3 + frame))[0].body.position.x ==
            doctest::Approx(expected).epsilon(0.001));
    }
  }
  CHECK(others.counters().received == 29);
  CHECK(others.counters().lost == 1);
  CHECK(others.counters().starved == 0);
}

TEST_CASE("where snapshots stay away, everybody stands still, which counts once") {
  Interpolation others;
  for (std::uint32_t tick = 2; tick <= 20; tick += 2)
    others.add(runner_at(tick), moment(tick));
  for (double tick = 20; tick < 60; ++tick)
    CHECK(others.at(moment(tick))[0].body.position.x <= 120);
  CHECK(others.counters().starved == 1);
}
