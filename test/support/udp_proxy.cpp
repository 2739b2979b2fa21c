// SPDX-License-Identifier: MIT
#include "test/support/udp_proxy.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace tickwire::test {
namespace {

constexpr std::size_t kLargestDatagram = 65'536;
constexpr UdpProxy::Time kReorderTime = std::chrono::milliseconds(10);
// Deep enough that the proxy itself loses nothing in a burst, where the system lets it.
constexpr int kSocketBufferBytes = 1 << 20;

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

std::uint64_t key_of(const sockaddr_in& address) {
  return static_cast<std::uint64_t>(address.sin_addr.s_addr) << 16 | address.sin_port;
}

sockaddr_in any_port() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  return address;
}

}  // namespace

UdpSocket::UdpSocket(const sockaddr_in& address)
    : handle_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
  if (handle_ < 0) fail("no UDP socket");
  setsockopt(handle_, SOL_SOCKET, SO_RCVBUF, &kSocketBufferBytes, sizeof kSocketBufferBytes);
  if (bind(handle_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int code = errno;
    close(handle_);
    errno = code;
    fail("cannot bind " + to_text(address));
  }
}

UdpSocket::~UdpSocket() {
  close(handle_);
}

sockaddr_in UdpSocket::local() const {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(handle_, reinterpret_cast<sockaddr*>(&address), &size);
  return address;
}

bool UdpSocket::send(std::span<const std::byte> datagram, const sockaddr_in& to) const {
  const auto sent = sendto(handle_, datagram.data(), datagram.size(), 0,
                           reinterpret_cast<const sockaddr*>(&to), sizeof to);
  return sent == static_cast<ssize_t>(datagram.size());
}

bool UdpSocket::receive(std::vector<std::byte>& datagram, sockaddr_in& from) const {
  datagram.resize(kLargestDatagram);
  socklen_t size = sizeof from;
  for (;;) {
    const auto count = recvfrom(handle_, datagram.data(), datagram.size(), 0,
                                reinterpret_cast<sockaddr*>(&from), &size);
    if (count >= 0) {
      datagram.resize(static_cast<std::size_t>(count));
      return true;
    }
    // Loopback reports here that an earlier datagram met a closed port.
    if (errno != ECONNREFUSED && errno != EINTR) return false;
  }
}

sockaddr_in parse_udp_address(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) throw std::runtime_error("'" + text + "' is not HOST:PORT");
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  const int status =
      getaddrinfo(text.substr(0, colon).c_str(), text.substr(colon + 1).c_str(), &hints, &found);
  if (status != 0) throw std::runtime_error("'" + text + "': " + gai_strerror(status));
  sockaddr_in address{};
  std::memcpy(&address, found->ai_addr, sizeof address);
  freeaddrinfo(found);
  return address;
}

std::string to_text(const sockaddr_in& address) {
  char host[INET_ADDRSTRLEN] = "";
  inet_ntop(AF_INET, &address.sin_addr, host, sizeof host);
  return std::string(host) + ":" + std::to_string(ntohs(address.sin_port));
}

UdpProxy::UdpProxy(const sockaddr_in& listen, const sockaddr_in& to,
                   const UdpImpairment& impairment, std::uint64_t seed)
    : front_(listen), server_(to), impairment_(impairment), random_(seed) {}

UdpProxy::~UdpProxy() = default;

UdpProxy::Client& UdpProxy::client(const sockaddr_in& address) {
  Client& known = clients_[key_of(address)];
  if (!known.upstream) known = {address, std::make_unique<UdpSocket>(any_port())};
  return known;
}

bool UdpProxy::hits(double ratio) {
  return static_cast<double>(random_() >> 11) < ratio * 9007199254740992.0;  // 2^53
}

void UdpProxy::service(Time now) {
  sockaddr_in from{};
  while (front_.receive(buffer_, from))
    take(client(from), true, now);
  for (auto& [key, each] : clients_) {
    while (each.upstream->receive(buffer_, from))
      take(each, false, now);
  }
  while (!held_.empty() && held_.begin()->first <= now)
    release(held_.extract(held_.begin()).mapped());
}

// The same number of random numbers for each, so that one ratio does not change another's dice.
void UdpProxy::take(Client& from, bool is_to_server, Time now) {
  Counters& counters = counters_[is_to_server ? 0 : 1];
  ++counters.received;
  const bool is_lost = hits(impairment_.loss_ratio);
  const bool is_doubled = hits(impairment_.duplicate_ratio);
  const bool is_late = hits(impairment_.reorder_ratio);
  const auto jitter = static_cast<std::uint64_t>(impairment_.jitter.count());
  const Time due = now + impairment_.delay + Time(random_() % (jitter + 1));
  if (is_lost) {
    ++counters.lost;
    return;
  }
  if (is_late) ++counters.reordered;
  if (is_doubled) {
    ++counters.duplicated;
    held_.emplace(due, Held{&from, is_to_server, buffer_});
  }
  held_.emplace(is_late ? due + kReorderTime : due, Held{&from, is_to_server, buffer_});
}

void UdpProxy::release(const Held& held) {
  Counters& counters = counters_[held.is_to_server ? 0 : 1];
  const bool sent = held.is_to_server ? held.client->upstream->send(held.datagram, server_)
                                      : front_.send(held.datagram, held.client->address);
  ++(sent ? counters.forwarded : counters.failed);
}

std::optional<UdpProxy::Time> UdpProxy::next_due() const {
  if (held_.empty()) return std::nullopt;
  return held_.begin()->first;
}

std::vector<int> UdpProxy::handles() const {
  std::vector<int> all{front_.handle()};
  for (const auto& [key, each] : clients_)
    all.push_back(each.upstream->handle());
  return all;
}

}  // namespace tickwire::test
