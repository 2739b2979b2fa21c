// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace CLI {
class App;
}

/// What the options of all programs have in common.
namespace bench {

/// Adds the names that stand in the report.
void add_names(CLI::App& app, std::string& workload, std::string& peer);
/// Reads the options; ends the process where they make no sense, or where only help is asked for.
void read_or_exit(CLI::App& app, int argc, char** argv);

}  // namespace bench
