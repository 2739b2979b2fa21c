// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

/// What all programs that stream messages one way share: their options, what is in a message, and
/// how the receiver counts. The sender is a child process, the receiver its parent.
namespace bench {

/// Settings of a stream program.
struct StreamOptions {
  std::string workload = "stream";    ///< for the report
  std::string peer;                   ///< for the report
  std::string scheme = "tcp";         ///< tcp or tls; what else Tickwire speaks
  std::string payload = "bytes";      ///< Tickwire: bytes, object or buffer
  std::string delivery = "reliable";  ///< ENet: reliable or unreliable
  std::string datagrams = "own";    ///< over ENet: own, usual (about 1,400 bytes) or large (4,092)
  bool one_by_one = false;          ///< over ENet: Tickwire sends no block of datagrams
  std::size_t message_bytes = 64;   ///< at least 16, without what a peer puts around it
  std::size_t batch_bytes = 65536;  ///< what a sender gathers; 1: each message by itself
  std::size_t write_bytes = 65536;  ///< Asio: most for one system call; its own value is 64 KiB
  double seconds = 1;               ///< how long the sender sends
};

/// Reads them; ends the process where they make no sense.
[[nodiscard]] StreamOptions read_stream_options(int argc, char** argv,
                                                const StreamOptions& defaults);
/// The time after which a program with these settings is stuck.
[[nodiscard]] unsigned time_limit_seconds(const StreamOptions& options);

/// What stands at both ends of a message, so that a receiver sees a lost, doubled, cut or mixed up
/// one: its number and whether it is the last one. The far end holds the complement.
struct Stamp {
  static constexpr std::size_t bytes = sizeof(std::uint64_t);
  std::uint64_t near = 0;
  std::uint64_t far = ~std::uint64_t{0};
};

void put_stamp(Stamp stamp, std::span<std::byte> message);
[[nodiscard]] Stamp stamp_of(std::span<const std::byte> message);

/// Says what to send, until the time is up.
class StreamSource {
 public:
  explicit StreamSource(const StreamOptions& options);

  /// The next message's stamp. The clock is read for every 64 KiB of messages only.
  /// Pre: not finished.
  [[nodiscard]] Stamp next();
  /// Whether the last message has been handed out.
  [[nodiscard]] bool is_finished() const noexcept { return finished_; }

 private:
  using Clock = std::chrono::steady_clock;
  std::uint64_t number_ = 0;
  std::uint64_t messages_per_look_;
  Clock::time_point end_;
  bool finished_ = false;
};

/// What a message that never arrives is.
enum class Loss { fails, counts };

/// Counts what arrives, between the first message and the last.
class StreamSink {
 public:
  explicit StreamSink(Loss loss = Loss::fails) : loss_(loss) {}

  /// Throws when it is not the next message, whole; with `Loss::counts`, when it is not a later one
  /// than those before.
  void take(Stamp stamp);
  void take(std::span<const std::byte> message) { take(stamp_of(message)); }
  [[nodiscard]] bool is_finished() const noexcept { return finished_; }

  /// Prints the figure: messages per second for small messages, MB/s from 64 KiB on. With
  /// `Loss::counts` also which part of them arrived.
  ///
  /// Pre: finished.
  void report(const StreamOptions& options, std::string_view encryption,
              std::string_view one_message) const;

 private:
  using Clock = std::chrono::steady_clock;
  Loss loss_;
  std::uint64_t count_ = 0;  ///< those that arrived
  std::uint64_t next_ = 0;   ///< the number that should come next
  Clock::time_point first_;
  Clock::time_point last_;
  bool finished_ = false;
};

}  // namespace bench
