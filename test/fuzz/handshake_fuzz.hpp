// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>

namespace tickwire::test {

/// Reads a greeting's body. Throws `BrokenPromise` when what was read does not come out the same
/// after it is written and read again, or breaks a limit.
///
/// Shape: the first byte chooses HELLO, WELCOME or REFUSE; the rest is its body.
void fuzz_handshake(std::span<const std::uint8_t> input);

}  // namespace tickwire::test
