// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include <tickwire/clock.hpp>
#include <tickwire/export.hpp>

namespace tickwire {

namespace detail {
class MemoryCore;
}

/// A clock that stands still until it is told to move. Give one to all hosts of a test by
/// `HostConfig::clock`, and an hour of play takes a second.
///
/// Units:  a host that sleeps does so for as much real time as is left by this clock, and `advance`
///         does not wake it: it looks again when something arrives, or that time is over. So a test
///         polls and advances in turn. While nobody advances, `wait_connected` and `send_and_wait`
///         never time out, and `wait_for` returns nothing before its time is up by this clock.
/// Thread: any.
class TICKWIRE_API ManualClock final : public Clock {
 public:
  /// Starts at one hour: a zero often means "unset".
  ManualClock() noexcept : ManualClock(TimePoint(std::chrono::hours(1))) {}
  explicit ManualClock(TimePoint start) noexcept : now_(start.time_since_epoch().count()) {}
  ~ManualClock() override;

  [[nodiscard]] TimePoint now() const noexcept override;
  /// Moves on. A clock never goes back: what is not above zero moves nothing.
  void advance(Duration by) noexcept;
  /// Moves on to a moment, if it is still to come.
  void advance_to(TimePoint moment) noexcept;

 private:
  std::atomic<Duration::rep> now_;
};

/// How a `MemoryNetwork` treats packets. As initialised: at once, and none is lost.
///
/// Only datagrams (sequenced and unreliable messages) are lost, spoilt, doubled or overtaken.
/// Reliable packets are late by the same delay, jitter and bandwidth, but all arrive, in order
/// within their channel.
///
/// Units: ratios from 0 to 1, each decided for every datagram on its own. Times from 0 to 24 hours.
struct NetworkConditions {
  Duration delay{};       ///< one way
  Duration jitter{};      ///< at most this much later, evenly spread, anew for each packet
  double loss_ratio = 0;  ///< never arrive
  double flip_ratio = 0;  ///< have a bit changed: like a real transport's, a checksum drops them
  double duplicate_ratio = 0;  ///< arrive twice; the second copy has a jitter of its own
  double reorder_ratio = 0;    ///< held back by `reorder_delay`, so that later ones overtake
  Duration reorder_delay = std::chrono::milliseconds(10);
  /// Packets leave one after the other at this rate, for each link and direction; their own bytes
  /// count, without headers. Above 0. Nothing: no limit.
  std::optional<std::uint64_t> bandwidth_bytes_per_second{};
  /// With a bandwidth: a datagram that would have to wait longer for its turn is dropped.
  Duration max_queue_delay = std::chrono::milliseconds(250);
};

/// One direction of every link: which end sends.
enum class NetworkDirection : std::uint8_t {
  from_dialler,  ///< from the host that called `connect`
  to_dialler,    ///< from the host that called `listen`
};

/// What has become of the packets of a `MemoryNetwork`.
///
/// Shape: `packets_sent + datagrams_duplicated` is the sum of `packets_delivered`,
///        `packets_in_flight`, `packets_abandoned`, `datagrams_lost`, `datagrams_spoilt`,
///        `datagrams_queue_full` and `datagrams_cut`.
struct NetworkStats {
  std::uint64_t packets_sent = 0;  ///< handed to the network, all kinds
  std::uint64_t bytes_sent = 0;
  std::uint64_t packets_delivered = 0;
  std::uint64_t bytes_delivered = 0;
  std::uint64_t packets_delayed = 0;       ///< given an arrival later than their sending
  std::uint64_t packets_abandoned = 0;     ///< the link ended before they arrived
  std::uint64_t datagrams_lost = 0;        ///< by `loss_ratio`
  std::uint64_t datagrams_spoilt = 0;      ///< by `flip_ratio`
  std::uint64_t datagrams_duplicated = 0;  ///< by `duplicate_ratio`
  std::uint64_t datagrams_reordered = 0;   ///< held back by `reorder_ratio`
  std::uint64_t datagrams_queue_full = 0;  ///< dropped by `max_queue_delay`
  std::uint64_t datagrams_cut = 0;         ///< dropped by `drop_everything`
  std::uint64_t links_severed = 0;         ///< by `sever_all`
  std::size_t packets_in_flight = 0;
  std::size_t open_links = 0;  ///< of which an end still lives, calls that wait for an answer too
};

/// A network inside this process, for tests: what one host sends to a `memory://` address reaches
/// another host with the same network, as late and as damaged as the conditions say. Give it to the
/// hosts by `HostConfig::memory_network`; hosts with different networks do not see each other.
///
/// Equal seeds make equal decisions, with every compiler, as long as the program does the same on
/// each link in the same order. Times are those of the receiving host's clock, so that under one
/// `ManualClock` and in one thread a whole run repeats itself.
///
/// Lifetime: hosts keep what they need of it alive; it may be destroyed before them.
/// Thread:   any. Each host may run on a thread of its own.
class TICKWIRE_API MemoryNetwork {
 public:
  /// Errors: throws `std::invalid_argument` that names the field for conditions out of range, as do
  ///         `set_conditions`, `drop_everything` and `stall`; nothing has changed then.
  explicit MemoryNetwork(std::uint64_t seed = 1, const NetworkConditions& conditions = {});
  ~MemoryNetwork();
  MemoryNetwork(const MemoryNetwork&) = delete;
  MemoryNetwork& operator=(const MemoryNetwork&) = delete;

  /// For what is sent from now on, in both directions or in one.
  void set_conditions(const NetworkConditions& conditions);
  void set_conditions(NetworkDirection direction, const NetworkConditions& conditions);

  /// The cable is out for a while, by each host's own clock: datagrams sent or under way are lost,
  /// reliable packets, calls and goodbyes arrive when it is over. Of several, the one that ends
  /// last counts. It concerns the hosts that use the network at the time of the call.
  void drop_everything(Duration time);
  /// Nothing arrives for a while, by each host's own clock; what would have arrives when it is
  /// over, and nothing is lost by it. Of several, and of outages, the one that ends last counts.
  void stall(Duration time);
  /// Cuts every link: both ends learn `connection_reset`, what is under way is lost. Listeners
  /// stay, so that the hosts can connect again.
  void sever_all();

  [[nodiscard]] NetworkStats stats() const;

 private:
  friend class detail::MemoryCore;
  std::shared_ptr<detail::MemoryCore> core_;
};

}  // namespace tickwire
