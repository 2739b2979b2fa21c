// SPDX-License-Identifier: MIT
#pragma once

#include <netinet/in.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace tickwire::test {

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

/// What a `UdpProxy` does to each datagram, in both directions alike.
struct UdpImpairment {
  using Time = std::chrono::nanoseconds;

  double loss_ratio = 0;
  double duplicate_ratio = 0;  ///< arrive twice
  double reorder_ratio = 0;    ///< held back by 10 ms more, so that later ones overtake
  Time delay{};
  Time jitter{};  ///< at most this much later, evenly spread
};

/// Stands between UDP clients and a server, and loses, delays, doubles and reorders what they say.
/// Equal seeds make equal decisions for equal traffic. Each client gets an upstream socket of its
/// own, so that the server can tell them apart.
///
/// Thread: one. It has no thread and no clock: whoever owns it calls `service`.
class UdpProxy {
 public:
  using Time = std::chrono::nanoseconds;

  struct Counters {
    std::uint64_t received = 0;
    std::uint64_t forwarded = 0;  ///< copies included
    std::uint64_t lost = 0;       ///< on purpose
    std::uint64_t duplicated = 0;
    std::uint64_t reordered = 0;
    std::uint64_t failed = 0;  ///< the system did not take them
  };

  UdpProxy(const sockaddr_in& listen, const sockaddr_in& to, const UdpImpairment& impairment,
           std::uint64_t seed);
  ~UdpProxy();

  [[nodiscard]] sockaddr_in local() const { return front_.local(); }
  /// Reads what has arrived and sends on what is due. `now` is any time that does not go back.
  void service(Time now);
  /// When the next held datagram is due.
  [[nodiscard]] std::optional<Time> next_due() const;
  /// The sockets to wait for.
  [[nodiscard]] std::vector<int> handles() const;

  [[nodiscard]] const Counters& to_server() const noexcept { return counters_[0]; }
  [[nodiscard]] const Counters& to_clients() const noexcept { return counters_[1]; }

 private:
  struct Client {
    sockaddr_in address;
    std::unique_ptr<UdpSocket> upstream;
  };
  struct Held {
    Client* client = nullptr;
    bool is_to_server = true;
    std::vector<std::byte> datagram;
  };

  [[nodiscard]] Client& client(const sockaddr_in& address);
  [[nodiscard]] bool hits(double ratio);
  void take(Client& from, bool is_to_server, Time now);
  void release(const Held& held);

  UdpSocket front_;
  sockaddr_in server_;
  UdpImpairment impairment_;
  std::mt19937_64 random_;
  std::map<std::uint64_t, Client> clients_;  // by address and port
  std::multimap<Time, Held> held_;
  Counters counters_[2];
  std::vector<std::byte> buffer_;
};

}  // namespace tickwire::test
