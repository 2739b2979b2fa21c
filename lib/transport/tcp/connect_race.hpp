// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include <tickwire/address.hpp>
#include <tickwire/clock.hpp>
#include <tickwire/error.hpp>

#include "lib/platform/stream_socket.hpp"

namespace tickwire::detail {

/// Calls one host at all of its addresses: IPv6 and IPv4 in turn, the next one as soon as the last
/// has failed or has not answered for a quarter of a second. The first that answers wins.
///
/// Source: RFC 8305, "Happy Eyeballs Version 2".
class ConnectRace {
 public:
  struct Winner {
    StreamSocket socket;
    Address address;
  };

  /// `target` hears when a `step` is worth while.
  ConnectRace(Poller& poller, PollTarget& target, std::vector<Address> candidates);

  /// Goes on. Nothing: not decided yet. An error: of the call that says most, once all have failed.
  [[nodiscard]] std::optional<Result<Winner>> step(TimePoint now);
  /// When the next address gets its turn.
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;

 private:
  struct Attempt final : PollTarget {
    Attempt(PollTarget& forwards_to, StreamSocket connecting, Address called)
        : target(forwards_to), socket(std::move(connecting)), address(std::move(called)) {}
    void on_ready(Edge edge) noexcept override {
      is_ready = true;
      target.on_ready(edge);
    }

    PollTarget& target;
    StreamSocket socket;
    Address address;
    Watch watch;  // ends before the socket
    bool is_ready = false;
  };

  void begin_next(TimePoint now);
  void note(Error error);

  Poller& poller_;
  PollTarget& target_;
  std::vector<Address> candidates_;
  std::size_t next_ = 0;
  TimePoint next_at_{};
  std::vector<std::unique_ptr<Attempt>> attempts_;
  Error error_;
};

}  // namespace tickwire::detail
