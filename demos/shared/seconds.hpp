// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include <CLI/CLI.hpp>

#include "demos/shared/program.hpp"

namespace demo {

/// How long a program may be told to run, for the command line. What is no number, as "nan", is
/// refused too.
inline CLI::Validator seconds(std::int64_t least = 0,
                              std::int64_t most = static_cast<std::int64_t>(longest_run_seconds)) {
  const std::string range = std::to_string(least) + " to " + std::to_string(most);
  const auto objection = [=](const std::string& text) {
    double value = 0;
    const bool is_good = CLI::detail::lexical_cast(text, value) &&
                         value >= static_cast<double>(least) && value <= static_cast<double>(most);
    return is_good ? std::string() : "It wants " + range + ", not " + text + ".";
  };
  return {objection, range};
}

}  // namespace demo
