// SPDX-License-Identifier: MIT
#include <cstddef>
#include <cstdint>

#include "test/fuzz/handshake_fuzz.hpp"

/// For libFuzzer: `-fsanitize=fuzzer,address,undefined`, with corpus/handshake to begin from.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tickwire::test::fuzz_handshake({data, size});
  return 0;
}
