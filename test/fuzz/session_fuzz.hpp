// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <vector>

namespace tickwire::test {

/// A promise that a fuzzed session has broken.
struct BrokenPromise final : std::logic_error {
  using std::logic_error::logic_error;
};

/// Puts one session through what the bytes say: packets of any content, in any state, with sends,
/// closes and time in between. Throws `BrokenPromise` when its events come out of order, when it
/// holds more memory than its limits allow, or when some is left behind.
///
/// Shape: the first byte chooses the end, how far it has come, and whether it may outlive its link;
///        then steps, each a byte for what to do, and for a packet a little-endian 16-bit length
///        and its bytes.
void fuzz_session(std::span<const std::uint8_t> input);
/// The same, for a session that was open and has lost its link.
void fuzz_resume(std::span<const std::uint8_t> input);

/// What a step's byte means: its value modulo `count`. New ones come last, for the corpus' sake.
enum class FuzzStep : std::uint8_t {
  packet,
  flush,
  advance,
  take,
  send,
  close,
  stall,
  link_down,
  link_up,
  resume,  ///< somebody comes back to it: which token, then what they claim to have
  count
};

/// A step that gives the session a packet, for those who make inputs.
void append_packet_step(std::vector<std::uint8_t>& input, std::span<const std::byte> packet);

}  // namespace tickwire::test
