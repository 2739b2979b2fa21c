// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

/// The rules of the game, and nothing of the network. Server and clients share them: what a client
/// predicts with the same function is what the server will find.
///
/// Players are disks in a box. Whoever wears the crown gets a point each second; who touches the
/// wearer takes it, and both are thrown apart.
///
/// Units: lengths in pixels of a window of 1,280 by 720, times in ticks.
namespace arena {

inline constexpr int ticks_per_second = 60;
inline constexpr float width = 1280;
inline constexpr float height = 720;
inline constexpr float radius = 22;
inline constexpr std::uint8_t dash_rest_ticks = 60;   ///< between two dashes
inline constexpr std::uint8_t crown_safe_ticks = 60;  ///< before a new wearer can lose it

/// Stands for a player in messages. 0: nobody.
using PlayerId = std::uint8_t;

struct Vec {
  float x = 0;
  float y = 0;

  friend bool operator==(const Vec&, const Vec&) = default;
};

[[nodiscard]] inline Vec operator+(Vec a, Vec b) {
  return {a.x + b.x, a.y + b.y};
}
[[nodiscard]] inline Vec operator-(Vec a, Vec b) {
  return {a.x - b.x, a.y - b.y};
}
[[nodiscard]] inline Vec operator*(Vec a, float factor) {
  return {a.x * factor, a.y * factor};
}
[[nodiscard]] float length(Vec vec);

/// The keys that a player holds down during one tick, an or-combination.
using Input = std::uint8_t;
inline constexpr Input key_left = 1;
inline constexpr Input key_right = 2;
inline constexpr Input key_up = 4;
inline constexpr Input key_down = 8;
inline constexpr Input key_dash = 16;
inline constexpr Input all_keys = 31;

/// All that moves of a player. What its own inputs do to it depends on nobody else, so that its
/// client can predict it.
struct Body {
  Vec position{width / 2, height / 2};
  Vec velocity;
  std::uint8_t dash_rest = 0;  ///< ticks until it can dash again

  friend bool operator==(const Body&, const Body&) = default;
};

/// A body one tick later.
[[nodiscard]] Body moved(Body body, Input input);

struct Player {
  PlayerId id = 0;
  std::uint32_t input_number = 0;  ///< of its newest input that has moved it
  Body body;
};

struct World {
  std::uint32_t tick = 0;
  PlayerId crown = 0;  ///< who wears it; nobody: it lies in the middle
  std::uint8_t crown_safe = 0;
  std::uint8_t crown_worn = 0;  ///< ticks towards the wearer's next point
  std::vector<Player> players;
};

/// One tick's worth of keys of a player's.
struct PlayerInput {
  PlayerId player = 0;
  std::uint32_t number = 0;
  Input keys = 0;
};

/// What has happened in a tick that everybody is told of.
struct Outcome {
  struct Taken {
    PlayerId by = 0;
    PlayerId from = 0;
  };
  std::optional<Taken> crown_taken;
  PlayerId scored = 0;
};

/// Moves the world on by one tick. Of one player there may be no input or several, in their order:
/// a player moves once for each.
Outcome step(World& world, std::span<const PlayerInput> inputs);

[[nodiscard]] Player* find(World& world, PlayerId id);

}  // namespace arena
