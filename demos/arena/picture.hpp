// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <deque>
#include <map>

#include "demos/arena/view.hpp"

struct SDL_Renderer;

namespace arena {

/// What the game looks like: the box, disks with their trails, the crown and the scores.
class Picture {
 public:
  /// A frame later than the last one.
  void draw(SDL_Renderer& renderer, const View& view);
  /// The last frame again.
  void redraw(SDL_Renderer& renderer) const;

 private:
  View view_;
  std::map<PlayerId, std::deque<Vec>> trails_;  // newest first
  int frames_since_taken_ = 1000;
};

}  // namespace arena
