// SPDX-License-Identifier: MIT
#include <cstddef>
#include <cstdint>

#include "test/fuzz/session_fuzz.hpp"

/// For libFuzzer: `-fsanitize=fuzzer,address,undefined`, with corpus/resume to begin from.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tickwire::test::fuzz_resume({data, size});
  return 0;
}
