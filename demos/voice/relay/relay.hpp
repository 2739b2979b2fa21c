// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <tickwire/host.hpp>

#include "demos/shared/allowance.hpp"

namespace voice {

struct JoinRoom;

struct RelayConfig {
  std::size_t max_clients = 1000;
  /// A family, or a few friends behind one router; a school needs more.
  std::size_t max_clients_per_address = 32;
  std::size_t max_room_members = 64;  ///< at most `most_room_members`
  /// Speech packets that a client may send in a second; what is above is dropped and counted.
  std::uint32_t max_speech_hz = 100;
  /// Joins of a client in a second, of which some may come at once; who makes more is sent away.
  std::uint32_t max_joins_hz = 2;
  std::uint32_t max_joins_at_once = 5;
  /// Who is in no room for so long is sent away.
  tickwire::Duration time_to_join = std::chrono::seconds(10);
  /// Told who comes and goes, a line each. Nothing: nobody wants to know.
  std::function<void(const std::string&)> news{};
  /// Clock, memory network and log are taken over; what the protocol fixes is not.
  tickwire::HostConfig host{};
};

struct RelayCounters {
  std::uint64_t speech_received = 0;
  std::uint64_t speech_forwarded = 0;  ///< once for each listener
  std::uint64_t speech_refused = 0;    ///< too many, not in a room, or in another's name
  std::uint64_t joins_refused = 0;
  std::uint64_t joins_ignored = 0;  ///< into the room where the client was
  std::uint64_t loiterers = 0;      ///< sent away because they joined no room
};

/// Passes what each member of a room says on to all others there. It decodes and encodes no sound:
/// a packet's payload goes from the datagram that it came in straight into those that leave.
class Relay {
 public:
  explicit Relay(RelayConfig config);

  /// See `tickwire::Host::listen`.
  tickwire::Result<tickwire::Address> listen(const std::string& url);
  /// Handles what has arrived, after sleeping for up to `timeout` while there is nothing.
  void run_for(tickwire::Duration timeout);
  /// Says goodbye to everybody; a few more `run_for` let it arrive, until nobody is here.
  void close();
  [[nodiscard]] bool is_anybody_here() const noexcept { return callers_ > 0; }

  /// Why it listens no longer at one of its addresses; nothing while all is well.
  [[nodiscard]] const std::optional<tickwire::Error>& failure() const noexcept { return failure_; }
  [[nodiscard]] tickwire::Host& host() noexcept { return host_; }
  [[nodiscard]] const RelayCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] std::size_t rooms() const noexcept { return rooms_.size(); }

 private:
  struct Room {
    std::vector<tickwire::Connection> members;
    std::uint16_t last_talker = 0;
  };
  /// What the relay keeps with each connection.
  struct Client {
    std::string name;
    std::string room;  // empty: in none
    std::uint16_t talker = 0;
    std::uint64_t seat = 0;  // see `JoinRoom`
    demo::Allowance speech;
    demo::Allowance joins;
  };
  struct Newcomer {
    tickwire::Connection connection;
    tickwire::TimePoint came_at;
  };

  void handle(const tickwire::Event& event);
  void welcome(tickwire::Connection connection);
  void join(tickwire::Connection connection, const JoinRoom& request);
  [[nodiscard]] std::string objection(const Client& client, const JoinRoom& request);
  [[nodiscard]] bool seat(tickwire::Connection connection, const JoinRoom& request);
  [[nodiscard]] bool is_free(const std::string& name, const JoinRoom& request);
  void leave(tickwire::Connection connection);
  void pass_on(const tickwire::Event& event);
  void refuse(tickwire::Connection connection, const std::string& reason);
  void send_loiterers_away();
  void tell(tickwire::Connection connection, const std::string& what) const;
  [[nodiscard]] std::uint16_t free_talker(Room& room) const;
  [[nodiscard]] std::vector<tickwire::Connection>& others(const Room& room,
                                                          tickwire::Connection one);

  RelayConfig config_;
  tickwire::Host host_;
  std::map<std::string, Room, std::less<>> rooms_;
  std::deque<Newcomer> newcomers_;            // oldest first
  std::size_t callers_ = 0;                   // that came up and are not gone
  std::vector<tickwire::Connection> others_;  // reused
  std::optional<tickwire::Error> failure_;
  RelayCounters counters_;
};

}  // namespace voice
