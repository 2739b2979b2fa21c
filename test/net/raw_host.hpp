// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <utility>

#include "test/support/child_process.hpp"
#include "test/support/host_pair.hpp"

namespace tickwire::test {

/// A host under the real clock, for programs that have never heard of Tickwire: they have no other.
struct RawHost {
  explicit RawHost(TlsConfig tls = {}) : logged(config(std::move(tls))) {}

  [[nodiscard]] static HostConfig config(TlsConfig tls) {
    HostConfig config;
    config.log.level = LogLevel::off;
    config.tick_rate_hz = std::nullopt;
    config.tls = std::move(tls);
    return config;
  }
  /// Runs the host and takes in what the program says, until it holds.
  [[nodiscard]] bool until(const std::function<bool()>& holds, ChildProcess& program) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (std::chrono::steady_clock::now() < deadline) {
      program.read();
      if (holds()) return true;
      run();
    }
    return false;
  }
  void run() {
    if (const auto event = logged->wait_for(std::chrono::milliseconds(1))) logged.log.add(*event);
    logged.poll();
  }
  [[nodiscard]] std::string received() const {
    std::string all;
    for (const std::string& text : logged.log.texts())
      all += text;
    return all;
  }
  [[nodiscard]] std::size_t count(EventType type) const { return logged.log.count(type); }
  [[nodiscard]] Connection peer() const { return logged.log.last(EventType::connected).connection; }

  LoggedHost logged;
};

}  // namespace tickwire::test
