// SPDX-License-Identifier: MIT
#include "demos/arena/bot.hpp"

namespace arena {
namespace {

constexpr float dash_distance = 160;

Input keys_towards(Vec way) {
  // Half as much sideways as ahead is worth a key of its own.
  const float least = length(way) / 2;
  Input keys = 0;
  if (way.x < -least) keys |= key_left;
  if (way.x > least) keys |= key_right;
  if (way.y < -least) keys |= key_up;
  if (way.y > least) keys |= key_down;
  return keys;
}

// Away from all, the near ones above all, and from the walls, which are where one is caught.
Vec way_out(const View& view, const View::Disk& own) {
  Vec way = (Body().position - own.position) * (1 / (height * height));
  for (const View::Disk& other : view.disks) {
    const Vec apart = own.position - other.position;
    const float distance = length(apart);
    if (distance > 0) way = way + apart * (1 / (distance * distance));
  }
  return way;
}

}  // namespace

Input play(const View& view) {
  const View::Disk* const own = view.find(view.own);
  if (own == nullptr) return 0;
  if (view.crown == view.own) return keys_towards(way_out(view, *own));
  const View::Disk* const wearer = view.find(view.crown);
  const Vec way = (wearer != nullptr ? wearer->position : Body().position) - own->position;
  const Input keys = keys_towards(way);
  return length(way) < dash_distance ? static_cast<Input>(keys | key_dash) : keys;
}

}  // namespace arena
