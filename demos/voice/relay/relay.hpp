// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <tickwire/host.hpp>

namespace voice {

struct RelayConfig {
  std::size_t max_clients = 1000;
  std::size_t max_room_members = 64;
  /// Speech packets that a client may send in a second; what is above is dropped and counted.
  std::uint32_t max_speech_hz = 100;
  /// Clock, memory network and log are taken over; what the protocol fixes is not.
  tickwire::HostConfig host{};
};

struct RelayCounters {
  std::uint64_t speech_received = 0;
  std::uint64_t speech_forwarded = 0;  ///< once for each listener
  std::uint64_t speech_refused = 0;    ///< too many, not in a room, or in another's name
  std::uint64_t joins_refused = 0;
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
  /// Says goodbye to everybody; a few more `run_for` let it arrive.
  void close();

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
    std::string room;  // empty: in none
    std::uint16_t talker = 0;
    std::uint32_t speech_credit = 0;
    tickwire::TimePoint credit_at{};
  };

  void handle(const tickwire::Event& event);
  void join(tickwire::Connection connection, const std::string& room);
  void leave(tickwire::Connection connection);
  void pass_on(const tickwire::Event& event);
  [[nodiscard]] bool may_speak(Client& client);
  void refuse(tickwire::Connection connection, const std::string& reason);
  [[nodiscard]] std::uint16_t free_talker(Room& room) const;
  [[nodiscard]] std::vector<tickwire::Connection>& others(const Room& room,
                                                          tickwire::Connection one);

  RelayConfig config_;
  tickwire::Host host_;
  std::map<std::string, Room, std::less<>> rooms_;
  std::vector<tickwire::Connection> others_;  // reused
  RelayCounters counters_;
};

}  // namespace voice
