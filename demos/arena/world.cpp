// SPDX-License-Identifier: MIT
#include "demos/arena/world.hpp"

#include <algorithm>
#include <cmath>

namespace arena {
namespace {

constexpr float tick_seconds = 1.0f / static_cast<float>(ticks_per_second);
constexpr float acceleration = 1800;  // pixels per second, each second
constexpr float friction = 5;         // share of the velocity that is lost in a second
constexpr float dash_speed = 600;
constexpr float bounce_speed = 500;
constexpr float wall_bounce = 0.4f;  // what a wall leaves of the velocity

Vec direction(Input keys) {
  const auto axis = [&](Input less, Input more) {
    return static_cast<float>(((keys & more) != 0) - ((keys & less) != 0));
  };
  const Vec sum{axis(key_left, key_right), axis(key_up, key_down)};
  return sum.x != 0 && sum.y != 0 ? sum * 0.70710678f : sum;
}

void stay_between(float& position, float& velocity, float high) {
  if (position >= radius && position <= high - radius) return;
  position = std::clamp(position, radius, high - radius);
  velocity = -velocity * wall_bounce;
}

// The two fly apart, however they met.
void throw_apart(Body& a, Body& b) {
  const Vec between = a.position - b.position;
  const float distance = length(between);
  const Vec way = distance > 0 ? between * (1 / distance) : Vec{1, 0};
  a.velocity = way * bounce_speed;
  b.velocity = way * -bounce_speed;
}

std::optional<Outcome::Taken> pass_crown(World& world) {
  if (world.crown_safe > 0) {
    --world.crown_safe;
    return std::nullopt;
  }
  Player* const wearer = find(world, world.crown);
  const Vec place = wearer != nullptr ? wearer->body.position : Body().position;
  for (Player& player : world.players) {
    if (&player == wearer || length(player.body.position - place) > 2 * radius) continue;
    if (wearer != nullptr) throw_apart(player.body, wearer->body);
    const Outcome::Taken taken{player.id, wearer != nullptr ? wearer->id : PlayerId{0}};
    world.crown = player.id;
    world.crown_safe = crown_safe_ticks;
    world.crown_worn = 0;
    return taken;
  }
  return std::nullopt;
}

}  // namespace

float length(Vec vec) {
  return std::sqrt(vec.x * vec.x + vec.y * vec.y);
}

Body moved(Body body, Input input) {
  const Vec way = direction(input);
  body.velocity = body.velocity + way * (acceleration * tick_seconds);
  if (body.dash_rest > 0) --body.dash_rest;
  if ((input & key_dash) != 0 && body.dash_rest == 0 && way != Vec{}) {
    body.velocity = body.velocity + way * dash_speed;
    body.dash_rest = dash_rest_ticks;
  }
  body.velocity = body.velocity * (1 - friction * tick_seconds);
  body.position = body.position + body.velocity * tick_seconds;
  stay_between(body.position.x, body.velocity.x, width);
  stay_between(body.position.y, body.velocity.y, height);
  return body;
}

Outcome step(World& world, std::span<const PlayerInput> inputs) {
  ++world.tick;
  for (const PlayerInput& input : inputs) {
    Player* const player = find(world, input.player);
    if (player == nullptr) continue;
    player->body = moved(player->body, input.keys);
    player->input_number = input.number;
  }
  if (find(world, world.crown) == nullptr) world.crown = 0;
  Outcome outcome;
  outcome.crown_taken = pass_crown(world);
  if (world.crown != 0 && ++world.crown_worn == ticks_per_second) {
    world.crown_worn = 0;
    outcome.scored = world.crown;
  }
  return outcome;
}

Player* find(World& world, PlayerId id) {
  const auto found = std::ranges::find(world.players, id, &Player::id);
  return found != world.players.end() ? &*found : nullptr;
}

}  // namespace arena
