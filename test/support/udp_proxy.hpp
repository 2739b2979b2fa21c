// SPDX-License-Identifier: MIT
#pragma once

#include <netinet/in.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace tickwire::test {

enum class ProxyDirection : std::uint8_t { to_server, to_clients };

/// A UDP socket over IPv4 that never blocks.
///
/// Errors: its constructor throws `std::runtime_error` with the system's words.
class UdpSocket {
 public:
  /// Bound to `address`; port 0 is a free one.
  explicit UdpSocket(const sockaddr_in& address);
  ~UdpSocket();
  UdpSocket(const UdpSocket&) = delete;
  UdpSocket& operator=(const UdpSocket&) = delete;

  [[nodiscard]] int handle() const noexcept { return handle_; }
  [[nodiscard]] sockaddr_in local() const;
  /// False when the system did not take it.
  bool send(std::span<const std::byte> datagram, const sockaddr_in& to) const;
  /// The next datagram that has arrived, with its sender; false when there is none.
  [[nodiscard]] bool receive(std::vector<std::byte>& datagram, sockaddr_in& from) const;

 private:
  int handle_;
};

/// Reads "127.0.0.1:7777" or "localhost:7777". Throws `std::runtime_error` that names the text.
[[nodiscard]] sockaddr_in parse_udp_address(const std::string& text);
[[nodiscard]] std::string to_text(const sockaddr_in& address);

/// What a `UdpProxy` does to each datagram of one direction. As initialised: nothing, but that
/// those are lost which are too large for Ethernet.
///
/// Units: ratios from 0 to 1, each decided for every datagram on its own; bytes are those of the
///        datagrams, without headers.
struct UdpImpairment {
  using Time = std::chrono::nanoseconds;

  double loss_ratio = 0;
  double duplicate_ratio = 0;  ///< arrive twice; the second copy has a jitter of its own
  double reorder_ratio = 0;    ///< held back by `reorder_delay`, so that later ones overtake
  Time delay{};
  Time jitter{};  ///< at most this much later, evenly spread
  Time reorder_delay = std::chrono::milliseconds(10);
  double flip_ratio = 0;  ///< arrive with one bit changed
  /// They leave one after the other at this rate. Above 0. Nothing: no limit.
  std::optional<std::uint64_t> bytes_per_second{};
  std::size_t max_datagram_bytes = 1472;  ///< larger ones are lost, as by a router that may not cut
  std::size_t max_queue_bytes = 256 * 1024;  ///< may wait for the rate or a stall; more are dropped
};

/// Stands between UDP clients and a server, and damages what they say to each other. Equal seeds
/// make equal decisions for equal traffic, in each direction on its own. Each client gets an
/// upstream socket of its own, so that the server can tell them apart.
///
/// Thread: one. It has no thread and no clock: whoever owns it calls `service`.
class UdpProxy {
 public:
  using Time = std::chrono::nanoseconds;

  /// Shape: `received + duplicated` is the sum of `forwarded`, `lost`, `too_large`, `queue_full`,
  ///        `failed` and what is still held.
  struct Counters {
    std::uint64_t received = 0;
    std::uint64_t forwarded = 0;   ///< copies included
    std::uint64_t lost = 0;        ///< on purpose
    std::uint64_t too_large = 0;   ///< for `max_datagram_bytes`
    std::uint64_t queue_full = 0;  ///< dropped by `max_queue_bytes`
    std::uint64_t duplicated = 0;
    std::uint64_t reordered = 0;
    std::uint64_t flipped = 0;
    std::uint64_t failed = 0;  ///< the system did not take them
    Time transit{};            ///< of all that were forwarded together, from arrival to departure
  };

  /// Throws `std::runtime_error` for a ratio that is none, a rate of 0 or a time below 0, as does
  /// `set`.
  UdpProxy(const sockaddr_in& listen, const sockaddr_in& to, const UdpImpairment& both_ways,
           std::uint64_t seed);
  ~UdpProxy();

  /// For what arrives from now on.
  void set(ProxyDirection direction, const UdpImpairment& impairment);
  /// Nothing leaves before `until`, what was to leave meanwhile leaves then. Of several stalls the
  /// one that ends last counts.
  void stall(ProxyDirection direction, Time until);

  [[nodiscard]] sockaddr_in local() const { return front_.local(); }
  /// Reads what has arrived and sends on what is due. `now` is any time that does not go back.
  void service(Time now);
  /// When the next held datagram is due.
  [[nodiscard]] std::optional<Time> next_due() const;
  /// The sockets to wait for.
  [[nodiscard]] std::vector<int> handles() const;

  [[nodiscard]] const Counters& to_server() const noexcept { return lines_[0].counters; }
  [[nodiscard]] const Counters& to_clients() const noexcept { return lines_[1].counters; }

 private:
  struct Client {
    sockaddr_in address;
    std::unique_ptr<UdpSocket> upstream;
  };
  struct Held {
    Client* client = nullptr;
    Time arrived{};
    std::vector<std::byte> datagram;
  };
  struct Queued {
    Time departs{};
    std::size_t bytes = 0;
  };
  // One direction.
  struct Line {
    UdpImpairment impairment;
    std::mt19937_64 random;
    std::multimap<Time, Held> held;  // by the time they are due
    std::deque<Queued> queue;        // of them, those that wait for the rate or a stall
    std::size_t queued_bytes = 0;
    Time free_at{};
    Time stalled_until{};
    Counters counters;
  };

  [[nodiscard]] Line& line(ProxyDirection direction) {
    return lines_[static_cast<std::size_t>(direction)];
  }
  [[nodiscard]] Client& client(const sockaddr_in& address);
  void take(Client& from, Line& line, Time now);
  [[nodiscard]] static std::optional<Time> queue(Line& line, std::size_t bytes, Time now);
  void release(ProxyDirection direction, Time now);

  UdpSocket front_;
  sockaddr_in server_;
  std::map<std::uint64_t, Client> clients_;  // by address and port
  std::array<Line, 2> lines_;
  std::vector<std::byte> buffer_;
};

}  // namespace tickwire::test
