// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>

#include <tickwire/codec.hpp>

namespace tickwire::test {

/// A small message of a game.
struct Moved {
  std::uint32_t id = 0;
  float x = 0, y = 0, z = 0;
  std::string name;
  std::array<std::int16_t, 16> inputs{};
  bool operator==(const Moved&) const = default;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(id, x, y, z, name, inputs);
  }
};
TICKWIRE_MESSAGE(Moved, "instructions.moved");

[[nodiscard]] inline Moved some_move() {
  return {7, 1.5f, -2, 3, "twelve chars", {0, 1000, 2000, 3000}};
}

inline void expect(bool holds, const char* otherwise) {
  if (!holds) throw std::runtime_error(otherwise);
}

}  // namespace tickwire::test
