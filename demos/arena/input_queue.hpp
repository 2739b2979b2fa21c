// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "demos/arena/world.hpp"

namespace arena {

struct Inputs;

/// A client's inputs at the server, which trusts none: they are put in order, each counts once,
/// and no client moves its player more often than time has passed.
class InputQueue {
 public:
  /// What a player may make up for after a hold-up, 200 ms. A client that keeps inputs back gains
  /// no more by it.
  static constexpr std::size_t most_at_once = 12;

  struct Counters {
    std::uint64_t taken = 0;
    std::uint64_t missing = 0;  ///< all packets that held them were lost
    std::uint64_t refused = 0;  ///< more than time has passed for

    Counters& operator+=(const Counters& more);
  };

  /// What comes next comes over another connection, and begins where it likes.
  void restart();
  /// False when no honest client would send that; nothing is taken then.
  [[nodiscard]] bool receive(const Inputs& inputs);
  /// A tick has passed: adds the inputs that may move the player in it.
  void take_due(PlayerId player, std::vector<PlayerInput>& into);

  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }

 private:
  struct Waiting {
    std::uint32_t number;
    Input keys;
  };

  std::deque<Waiting> waiting_;  // oldest first
  std::uint32_t newest_ = 0;     // received
  std::size_t credit_ = 0;       // ticks that have passed and moved nobody
  Counters counters_;
};

}  // namespace arena
