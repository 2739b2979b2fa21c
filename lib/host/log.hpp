// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include <tickwire/config.hpp>

namespace tickwire::detail {

/// Writes a host's log lines where its config says.
class Log {
 public:
  explicit Log(const LogConfig& config) noexcept : config_(config) {}
  [[nodiscard]] bool wants(LogLevel level) const noexcept { return level >= config_.level; }
  void write(LogLevel level, std::string_view line) const;

 private:
  const LogConfig& config_;
};

}  // namespace tickwire::detail
