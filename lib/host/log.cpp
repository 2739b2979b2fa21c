// SPDX-License-Identifier: MIT
#include "lib/host/log.hpp"

#include <cstdio>
#include <string>

namespace tickwire::detail {
namespace {

std::string_view level_name(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    default:
      return "error";
  }
}

}  // namespace

void Log::write(LogLevel level, std::string_view line) const {
  if (!wants(level)) return;
  try {
    if (config_.sink) return config_.sink(level, line);
  } catch (...) {
    // It must not come out in the middle of a pass. The line goes where it would without a sink.
  }
  std::string text = "tickwire " + std::string(level_name(level)) + ": ";
  // Lines carry text from peers: control characters must not reach a terminal.
  for (const char c : line)
    text += (c >= ' ' && c != 0x7f) ? c : '?';
  text += '\n';
  std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace tickwire::detail
