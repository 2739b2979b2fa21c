// SPDX-License-Identifier: MIT
#pragma once

#include <iosfwd>
#include <span>

#include "test/soak/run.hpp"

namespace tickwire::soak {

/// One line with the figures of a cell, and one for each thing that failed.
void print(std::ostream& to, const CellResult& result);

/// All of them as one JSON object.
void write_json(std::ostream& to, std::span<const CellResult> results, const RunOptions& options);

}  // namespace tickwire::soak
