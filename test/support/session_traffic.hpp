// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lib/session/message_session.hpp"
#include "test/support/counting_resource.hpp"
#include "test/support/session_plan.hpp"

namespace tickwire::test {

/// Chance with the same outcome on every machine: only the engine is used, whose numbers the
/// standard fixes, and none of the distributions, whose numbers it does not.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  /// 0 to `count - 1`.
  [[nodiscard]] std::size_t below(std::size_t count) {
    return static_cast<std::size_t>(engine_() % count);
  }
  [[nodiscard]] bool one_in(std::size_t count) { return below(count) == 0; }
  [[nodiscard]] std::size_t between(std::size_t low, std::size_t high) {
    return low + below(high - low + 1);
  }

 private:
  std::mt19937_64 engine_;
};

/// What the wire between two sessions does to datagrams, and how late packets are.
struct WireHabits {
  std::size_t loss_percent = 0;
  std::size_t duplicate_percent = 0;
  Duration max_delay{};
  bool is_cut = false;  ///< nothing arrives any more, of any lane
};

/// One session with memory that is counted, and a record of all that it sent and told. Every event
/// is checked against the promises as it comes; the first breach is kept in `breach`.
class TrafficEnd final : public detail::PacketSink {
 public:
  TrafficEnd(SessionPlan settings, TimePoint now, std::string name);
  ~TrafficEnd() override;

  // -- PacketSink
  [[nodiscard]] std::size_t capacity_bytes(detail::Lane) const noexcept override {
    return capacity;
  }
  void send(detail::Packet packet, detail::Lane lane, std::uint8_t channel) override;

  /// Queues a numbered message.
  void say(Delivery delivery, std::uint8_t channel, std::size_t size_bytes, TimePoint now);
  /// Takes up to `count` events.
  void take_events(TimePoint now, std::size_t count);
  void receive(std::vector<std::byte> bytes, TimePoint now);

  /// What must hold at the end: every message has its receipt, everything is given back.
  void check_settled();
  void expect(bool holds, const std::string& promise);

  struct Flying {
    std::vector<std::byte> bytes;
    detail::Lane lane;
    std::uint8_t channel;
  };
  struct Said {
    MessageId id = 0;
    std::string text;
  };
  using Stream = std::pair<Delivery, std::uint8_t>;  // and its channel

  CountingResource memory;
  std::optional<detail::PoolOwner> pool;
  std::optional<detail::ReassemblyBudget> budget;
  std::optional<detail::MessageSession> session;
  std::size_t capacity = 1 << 20;
  std::deque<Flying> outgoing;
  std::string breach;

  std::map<Stream, std::vector<Said>> said;
  std::map<MessageId, Receipt> receipts;
  std::map<std::uint8_t, std::vector<std::string>> heard_reliable;  // by channel
  std::map<Stream, std::vector<std::string>> heard_lossy;
  std::size_t connected = 0;
  std::size_t ended = 0;  // `disconnected` or `error`
  Error end;

 private:
  void hear(const Event& event, const detail::Held& held);

  std::string name_;
  std::size_t host_limit_bytes_;
  MessageId last_id_ = 0;
};

/// Two sessions, and a wire between them that keeps what a transport promises and nothing more:
/// control in order, every channel in order, datagrams as they like.
class SessionTraffic {
 public:
  SessionTraffic(const SessionPlan& dialled, const SessionPlan& accepted, std::uint64_t seed);

  /// Flushes both, moves what is due, runs their clocks. `events` are taken on each end.
  void step(Duration by, std::size_t events);
  /// Steps until both have come up or one has given up.
  void connect();
  /// Lets go of everything and says whether the memory came back.
  void finish();
  /// The first promise that was broken, or nothing.
  [[nodiscard]] std::string breach() const;
  /// What each end heard is what the other said.
  void compare();

  [[nodiscard]] TrafficEnd& end(std::size_t index) { return index == 0 ? dialler : acceptor; }

  TimePoint now{std::chrono::hours(1)};
  Dice dice;
  WireHabits habits;
  TrafficEnd dialler;
  TrafficEnd acceptor;

 private:
  struct Arrival {
    TimePoint due;
    std::vector<std::byte> bytes;
  };
  using Line = std::pair<detail::Lane, std::uint8_t>;
  struct Wire {
    std::map<Line, std::deque<Arrival>> lines;  // in order each
    std::vector<Arrival> datagrams;
  };

  void carry(TrafficEnd& from, Wire& wire);
  void deliver(Wire& wire, TrafficEnd& to);
  void compare(TrafficEnd& from, TrafficEnd& to);

  std::array<Wire, 2> wires_;
};

}  // namespace tickwire::test
