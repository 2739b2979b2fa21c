// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <iosfwd>

#include <tickwire/error.hpp>

#include "check/hearing.hpp"

namespace voice {

/// Prints one table with a line per client, then who was heard and whether anybody heard himself.
void print_findings(const Findings& findings, std::ostream& out);

/// Writes everything that the table says as JSON.
///
/// Errors: a sentence that names the file.
[[nodiscard]] tickwire::Result<void> write_json(const Findings& findings,
                                                const std::filesystem::path& file);

}  // namespace voice
