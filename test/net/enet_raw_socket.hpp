// SPDX-License-Identifier: MIT
#pragma once

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lib/transport/enet/crc32.hpp"

namespace tickwire::test {

using Datagram = std::vector<std::uint8_t>;

/// A UDP socket on loopback, never blocking.
class RawSocket {
 public:
  /// `host` is any of the addresses of loopback, 127.0.0.0 to 127.255.255.255.
  explicit RawSocket(std::uint32_t host = INADDR_LOOPBACK)
      : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
    REQUIRE(fd_ >= 0);
    sockaddr_in any = address(0);
    any.sin_addr.s_addr = htonl(host);
    REQUIRE(::bind(fd_, reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0);
  }
  ~RawSocket() { ::close(fd_); }
  RawSocket(const RawSocket&) = delete;
  RawSocket& operator=(const RawSocket&) = delete;

  [[nodiscard]] std::uint16_t port() const {
    sockaddr_in own{};
    socklen_t size = sizeof own;
    REQUIRE(::getsockname(fd_, reinterpret_cast<sockaddr*>(&own), &size) == 0);
    return ntohs(own.sin_port);
  }
  [[nodiscard]] int handle() const { return fd_; }
  void send(std::uint16_t to, const Datagram& datagram) const {
    const sockaddr_in there = address(to);
    const auto sent = ::sendto(fd_, datagram.data(), datagram.size(), 0,
                               reinterpret_cast<const sockaddr*>(&there), sizeof there);
    REQUIRE(sent == static_cast<ssize_t>(datagram.size()));
  }
  /// The next datagram, and the port that it came from.
  [[nodiscard]] std::optional<std::pair<Datagram, std::uint16_t>> receive() const {
    Datagram datagram(65536);
    sockaddr_in from{};
    socklen_t size = sizeof from;
    const auto got = ::recvfrom(fd_, datagram.data(), datagram.size(), 0,
                                reinterpret_cast<sockaddr*>(&from), &size);
    if (got < 0) return std::nullopt;
    datagram.resize(static_cast<std::size_t>(got));
    return std::pair(std::move(datagram), ntohs(from.sin_port));
  }

 private:
  static sockaddr_in address(std::uint16_t port) {
    sockaddr_in there{};
    there.sin_family = AF_INET;
    there.sin_port = htons(port);
    there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return there;
  }

  int fd_;
};

/// Stands between a caller and a listener, and lets through what the two functions say.
class TamperingProxy {
 public:
  explicit TamperingProxy(std::uint16_t listener) : listener_(listener) {}

  [[nodiscard]] std::string url() const {
    return "enet://127.0.0.1:" + std::to_string(front_.port());
  }
  void step() {
    while (auto in = front_.receive()) {
      caller_ = in->second;
      if (to_listener(in->first)) back_.send(listener_, in->first);
    }
    while (auto in = back_.receive())
      if (to_caller(in->first)) front_.send(caller_, in->first);
  }

  /// As if the caller had sent it.
  void send_to_listener(const Datagram& datagram) const { back_.send(listener_, datagram); }

  std::function<bool(Datagram&)> to_listener = [](Datagram&) { return true; };
  std::function<bool(Datagram&)> to_caller = [](Datagram&) { return true; };

 private:
  RawSocket front_;
  RawSocket back_;
  std::uint16_t listener_;
  std::uint16_t caller_ = 0;
};

/// Writes the checksum of a datagram within the connection `id`, whose header has `head` bytes.
inline void seal(Datagram& datagram, std::size_t head, const Datagram& id) {
  std::copy(id.begin(), id.end(), datagram.begin() + static_cast<std::ptrdiff_t>(head - 4));
  detail::Crc32 crc;
  crc.add(std::as_bytes(std::span(datagram)));
  for (std::size_t i = 0; i < 4; ++i)
    datagram[head - 4 + i] = static_cast<std::uint8_t>(crc.value() >> (24 - 8 * i));
}

/// What a caller asks before it knocks.
inline Datagram cookie_question(std::uint64_t nonce) {
  Datagram out = {'T', 'K', 'C', '?'};
  for (int i = 0; i < 8; ++i)
    out.push_back(static_cast<std::uint8_t>(nonce >> (8 * i)));
  out.resize(16);
  return out;
}

/// The size of a probe: such a question filled up, to see whether as much passes in one piece.
inline constexpr std::size_t kProbeBytes = 4092;

/// The cookie in an answer to that question; nothing when it is something else.
inline std::optional<std::uint32_t> cookie_in(const Datagram& answer, std::uint64_t nonce) {
  Datagram expected = cookie_question(nonce);
  expected[3] = '!';
  if (answer.size() != 16 || !std::equal(expected.begin(), expected.begin() + 12, answer.begin())) {
    return std::nullopt;
  }
  std::uint32_t cookie = 0;
  for (std::size_t i = 16; i-- > 12;)
    cookie = cookie << 8 | answer[i];
  return cookie;
}

/// Asks a listener for the cookie of this socket; `step` lets the listener work.
template <class Step>
std::uint32_t fetch_cookie(const RawSocket& socket, std::uint16_t listener, Step step) {
  socket.send(listener, cookie_question(0x1122334455667788u));
  step();
  const auto answer = socket.receive();
  REQUIRE(answer);
  const auto cookie = cookie_in(answer->first, 0x1122334455667788u);
  REQUIRE(cookie);
  return *cookie;
}

/// A CONNECT as ENet would send it, to be spoiled.
struct ConnectDatagram {
  std::uint16_t peer = 0x8fff;  // with its time, to no slot
  std::uint8_t command = 0x82;
  std::uint16_t own_slot = 0;
  std::uint32_t mtu = 1360;
  std::uint32_t window = 65536;
  std::uint32_t channels = 9;
  std::uint32_t bandwidth = 0;
  std::uint32_t id = 0x12345678;
  std::uint32_t data = 0;

  [[nodiscard]] Datagram bytes() const {
    Datagram out;
    const auto put = [&](std::uint32_t value, int bits) {
      for (bits -= 8; bits >= 0; bits -= 8)
        out.push_back(static_cast<std::uint8_t>(value >> bits));
    };
    put(peer, 16);
    put(0, 16);  // time
    put(0, 32);  // checksum
    put(command, 8);
    put(0xff, 8);
    put(1, 16);
    put(own_slot, 16);
    put(0xffff, 16);  // both session ids
    for (const std::uint32_t each : {mtu, window, channels, bandwidth, bandwidth})
      put(each, 32);
    for (const std::uint32_t each : {5000u, 2u, 2u})
      put(each, 32);
    put(id, 32);
    put(data, 32);
    detail::Crc32 crc;
    crc.add(std::as_bytes(std::span(out)));
    for (std::size_t i = 0; i < 4; ++i)
      out[4 + i] = static_cast<std::uint8_t>(crc.value() >> (24 - 8 * i));
    return out;
  }
};

}  // namespace tickwire::test
