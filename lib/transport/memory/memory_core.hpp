// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <tickwire/testing.hpp>

#include "lib/base/buffer.hpp"
#include "lib/transport/memory/wire_model.hpp"
#include "lib/transport/transport.hpp"

namespace tickwire::detail {

class MemoryLink;
struct Wire;

/// Bytes under way in one direction of a link from which on its sender should wait. A bandwidth
/// makes it less.
inline constexpr std::size_t kMemoryWindowBytes = 256 * 1024;

/// The two ends of a wire.
enum class Side : std::uint8_t { dialler, acceptor };

[[nodiscard]] constexpr Side other(Side side) noexcept {
  return side == Side::dialler ? Side::acceptor : Side::dialler;
}

/// Why an end hears that its wire is no more.
enum class EndReason : std::uint8_t {
  closed,   ///< the other end closed it
  gone,     ///< the other end was destroyed
  refused,  ///< turned away before it came up
  full,     ///< the listener takes no more
  no_one,   ///< nobody listens under the name
  severed,  ///< `MemoryNetwork::sever_all`
};

/// Something under way to one end of a wire.
struct InFlight {
  enum class Kind : std::uint8_t { call, answer, packet, end };

  TimePoint due{};
  std::uint64_t serial = 0;  // first come, first served among equal times
  std::shared_ptr<Wire> wire;
  BufferRef bytes;
  std::uint32_t size_bytes = 0;
  Side to = Side::dialler;
  Kind kind = Kind::packet;
  Lane lane = Lane::control;
  EndReason reason = EndReason::closed;
};

/// One host on the network. All but `wake` and `name` is guarded by the core's mutex.
struct Endpoint {
  const Clock* clock = nullptr;  // valid while present
  std::function<void()> wake;
  std::string name;
  bool present = true;
  bool woken = false;                       // and has not begun to serve since
  TimePoint outage_end = TimePoint::min();  // until then datagrams are lost
  TimePoint held_until = TimePoint::min();  // nothing arrives before
  std::vector<InFlight> inbox;              // a heap, the earliest first
};

/// One link of two hosts.
struct Wire {
  struct End {
    explicit End(std::uint64_t seed) noexcept : inbound(seed) {}

    std::shared_ptr<Endpoint> endpoint;
    bool open = false;  // what arrives here has a taker
    WireModel inbound;
    std::atomic<std::size_t> in_flight_bytes{0};  // towards this end; written under the mutex
    std::atomic<std::size_t> window_bytes{kMemoryWindowBytes};  // for them; the same
    MemoryLink* link = nullptr;  // for the thread of this end's host alone
  };

  Wire(std::uint64_t network_seed, std::uint64_t wire_id);
  [[nodiscard]] End& end(Side side) noexcept { return ends[static_cast<std::size_t>(side)]; }

  const std::uint64_t id;
  std::array<End, 2> ends;
  Address listen_address;
  std::size_t listener = 0;  // the acceptor's own number for the name that was called
  bool severed = false;      // both ends that were open will hear so before anything sent since
};

/// What all hosts on one memory network share.
///
/// Lifetime: held by the network, its transports and their links.
/// Thread:   any. Wakes hosts after it has let its mutex go, and calls nothing else of theirs but
///           their clock.
class MemoryCore {
 public:
  enum class Kind : std::uint8_t {
    plain,     ///< the process-wide one
    impaired,  ///< a `MemoryNetwork`, which may lose datagrams
  };

  MemoryCore(std::uint64_t seed, const NetworkConditions& conditions, Kind kind);

  [[nodiscard]] static const std::shared_ptr<MemoryCore>& process_wide();
  [[nodiscard]] static const std::shared_ptr<MemoryCore>& of(const MemoryNetwork& network);

  [[nodiscard]] Kind kind() const noexcept { return kind_; }

  // A host comes and goes.
  [[nodiscard]] std::shared_ptr<Endpoint> join(const Clock* clock, std::function<void()> wake);
  void leave(Endpoint& endpoint);

  // Names. Answers whether the name was free.
  [[nodiscard]] bool listen(const std::shared_ptr<Endpoint>& endpoint, const std::string& name,
                            std::size_t listener);
  void stop_listening(const Endpoint& endpoint);

  // Wires. The caller is the host of the end that is named.
  [[nodiscard]] std::shared_ptr<Wire> dial(const std::shared_ptr<Endpoint>& endpoint,
                                           const std::vector<Address>& candidates);
  void answer(const std::shared_ptr<Wire>& wire);
  void send(const std::shared_ptr<Wire>& wire, Side from, BufferRef bytes, std::size_t size_bytes,
            Lane lane, std::uint8_t channel);
  /// This end is over, and the other end hears why: after all that was sent for `closed`, at once
  /// otherwise.
  void end(const std::shared_ptr<Wire>& wire, Side from, EndReason reason);

  // Serving. A pass takes what had been sent before it began.
  [[nodiscard]] std::uint64_t begin_service(Endpoint& endpoint);
  [[nodiscard]] std::optional<InFlight> take(Endpoint& endpoint, TimePoint now,
                                             std::uint64_t before_serial);
  [[nodiscard]] std::optional<TimePoint> next_due(const Endpoint& endpoint) const;

  // The public face's part.
  void set_conditions(NetworkDirection direction, const Odds& odds);
  void drop_everything(Duration time);
  void stall(Duration time);
  void sever_all();
  [[nodiscard]] NetworkStats stats() const;

 private:
  struct Listener {
    std::shared_ptr<Endpoint> endpoint;
    std::size_t listener;
  };
  using Sleeper = std::shared_ptr<Endpoint>;  // to be woken once the mutex is free; or nobody

  static void wake(const Sleeper& sleeper);
  [[nodiscard]] const Odds& odds_to(Side side) const noexcept {
    return odds_[static_cast<std::size_t>(side)];
  }
  [[nodiscard]] Sleeper push(InFlight arrival, const Endpoint* caller);
  [[nodiscard]] Sleeper disturb(const std::shared_ptr<Endpoint>& endpoint, const Endpoint* caller);
  [[nodiscard]] Sleeper carry(const std::shared_ptr<Wire>& wire, Side from, InFlight packet,
                              std::uint8_t channel);
  [[nodiscard]] Sleeper carry_datagram(Wire::End& to, InFlight packet, TimePoint now,
                                       const Endpoint* caller);
  [[nodiscard]] bool admit(const InFlight& arrival, Sleeper& sleeper);
  void cut_datagrams(Endpoint& endpoint, TimePoint now);
  void count_dropped(DatagramFate::Outcome outcome);
  static void hold(Endpoint& endpoint, TimePoint now, TimePoint until);
  void hold_wires();
  void erase_names(const Endpoint& endpoint);
  void retire(const Wire& wire);

  const Kind kind_;
  const std::uint64_t seed_;
  mutable std::mutex mutex_;
  std::array<Odds, 2> odds_;  // by the side that receives
  std::uint64_t next_serial_ = 0;
  std::uint64_t next_wire_ = 1;
  std::uint64_t next_endpoint_ = 1;
  std::map<std::string, Listener> listeners_;
  std::map<std::uint64_t, std::shared_ptr<Wire>> wires_;  // with an open end, oldest first
  std::vector<std::shared_ptr<Endpoint>> endpoints_;
  NetworkStats stats_;
};

}  // namespace tickwire::detail
