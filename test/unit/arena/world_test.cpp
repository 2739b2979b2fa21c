// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "demos/arena/world.hpp"

using arena::Body;
using arena::Input;
using arena::Player;
using arena::PlayerInput;
using arena::Vec;
using arena::World;

namespace {

World two_players(Vec first, Vec second) {
  World world;
  world.players = {Player{1, 0, {first, {}, 0}}, Player{2, 0, {second, {}, 0}}};
  return world;
}

}  // namespace

TEST_CASE("the same inputs make the same world, and a body alone moves as it does in a world") {
  World one = two_players({100, 100}, {1000, 600});
  World other = one;
  Body alone = one.players[0].body;
  std::mt19937 random(7);
  for (std::uint32_t tick = 1; tick <= 2000; ++tick) {
    const PlayerInput inputs[] = {{1, tick, Input(random() % 32)}, {2, tick, Input(random() % 32)}};
    step(one, inputs);
    step(other, inputs);
    if (one.crown == 0) alone = moved(alone, inputs[0].keys);
    if (one.crown == 0) CHECK(alone == one.players[0].body);
  }
  CHECK(one.players[0].body == other.players[0].body);
  CHECK(one.players[1].body == other.players[1].body);
  CHECK(one.crown == other.crown);
}

TEST_CASE("no keys bring a player out of the box") {
  Body body;
  std::mt19937 random(3);
  for (int tick = 0; tick < 20'000; ++tick) {
    if (random() % 8 == 0) body.velocity = body.velocity * 3;
    body = moved(body, Input(random() % 32));
    REQUIRE(body.position.x >= arena::radius);
    REQUIRE(body.position.x <= arena::width - arena::radius);
    REQUIRE(body.position.y >= arena::radius);
    REQUIRE(body.position.y <= arena::height - arena::radius);
  }
}

TEST_CASE("a dash is quick, and a second passes before the next") {
  Body body;
  body.position = {200, 360};
  int dashes = 0;
  float fastest = 0;
  for (int tick = 0; tick < 3 * arena::ticks_per_second; ++tick) {
    const Input way = tick / 60 % 2 == 0 ? arena::key_right : arena::key_left;
    body = moved(body, way | arena::key_dash);
    fastest = std::max(fastest, length(body.velocity));
    if (body.dash_rest == arena::dash_rest_ticks) ++dashes;
  }
  CHECK(fastest > 500);
  CHECK(dashes == 3);
  CHECK(fastest < 1000);
}

TEST_CASE("who touches the wearer takes the crown, and can keep it for a second") {
  World world = two_players({640, 360}, {700, 100});
  REQUIRE(step(world, {}).crown_taken);
  CHECK(world.crown == 1);
  find(world, 2)->body.position = {650, 360};
  int ticks = 0;
  auto outcome = step(world, {});
  for (; !outcome.crown_taken; ++ticks)
    outcome = step(world, {});
  CHECK(ticks == arena::crown_safe_ticks);
  CHECK(outcome.crown_taken->by == 2);
  CHECK(outcome.crown_taken->from == 1);
  CHECK(find(world, 2)->body.velocity.x > 0);
  CHECK(find(world, 1)->body.velocity.x < 0);
}

TEST_CASE("the wearer has a point each second, and the crown of one who left lies in the middle") {
  World world = two_players({640, 360}, {100, 100});
  int points = 0;
  for (int tick = 0; tick < 5 * arena::ticks_per_second; ++tick)
    points += step(world, {}).scored == 1 ? 1 : 0;
  CHECK(points == 5);
  world.players.erase(world.players.begin());
  CHECK(step(world, {}).scored == 0);
  CHECK(world.crown == 0);
}
