// SPDX-License-Identifier: MIT
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "test/soak/report.hpp"
#include "test/soak/run.hpp"

/// `soak`: two hosts on every network of a matrix, half a minute of simulated time each.
namespace {

using tickwire::soak::Cell;
using tickwire::soak::CellResult;

constexpr const char* kUsage =
    "usage: soak [--list] [--only TEXT] [--transport enet|memory|tcp] [--seconds N] [--seed N]\n"
    "            [--json FILE]\n"
    "Runs the cells whose name contains TEXT, N simulated seconds each (30), and says what came\n"
    "out. Ends with 0 when all have passed, 1 when one has not, 2 when it could not run.\n";

struct Options {
  bool lists = false;
  std::string only;
  std::string transport;
  std::string json_file;
  tickwire::soak::RunOptions run;
};

double number(const std::string& name, const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !(value > 0 && value <= 1e9)) {
    throw std::runtime_error(name + ": '" + text + "' is no number above 0, up to 1000000000");
  }
  return value;
}

void set(Options& options, const std::string& name, const std::string& value) {
  if (name == "--only") {
    options.only = value;
  } else if (name == "--transport") {
    options.transport = value + "/";
  } else if (name == "--seconds") {
    options.run.talk = std::chrono::duration_cast<tickwire::Duration>(
        std::chrono::duration<double>(number(name, value)));
  } else if (name == "--seed") {
    options.run.seed = static_cast<std::uint64_t>(number(name, value));
  } else if (name == "--json") {
    options.json_file = value;
  } else {
    throw std::runtime_error("unknown option '" + name + "'");
  }
}

Options parse(const std::vector<std::string>& arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--list") {
      options.lists = true;
      continue;
    }
    if (i + 1 == arguments.size()) throw std::runtime_error(arguments[i] + " wants a value");
    set(options, arguments[i], arguments[i + 1]);
    ++i;
  }
  return options;
}

bool is_chosen(const Cell& cell, const Options& options) {
  return cell.name.starts_with(options.transport) &&
         cell.name.find(options.only) != std::string::npos;
}

int run(const Options& options) {
  std::vector<CellResult> results;
  bool all_passed = true;
  for (const Cell& cell : tickwire::soak::cells()) {
    if (!is_chosen(cell, options)) continue;
    if (options.lists) {
      std::cout << cell.name << '\n';
      continue;
    }
    results.push_back(tickwire::soak::run_cell(cell, options.run));
    all_passed = all_passed && results.back().failures.empty();
    tickwire::soak::print(std::cout, results.back());
  }
  if (options.lists) return 0;
  if (results.empty()) throw std::runtime_error("no cell has such a name; see --list");
  if (!options.json_file.empty()) {
    std::ofstream file(options.json_file);
    tickwire::soak::write_json(file, results, options.run);
    if (!file.flush()) throw std::runtime_error("cannot write " + options.json_file);
  }
  return all_passed ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (!arguments.empty() && (arguments[0] == "--help" || arguments[0] == "-h")) {
    std::cout << kUsage;
    return 0;
  }
  try {
    return run(parse(arguments));
  } catch (const std::exception& error) {
    std::cerr << "soak: " << error.what() << '\n' << kUsage;
    return 2;
  }
}
