// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <tickwire/host.hpp>

#include "demos/arena/input_queue.hpp"
#include "demos/arena/messages.hpp"
#include "demos/arena/world.hpp"
#include "demos/shared/allowance.hpp"

namespace arena {

struct ServerConfig {
  std::size_t max_players = arena::max_players;  ///< at most so many
  /// Input packets that a client may send in a second; what is above is dropped and counted.
  std::uint32_t max_packets_hz = 90;
  /// How long the place of a player who was lost is kept.
  tickwire::Duration place_kept = std::chrono::seconds(10);
  /// Who has not asked for a place by then is sent away.
  tickwire::Duration time_to_join = std::chrono::seconds(5);
  /// Told who comes and goes, a line each. Nothing: nobody wants to know.
  std::function<void(const std::string&)> news{};
  /// Clock, memory network and log are taken over; what the protocol fixes is not.
  tickwire::HostConfig host{};
};

struct ServerCounters {
  InputQueue::Counters inputs;
  std::uint64_t packets_malformed = 0;
  std::uint64_t packets_too_many = 0;
  std::uint64_t joins_refused = 0;
  std::uint64_t joins_resumed = 0;  ///< by players who got their place back
};

/// The one world that counts. It takes keys from its clients, and nothing else; where a player is,
/// it finds out by itself.
class Server {
 public:
  explicit Server(ServerConfig config);

  /// See `tickwire::Host::listen`.
  tickwire::Result<tickwire::Address> listen(const std::string& url);
  /// Handles what has arrived and runs the ticks that are due, after sleeping for up to `timeout`
  /// while there is nothing.
  void run_for(tickwire::Duration timeout);
  /// Says goodbye to everybody; a few more `run_for` let it arrive, until nobody is here.
  void close();
  [[nodiscard]] bool is_anybody_here() const noexcept { return !callers_.empty(); }

  /// Why it listens no longer; nothing while all is well.
  [[nodiscard]] const std::optional<tickwire::Error>& failure() const noexcept { return failure_; }
  [[nodiscard]] const World& world() const noexcept { return world_; }
  [[nodiscard]] ServerCounters counters() const;

 private:
  /// A player's place in the game, also while its connection is lost.
  struct Place {
    Member member{};
    std::uint64_t seat = 0;
    tickwire::Connection connection{};
    std::optional<tickwire::TimePoint> lost_at{};
    InputQueue inputs{};
    demo::Allowance packets{};
  };
  struct Caller {
    tickwire::Connection connection;
    tickwire::TimePoint came_at;
  };

  void handle(const tickwire::Event& event);
  void take_inputs(const tickwire::Event& event);
  void join(tickwire::Connection connection, const Join& request);
  [[nodiscard]] std::string objection(const std::string& name) const;
  void add_place(tickwire::Connection connection, std::uint64_t seat);
  void welcome(Place& place, tickwire::Connection connection);
  void lose(tickwire::Connection connection, const tickwire::Error& error);
  void remove_place(PlayerId id);
  void tick();
  void tell_outcome(const Outcome& outcome);
  void send_loiterers_away();
  void fill(Snapshot& snapshot) const;
  [[nodiscard]] Place* place_of(tickwire::Connection connection) noexcept;
  [[nodiscard]] Place* place_of(PlayerId id) noexcept;
  [[nodiscard]] PlayerId free_id();
  void tell(const std::string& line) const;

  ServerConfig config_;
  tickwire::Host host_;
  World world_;
  std::vector<Place> places_;
  std::vector<Caller> callers_;  // every connection that is up or closing
  PlayerId last_id_ = 0;
  std::optional<tickwire::Error> failure_;
  ServerCounters counters_;
  Inputs incoming_;  // reused, as the next two
  std::vector<PlayerInput> due_;
  Snapshot outgoing_;
};

}  // namespace arena
