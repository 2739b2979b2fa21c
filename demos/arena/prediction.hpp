// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "demos/arena/world.hpp"

namespace arena {

struct Inputs;

/// How often the server was of another opinion about the own player, and by how many pixels.
struct CorrectionCounters {
  std::uint64_t count = 0;
  double sum = 0;
  double largest = 0;
};

/// The own player, moved by each input at once and not only when the server has answered. An answer
/// says where the player was after one of the inputs; those behind it are played again from there.
class Prediction {
 public:
  /// What the server leaves unanswered for longer is not played again: two seconds.
  static constexpr std::size_t most_unanswered = 2 * ticks_per_second;

  /// The player stands where the server says, and nothing is under way.
  void restart(const Body& body);
  /// Moves the player on by one tick.
  void apply(Input keys);
  /// The newest inputs, to be sent.
  void fill(Inputs& inputs) const;
  /// What the server made of the inputs up to this number.
  void reconcile(const Body& body, std::uint32_t input_number);

  /// Where the player will be for the server when it has seen all inputs.
  [[nodiscard]] const Body& body() const noexcept { return body_; }
  /// Where it is drawn: after a correction it slides to its place instead of jumping there.
  [[nodiscard]] Vec shown() const noexcept { return body_.position + slide_; }
  [[nodiscard]] const CorrectionCounters& corrections() const noexcept { return corrections_; }

 private:
  Body body_;
  Vec slide_;
  std::uint32_t newest_ = 0;      // number of the newest input; never starts anew
  std::deque<Input> unanswered_;  // oldest first, ends with the newest
  CorrectionCounters corrections_;
};

}  // namespace arena
