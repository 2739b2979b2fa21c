// SPDX-License-Identifier: MIT
#pragma once

#include <netinet/in.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <optional>
#include <string>
#include <vector>

#include "test/support/udp_proxy.hpp"

namespace tickwire::test {

/// What a `TcpProxy` does to one direction of each connection. As initialised: nothing.
struct TcpImpairment {
  using Time = std::chrono::nanoseconds;

  Time delay{};
  /// Above 0. Nothing: no limit.
  std::optional<std::uint64_t> bytes_per_second{};
  /// Read and not yet passed on, for each connection. When it is full the sender has to wait: with
  /// a delay no more than this passes in that time. At least 1.
  std::size_t max_waiting_bytes = 256 * 1024;
  /// Above 0. Passed on by one `service` for each connection, in one write: whoever reads between
  /// two of them finds no more. Nothing: all that is due.
  std::optional<std::size_t> max_write_bytes{};
};

/// Stands between TCP clients and a server; holds up, stalls, cuts and resets what is between them.
/// An end that comes from one side reaches the other behind the bytes before it; a reset at once.
///
/// Thread: one. It has no thread and no clock: whoever owns it calls `service`.
class TcpProxy {
 public:
  using Time = std::chrono::nanoseconds;

  /// `finish`: both ends read to the end and then nothing (FIN). `reset`: both ends are told that
  /// the connection is gone (RST), and lose what they have not read.
  enum class Cut : std::uint8_t { finish, reset };

  struct Counters {
    std::uint64_t connections = 0;  ///< accepted so far
    std::uint64_t cut = 0;          ///< of them, ended by this proxy
    std::array<std::uint64_t, 2> passed_bytes{};
  };

  /// Both throw `std::runtime_error`: the system's words, or a field out of range.
  TcpProxy(const sockaddr_in& listen, const sockaddr_in& to, const TcpImpairment& both_ways = {});
  void set(ProxyDirection direction, const TcpImpairment& impairment);

  /// Nothing passes before `until`, which may be `Time::max()`.
  void stall(ProxyDirection direction, Time until) { way(direction).stalled_until = until; }
  /// Of each connection no more than so many bytes pass, counted from its beginning.
  void stall_at(ProxyDirection direction, std::uint64_t bytes) { way(direction).stall_at = bytes; }
  /// Ends both kinds of stall.
  void resume(ProxyDirection direction);
  /// Changes one bit of the byte that arrives as number `index`, from 0, on each connection.
  void flip_at(ProxyDirection direction, std::uint64_t index) { way(direction).flip_at = index; }

  /// Ends every connection that there is: now, or as soon as so many of its bytes have passed, or
  /// at a time. What waits in the proxy is lost. New ones may come.
  void cut(Cut how);
  void cut_at(ProxyDirection direction, std::uint64_t bytes, Cut how) {
    way(direction).cut_at = ByteCut{bytes, how};
  }
  void cut_at(Time when, Cut how) { timed_cut_ = TimedCut{when, how}; }

  [[nodiscard]] sockaddr_in local() const;
  /// Takes in who has come and what has arrived, and passes on what is due. `now` is any time that
  /// does not go back.
  void service(Time now);
  /// When something is due of itself.
  [[nodiscard]] std::optional<Time> next_due() const;
  /// The sockets to wait for.
  [[nodiscard]] std::vector<int> handles() const;

  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }
  [[nodiscard]] std::uint64_t passed_bytes(ProxyDirection direction) const noexcept {
    return counters_.passed_bytes[static_cast<std::size_t>(direction)];
  }
  /// Read from the sender and not yet passed on, over all connections.
  [[nodiscard]] std::size_t waiting_bytes(ProxyDirection direction) const noexcept;
  /// Those that neither side has ended.
  [[nodiscard]] std::size_t open_connections() const noexcept { return links_.size(); }

 private:
  // Closes itself.
  class Socket {
   public:
    explicit Socket(int handle) noexcept : handle_(handle) {}
    Socket(Socket&& other) noexcept;
    Socket& operator=(Socket&&) = delete;
    ~Socket();
    [[nodiscard]] int handle() const noexcept { return handle_; }
    void reset() noexcept;

   private:
    int handle_;
  };
  struct Piece {
    Time due{};
    std::size_t bytes = 0;
  };
  // What is under way in one direction of one connection.
  struct Flow {
    std::string waiting;
    std::deque<Piece> pieces;  // of it, in order
    Time free_at{};
    std::uint64_t passed = 0;
    bool has_ended = false;  // its sender says no more
    bool told = false;       // so does this proxy
  };
  struct Link {
    Socket client;
    Socket server;
    std::array<Flow, 2> flows;
    bool cut_off = false;  // finished by this proxy: only reads on, for its ends to end
  };
  struct ByteCut {
    std::uint64_t bytes = 0;
    Cut how{};
  };
  struct TimedCut {
    Time when{};
    Cut how{};
  };
  // One direction of all connections.
  struct Way {
    TcpImpairment impairment;
    Time stalled_until = Time::min();
    std::optional<std::uint64_t> stall_at;
    std::optional<std::uint64_t> flip_at;
    std::optional<ByteCut> cut_at;
  };
  enum class State : std::uint8_t { open, over };

  [[nodiscard]] Way& way(ProxyDirection direction) {
    return ways_[static_cast<std::size_t>(direction)];
  }
  void accept();
  [[nodiscard]] State service(Link& link, Time now);
  [[nodiscard]] State move(Link& link, std::size_t direction, Time now);
  [[nodiscard]] State read(Link& link, std::size_t direction, Time now);
  [[nodiscard]] State write(Link& link, std::size_t direction, Time now);
  [[nodiscard]] State cut(Link& link, Cut how);

  Socket front_;
  sockaddr_in server_;
  std::array<Way, 2> ways_;
  std::list<Link> links_;
  std::optional<TimedCut> timed_cut_;
  Counters counters_;
  std::vector<char> buffer_;
};

}  // namespace tickwire::test
