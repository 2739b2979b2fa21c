// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "demos/arena/world.hpp"

namespace arena {

/// What a player sees at one moment.
struct View {
  struct Disk {
    PlayerId id = 0;
    Vec position;
    std::string name;
    std::uint32_t score = 0;
  };

  std::vector<Disk> disks;
  PlayerId own = 0;    ///< 0: not in the game
  PlayerId crown = 0;  ///< 0: it lies in the middle

  [[nodiscard]] const Disk* find(PlayerId id) const noexcept {
    for (const Disk& disk : disks) {
      if (disk.id == id) return &disk;
    }
    return nullptr;
  }
};

}  // namespace arena
