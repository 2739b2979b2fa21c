// SPDX-License-Identifier: MIT
#include "options.hpp"

#include <CLI/CLI.hpp>
#include <cstdlib>

namespace bench {

void add_names(CLI::App& app, std::string& workload, std::string& peer) {
  app.add_option("--workload", workload, "a name for the report");
  app.add_option("--peer", peer, "a name for the report");
}

void read_or_exit(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error));
  }
}

}  // namespace bench
