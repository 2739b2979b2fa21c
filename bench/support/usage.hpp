// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <vector>

/// What a process takes of the machine, and what many figures come to.
namespace bench {

/// The processor's time that this process took, user and system, and children that have ended.
[[nodiscard]] double processor_seconds();
/// Memory of this process that is there, shared libraries included.
[[nodiscard]] std::size_t resident_bytes();
/// Allows that many open files, and a few more; throws where the system does not.
void allow_descriptors(std::size_t count);

/// The value below which that share of all lies, 0 to 1: 0.5 is the median.
///
/// Pre: there is one.
[[nodiscard]] double at_share(std::vector<double> values, double share);

}  // namespace bench
