// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "test/soak/cell.hpp"

namespace tickwire::soak {

/// What one end of a cell measured and sent.
struct EndFigures {
  std::uint64_t reliable_messages = 0;  ///< said; all of them arrived, or the cell failed
  std::uint64_t reliable_bytes = 0;
  std::uint64_t unreliable_said = 0;
  std::uint64_t unreliable_left = 0;     ///< of them; the session dropped the others unsent
  std::uint64_t unreliable_arrived = 0;  ///< of them
  Duration rtt{};                        ///< as reported, mean of the readings
  std::optional<double> loss_ratio;      ///< the same; datagrams only
};

/// The share of those that left.
[[nodiscard]] double lost_ratio(const EndFigures& end);

/// What became of one cell.
struct CellResult {
  std::string name;
  std::array<EndFigures, 2> ends;  ///< client, server
  int calls = 0;                   ///< until one came up
  Duration path_rtt{};             ///< what the empty path gives
  Duration settled_after{};        ///< from the last word to the last arrival
  std::chrono::milliseconds wall{};
  std::vector<std::string> failures;  ///< none: passed
};

struct RunOptions {
  Duration talk = std::chrono::seconds(30);
  std::uint64_t seed = 1;
};

/// Runs two hosts over the cell's network under a clock of its own. One calls the other, again when
/// the network ate the call; they talk for as long as the options say, and then only listen until
/// all has arrived.
///
/// Passed means:
/// - every reliable message arrives once, in order, intact; unreliable ones intact; no disconnect;
/// - the loss that an end reports lies within 3 points of the share of its unreliable messages that
///   left and did not arrive, and the mean of both ends within 3 points of the loss set. Fewer than
///   900 tries (half a minute brings a thousand at each end) cannot show a ratio that closely: two
///   standard deviations of as many are added;
/// - the rtt that an end reports lies within 10 % of what the path gives, or within 3 ms (three
///   steps of the clock), and four standard deviations of what late datagrams do to as many echoes
///   as there are in that time. Behind a rate it is the own traffic's queue that counts: not below
///   the empty path, not above the full one. Where there is no such bound (the kernels' buffers of
///   TCP, a stall) it is only printed.
///
/// Loss and rtt as reported are means of readings in the second half of the talk.
[[nodiscard]] CellResult run_cell(const Cell& cell, const RunOptions& options);

}  // namespace tickwire::soak
