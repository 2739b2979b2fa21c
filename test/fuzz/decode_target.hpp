// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace tickwire::zoo {

/// Decodes an input as one of the types of the zoo, and what came of it again. The first byte
/// chooses the type. Answers what should not have happened; empty when all is well.
[[nodiscard]] std::string fuzz_decode(std::span<const std::byte> input);

/// One good input for each type.
[[nodiscard]] std::vector<std::vector<std::byte>> samples();

}  // namespace tickwire::zoo
