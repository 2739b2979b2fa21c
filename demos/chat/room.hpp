// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include <tickwire/accounts.hpp>
#include <tickwire/host.hpp>

#include "demos/chat/messages.hpp"

namespace chat {

/// One room: tells everybody who is logged in what each of them says.
///
/// Lifetime: host and accounts outlive it.
class Room {
 public:
  Room(tickwire::Host& host, const tickwire::Accounts& accounts) noexcept
      : host_(host), accounts_(accounts) {}

  void take(const tickwire::Event& event);
  /// Sends those away who came and did not log in.
  void send_loiterers_away();

 private:
  using Clock = std::chrono::steady_clock;
  struct Guest {
    std::string name;  ///< empty: not logged in yet
    Clock::time_point came_at;
    double lines_left = 0;  ///< that may be said at once
    Clock::time_point said_at;
  };

  void welcome(tickwire::Connection connection);
  void hear(tickwire::Connection connection, const Say& say);
  void say_goodbye(tickwire::Connection connection);
  [[nodiscard]] bool may_speak(Guest& guest) const;
  [[nodiscard]] std::vector<tickwire::Connection> listeners() const;

  tickwire::Host& host_;
  const tickwire::Accounts& accounts_;
  std::unordered_map<tickwire::Connection, Guest> guests_;
  std::deque<Line> last_lines_;
};

}  // namespace chat
