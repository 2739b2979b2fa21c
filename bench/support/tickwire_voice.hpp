// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <tickwire/config.hpp>
#include <tickwire/connection.hpp>
#include <tickwire/event.hpp>
#include <tickwire/host.hpp>
#include <vector>

/// Small messages 50 times a second beside other work, and how late they come.
namespace bench {

using SteadyClock = std::chrono::steady_clock;

constexpr std::uint8_t kVoiceChannel = 1;
constexpr std::size_t kVoiceBytes = 80;

/// Gives voices a channel above all others, at either end.
void add_voice_channel(tickwire::HostConfig& config);

/// Says the time again and again. Throws when it cannot.
class Voice {
 public:
  explicit Voice(tickwire::Connection connection) : connection_(connection) {}

  /// Sends what is due, at once.
  void speak(tickwire::Host& host);
  [[nodiscard]] tickwire::Duration until_next() const;

 private:
  tickwire::Connection connection_;
  std::array<std::byte, kVoiceBytes> words_{};
  SteadyClock::time_point next_ = SteadyClock::now();
};

/// How long ago the other process said what has just come.
[[nodiscard]] double late_ms(const tickwire::Event& event);

/// The middle and the late ones of all that was heard; throws where that is too little.
struct Lateness {
  explicit Lateness(const std::vector<double>& late_ms);
  double median_ms = 0;
  double p99_ms = 0;
};

}  // namespace bench
