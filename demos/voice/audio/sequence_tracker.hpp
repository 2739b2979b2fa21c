// SPDX-License-Identifier: MIT
#pragma once

#include <bitset>
#include <cstdint>

namespace voice {

/// What the number of a packet says about it.
enum class Arrival {
  expected,   ///< belongs to the talk that is going on, in order or not
  new_talk,   ///< the first of a new talk: after a pause, a jump of the numbers or a restart
  duplicate,  ///< came before
  stale,      ///< left over from a talk that is over
  doubtful,   ///< far off; believed once the packets after it agree
};

/// Where the listener stands when a packet comes.
enum class Listening {
  silent,   ///< nothing is playing
  drained,  ///< a talk is going on, but everything that came has been played
  playing,
};

/// Follows the sequence numbers of one talker: finds duplicates, pauses, jumps and restarts, and
/// knows how many packets never came.
///
/// Shape: numbers are 32 bits and wrap around.
/// Source: RFC 3550, appendices A.1 and A.3: loss is what was expected less what came, and a jump
///         is believed when the next packet confirms it.
class SequenceTracker {
 public:
  /// A gap in the numbers of more than this is a pause, not a loss.
  static constexpr int max_gap = 10;

  [[nodiscard]] Arrival accept(std::uint32_t sequence, Listening listening);

  /// Packets of all talks so far that never came, not counting those after the last that did. One
  /// that is merely late counts until it comes.
  [[nodiscard]] std::uint64_t lost() const noexcept {
    return expected_before_ + expected() - came_;
  }

  /// The newest number of this talk. Pre: something was accepted.
  [[nodiscard]] std::uint32_t newest() const noexcept { return newest_; }

 private:
  static constexpr int window = 128;

  [[nodiscard]] std::uint64_t expected() const noexcept;
  [[nodiscard]] bool confirmed(std::uint32_t sequence, int needed);
  Arrival begin_talk(std::uint32_t sequence);
  [[nodiscard]] std::uint32_t lowest_of_talk(std::uint32_t sequence) const noexcept;
  void note(std::uint32_t sequence, std::int32_t ahead);

  enum class State { nothing_yet, following };
  State state_ = State::nothing_yet;
  std::uint32_t floor_ = 0;  ///< numbers before it belong to an older talk
  std::uint32_t first_ = 0;
  std::uint32_t newest_ = 0;
  std::bitset<window> seen_;  ///< bit n: `newest_ - n` came
  std::uint32_t doubtful_next_ = 0;
  int doubtful_run_ = 0;
  std::uint64_t expected_before_ = 0;
  std::uint64_t came_ = 0;
};

}  // namespace voice
