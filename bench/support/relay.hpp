// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "process.hpp"

/// What the relay programs share: who talks when, what is in a packet, and what is counted. The
/// relay is the parent, and all clients are one child.
namespace bench {

inline constexpr std::size_t kVoiceBytes = 80;

/// Settings of a relay program.
struct RelayOptions {
  std::string workload = "relay";  ///< for the report
  std::string peer;                ///< for the report
  std::size_t clients = 128;
  std::size_t room = 8;                 ///< members of one
  std::size_t packets_per_second = 50;  ///< of each client
  double warm_up_seconds = 1;
  double seconds = 5;       ///< how long is measured
  bool finds_most = false;  ///< how much the relay can, instead of what it costs
  double tick_ms = 0;       ///< from one look at the sockets to the next; 0: when something comes
};

/// Reads them; ends the process where they make no sense.
[[nodiscard]] RelayOptions read_relay_options(int argc, char** argv, const char* peer);

using Packet = std::span<const std::byte>;

/// Whose packet it is; nothing when it is no packet of a client.
[[nodiscard]] std::optional<std::size_t> talker_of(Packet packet, const RelayOptions& options);

/// What a run came to.
struct RelayOutcome {
  double ns_per_packet = 0;  ///< of the relay's processor, for each packet out
  double delivered_ratio = 0;
  double delivered_per_second = 0;
  double delay_median_ms = 0;
  double delay_p99_ms = 0;
  double behind_ms = 0;  ///< how late the clients themselves were with their last packet
};

/// The clients: each talks so many times a second, and hears the rest of its room. Their turns are
/// evenly spread, in an order that is mixed but always the same: neighbours in time share no room
/// but by chance, so that what goes to one client is rarely there at the same moment.
class Talkers {
 public:
  using Clock = std::chrono::steady_clock;
  using Send = std::function<void(std::size_t client, Packet packet)>;

  /// They begin to talk now. What is sent while they warm up does not count: the relay learns from
  /// it who is in which room.
  explicit Talkers(const RelayOptions& options);

  /// Sends what is due.
  void talk(const Send& send);
  /// A client got a packet; throws when it should not have.
  void hear(std::size_t client, Packet packet);
  /// Whether the time is up, and what was sent has had time to arrive.
  [[nodiscard]] bool is_over() const;
  /// What was counted, for `run_relay`.
  [[nodiscard]] std::string summary();

 private:
  RelayOptions options_;
  std::vector<float> delays_ms_;  // before the clock starts: it takes all memory at once
  Clock::time_point begin_;
  Clock::time_point counted_from_;
  Clock::time_point end_;
  std::vector<std::size_t> order_;
  std::size_t turns_ = 0;
  std::size_t said_ = 0;   // that counts
  std::size_t heard_ = 0;  // of it
  double behind_ms_ = 0;
};

/// The processor's time that a relay takes, in the middle of the talk.
class RelayMeter {
 public:
  explicit RelayMeter(const RelayOptions& options) : options_(options) {}

  /// So many packets went out.
  void forwarded(std::size_t packets) noexcept { packets_ += packets; }
  /// Looks at the clock; to be called in each pass.
  void look();
  /// The talk is over; a relay that was stopped for a while has not seen the end come.
  void finish();
  /// Pre: finished.
  [[nodiscard]] double ns_per_packet() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Moment {
    double processor_seconds = 0;
    std::size_t packets = 0;
  };
  [[nodiscard]] Moment moment() const;

  RelayOptions options_;
  std::size_t packets_ = 0;
  std::optional<Clock::time_point> first_packet_;
  std::optional<Moment> begin_;
  std::optional<Moment> end_;
};

/// From one look of the clients at their sockets to the next. They have a loop, as games have, and
/// are not woken by each packet, which over loopback would be the relay's work.
inline constexpr double kClientTickMs = 1;

/// When somebody looks at his sockets. With ticks, as a game's loop has them, what a relay got for
/// one client since the last leaves in one datagram.
class RelayTicks {
 public:
  explicit RelayTicks(double tick_ms);

  /// Sleeps until the next tick. False when there are none.
  bool wait();

 private:
  using Clock = std::chrono::steady_clock;
  Clock::duration tick_;
  Clock::time_point next_{};
};

/// The two processes of a run. The relay's gives its address to the first pipe and forwards until
/// the second one has a line; the clients' takes that address, and gives its summary to the other.
struct RelayEnds {
  std::function<void(const RelayOptions& options, const TextPipe& address, const TextPipe& done,
                     RelayMeter& meter)>
      relay;
  std::function<void(const RelayOptions& options, const std::string& address, const TextPipe& done)>
      clients;
};

/// Runs both and prints what it costs; or runs them at one rate after the other, and prints the
/// most that the relay passes on with 99 % delivered, and 99 % of that within 10 ms.
int run_relay(const RelayOptions& options, const RelayEnds& ends);

}  // namespace bench
