// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stream.hpp"

/// What all programs that send one message there and back share: their options, on which processors
/// they run, and how round trips are timed. The end that answers is a child process, the end that
/// asks its parent.
namespace bench {

/// Settings of a ping-pong program.
struct PingOptions {
  std::string workload = "ping_pong";  ///< for the report
  std::string peer;                    ///< for the report
  std::string scheme = "tcp";          ///< what it goes over
  std::string payload = "bytes";       ///< Tickwire: bytes or object
  std::string delivery = "reliable";   ///< reliable or unreliable, where there is a choice
  std::string wait = "block";          ///< block: sleeps until something arrives; spin: never
  std::string spin_by = "poll";        ///< Tickwire: `poll` in a loop, or `HostConfig::spin`
  std::vector<unsigned> cpus{};        ///< none: not pinned; one: for both ends; or one for each
  std::size_t message_bytes = 64;      ///< at least 16, without what a peer puts around it
  double seconds = 1;                  ///< how long

  [[nodiscard]] bool spins() const noexcept { return wait == "spin"; }
};

/// Reads them; ends the process where they make no sense.
[[nodiscard]] PingOptions read_ping_options(int argc, char** argv, const PingOptions& defaults);
/// The time after which a program with these settings is stuck.
[[nodiscard]] unsigned time_limit_seconds(const PingOptions& options);

enum class PingEnd { asks, answers };
/// Puts this process, and the threads it will start, where the options want that end.
void pin(const PingOptions& options, PingEnd end);

/// Times what goes there and comes back, one at a time. The first fifth of the time warms up and
/// does not count.
class RoundTrips {
 public:
  explicit RoundTrips(const PingOptions& options);

  /// What the next message holds. The first call starts the clock.
  [[nodiscard]] Stamp next();
  /// The answer is there. Throws when it is not what was asked last, whole.
  void take(const Stamp& stamp);
  void take(std::span<const std::byte> message);
  [[nodiscard]] bool is_finished() const noexcept { return finished_; }

  /// Prints the median and the 99th percentile.
  ///
  /// Pre: finished.
  void report(std::string_view one_message);

 private:
  using Clock = std::chrono::steady_clock;
  void print(std::string_view metric, double nanoseconds, std::string_view one_message) const;

  PingOptions options_;
  std::uint64_t number_ = 0;
  Clock::time_point counts_from_;
  Clock::time_point end_;
  Clock::time_point last_;
  std::vector<std::uint32_t> nanoseconds_;
  bool finished_ = false;
};

/// A message with a length before it, for peers that have no messages of their own.
class PingFrame {
 public:
  explicit PingFrame(const PingOptions& options);

  /// Room for the message; what was received is there, too.
  [[nodiscard]] std::span<std::byte> message() noexcept;
  /// The whole frame, to be sent.
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
    return std::span(memory_).first(frame_bytes_);
  }

  /// Where the next bytes go: more than a frame, since who finds it full reads once more.
  [[nodiscard]] std::span<std::byte> space() noexcept {
    return std::span(memory_).subspan(used_bytes_);
  }
  /// Bytes have been put there: whether a message is complete with them.
  [[nodiscard]] bool received(std::size_t bytes);

 private:
  std::size_t frame_bytes_;
  std::vector<std::byte> memory_;
  std::size_t used_bytes_ = 0;
};

/// Asks until the time is up, over an end with `send(bytes)` and `receive()`.
template <class End>
void ping(End& end, const PingOptions& options, RoundTrips& trips) {
  std::vector<std::byte> message(options.message_bytes);
  while (!trips.is_finished()) {
    put_stamp(trips.next(), message);
    end.send(message);
    trips.take(end.receive());
  }
}

/// Answers until it is ended.
template <class End>
[[noreturn]] void pong(End& end) {
  for (;;)
    end.send(end.receive());
}

}  // namespace bench
