// SPDX-License-Identifier: MIT
#include "check/run_check.hpp"

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "check/hearing.hpp"
#include "check/output.hpp"
#include "check/picture.hpp"

namespace voice {
namespace {

constexpr int passed = 0;
constexpr int not_passed = 1;
constexpr int unusable = 2;

struct Options {
  std::vector<std::string> talkers;
  std::string heard;
  std::vector<std::string> reports;
  std::string json;
  std::string picture;
};

void declare(CLI::App& app, Options& options) {
  app.add_option("--talker", options.talkers, "NAME=FILE: what this talker said")->required();
  app.add_option("--heard", options.heard, "what the listener heard")->required();
  app.add_option("--report", options.reports, "a client's report, in JSON");
  app.add_option("--json", options.json, "write the figures to this file");
  app.add_option("--picture", options.picture, "draw spoken over heard into this PNG file");
}

std::optional<Question> question_of(const Options& options, std::ostream& errors) {
  Question question;
  for (const std::string& talker : options.talkers) {
    const auto equals = talker.find('=');
    if (equals == 0 || equals == std::string::npos || equals + 1 == talker.size()) {
      errors << "--talker " << talker << " is not of the form NAME=FILE\n";
      return std::nullopt;
    }
    question.talkers.push_back({talker.substr(0, equals), talker.substr(equals + 1)});
  }
  question.heard = options.heard;
  question.reports.assign(options.reports.begin(), options.reports.end());
  return question;
}

}  // namespace

int run_check(int argument_count, const char* const* arguments, std::ostream& out,
              std::ostream& errors) {
  CLI::App app("Says who was heard in a recording of the voice demo, and who was not.",
               "tickwire-voice-check");
  Options options;
  declare(app, options);
  try {
    app.parse(argument_count, arguments);
  } catch (const CLI::ParseError& error) {
    return app.exit(error, out, errors) == 0 ? passed : unusable;
  }

  const auto question = question_of(options, errors);
  if (!question) return unusable;
  const auto findings = find_out(*question);
  if (!findings) {
    errors << findings.error().message() << '\n';
    return unusable;
  }
  print_findings(*findings, out);
  bool written = true;
  if (!options.json.empty()) {
    if (const auto json = write_json(*findings, options.json); !json) {
      errors << json.error().message() << '\n';
      written = false;
    }
  }
  if (!options.picture.empty()) {
    if (const auto drawn = draw_picture(*findings, options.picture); !drawn) {
      errors << "there is no picture: " << drawn.error().message() << '\n';
    }
  }
  const std::vector<std::string> failures = findings->failures();
  for (const std::string& sentence : failures)
    errors << sentence << '\n';
  if (!failures.empty()) return not_passed;
  return written ? passed : unusable;
}

}  // namespace voice
