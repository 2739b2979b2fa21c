// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

/// What the programs with idle connections share: their options, and what is measured.
namespace bench {

/// Settings of a program with idle connections.
struct IdleOptions {
  std::string workload = "idle_connections";  ///< for the report
  std::string peer;                           ///< for the report
  std::string scheme = "tcp";                 ///< what they go over
  std::size_t connections = 10'000;
  std::size_t listeners = 1;  ///< one address of the dialler has ports for some 28,000 to each
  double keep_alive_seconds = 1;
  double seconds = 3;  ///< how long they are watched while they sleep
};

/// Reads them; ends the process where they make no sense.
[[nodiscard]] IdleOptions read_idle_options(int argc, char** argv, const IdleOptions& defaults);
/// The time after which a program with these settings is stuck.
[[nodiscard]] unsigned time_limit_seconds(const IdleOptions& options);

/// What measures an end whose connections are all up.
struct IdleEnd {
  std::size_t bytes_before = 0;      ///< resident, before there was room for connections
  std::function<bool()> poll;        ///< one call that does not wait; whether it found nothing
  std::function<void(double)> rest;  ///< waits so many seconds, and serves what comes
  std::string_view encryption = "none";
};

/// Prints the memory of each connection, what a call costs that finds nothing, in a tight loop and
/// in the rhythm of a game, and what the processor does in a second of sleep.
void measure_idle(const IdleOptions& options, const IdleEnd& end);

}  // namespace bench
