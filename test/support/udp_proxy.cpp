// SPDX-License-Identifier: MIT
#include "test/support/udp_proxy.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace tickwire::test {
namespace {

constexpr std::size_t kLargestDatagram = 65'536;
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

bool hits(std::mt19937_64& random, double ratio) {
  return static_cast<double>(random() >> 11) < ratio * 9007199254740992.0;  // 2^53
}

UdpProxy::Time spread(std::mt19937_64& random, UdpProxy::Time jitter) {
  const auto parts = static_cast<std::uint64_t>(jitter.count()) + 1;
  return UdpProxy::Time(static_cast<UdpProxy::Time::rep>(random() % parts));
}

void check(const UdpImpairment& impairment) {
  const auto require = [](bool holds, const char* what) {
    if (!holds) throw std::runtime_error(std::string("UdpImpairment::") + what);
  };
  const auto is_ratio = [](double value) { return value >= 0 && value <= 1; };
  require(is_ratio(impairment.loss_ratio), "loss_ratio must lie from 0 to 1");
  require(is_ratio(impairment.duplicate_ratio), "duplicate_ratio must lie from 0 to 1");
  require(is_ratio(impairment.reorder_ratio), "reorder_ratio must lie from 0 to 1");
  require(is_ratio(impairment.flip_ratio), "flip_ratio must lie from 0 to 1");
  require(impairment.delay.count() >= 0, "delay must not be below 0");
  require(impairment.jitter.count() >= 0, "jitter must not be below 0");
  require(impairment.reorder_delay.count() >= 0, "reorder_delay must not be below 0");
  require(impairment.bytes_per_second != 0u, "bytes_per_second must be above 0");
}

}  // namespace

UdpSocket::UdpSocket(const sockaddr_in& address)
    : handle_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
  if (handle_ < 0) fail("no UDP socket");
  setsockopt(handle_, SOL_SOCKET, SO_RCVBUF, &kSocketBufferBytes, sizeof kSocketBufferBytes);
  setsockopt(handle_, SOL_SOCKET, SO_SNDBUF, &kSocketBufferBytes, sizeof kSocketBufferBytes);
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

UdpProxy::UdpProxy(const sockaddr_in& listen, const sockaddr_in& to, const UdpImpairment& both_ways,
                   std::uint64_t seed)
    : front_(listen), server_(to) {
  for (Line& each : lines_)
    each.random.seed(seed++);
  set(ProxyDirection::to_server, both_ways);
  set(ProxyDirection::to_clients, both_ways);
}

UdpProxy::~UdpProxy() = default;

void UdpProxy::set(ProxyDirection direction, const UdpImpairment& impairment) {
  check(impairment);
  line(direction).impairment = impairment;
}

void UdpProxy::stall(ProxyDirection direction, Time until) {
  Line& stalled = line(direction);
  stalled.stalled_until = std::max(stalled.stalled_until, until);
}

UdpProxy::Client& UdpProxy::client(const sockaddr_in& address) {
  Client& known = clients_[key_of(address)];
  if (!known.upstream) known = {address, std::make_unique<UdpSocket>(any_port())};
  return known;
}

void UdpProxy::service(Time now) {
  sockaddr_in from{};
  while (front_.receive(buffer_, from))
    take(client(from), line(ProxyDirection::to_server), now);
  for (auto& [key, each] : clients_) {
    while (each.upstream->receive(buffer_, from))
      take(each, line(ProxyDirection::to_clients), now);
  }
  release(ProxyDirection::to_server, now);
  release(ProxyDirection::to_clients, now);
}

// The same number of random numbers for each, so that one ratio does not change another's dice.
void UdpProxy::take(Client& from, Line& line, Time now) {
  const UdpImpairment& impairment = line.impairment;
  Counters& counters = line.counters;
  ++counters.received;
  const bool is_lost = hits(line.random, impairment.loss_ratio);
  const bool is_doubled = hits(line.random, impairment.duplicate_ratio);
  const bool is_late = hits(line.random, impairment.reorder_ratio);
  const bool is_flipped = hits(line.random, impairment.flip_ratio);
  const Time jitter = spread(line.random, impairment.jitter);
  const Time copy_jitter = spread(line.random, impairment.jitter);
  const std::uint64_t bit = line.random();
  if (is_lost) {
    ++counters.lost;
    return;
  }
  if (buffer_.size() > impairment.max_datagram_bytes) {
    ++counters.too_large;
    return;
  }
  const std::optional<Time> departure = queue(line, buffer_.size(), now);
  if (!departure) {
    ++counters.queue_full;
    return;
  }
  if (is_flipped && !buffer_.empty()) {
    ++counters.flipped;
    buffer_[bit / 8 % buffer_.size()] ^= std::byte{1} << bit % 8;
  }
  const Time due = *departure + impairment.delay;
  if (is_doubled) {
    ++counters.duplicated;
    line.held.emplace(due + copy_jitter, Held{&from, now, buffer_});
  }
  if (is_late) ++counters.reordered;
  const Time late = is_late ? impairment.reorder_delay : Time::zero();
  line.held.emplace(due + jitter + late, Held{&from, now, buffer_});
}

// When a datagram gets out of the queue in front of the line; nothing when there is no room.
std::optional<UdpProxy::Time> UdpProxy::queue(Line& line, std::size_t bytes, Time now) {
  const UdpImpairment& impairment = line.impairment;
  for (; !line.queue.empty() && line.queue.front().departs <= now; line.queue.pop_front())
    line.queued_bytes -= line.queue.front().bytes;
  Time departure = std::max({now, line.free_at, line.stalled_until});
  if (impairment.bytes_per_second) {
    departure +=
        Time(static_cast<Time::rep>(bytes * 1'000'000'000u / *impairment.bytes_per_second));
  }
  if (departure <= now) return now;
  if (line.queued_bytes + bytes > impairment.max_queue_bytes) return std::nullopt;
  line.free_at = departure;
  line.queue.push_back({departure, bytes});
  line.queued_bytes += bytes;
  return departure;
}

void UdpProxy::release(ProxyDirection direction, Time now) {
  Line& from = line(direction);
  if (now < from.stalled_until) return;
  while (!from.held.empty() && from.held.begin()->first <= now) {
    const Held held = from.held.extract(from.held.begin()).mapped();
    const bool sent = direction == ProxyDirection::to_server
                          ? held.client->upstream->send(held.datagram, server_)
                          : front_.send(held.datagram, held.client->address);
    ++(sent ? from.counters.forwarded : from.counters.failed);
    if (sent) from.counters.transit += now - held.arrived;
  }
}

std::optional<UdpProxy::Time> UdpProxy::next_due() const {
  std::optional<Time> next;
  for (const Line& each : lines_) {
    if (each.held.empty()) continue;
    const Time due = std::max(each.held.begin()->first, each.stalled_until);
    next = std::min(next.value_or(due), due);
  }
  return next;
}

std::vector<int> UdpProxy::handles() const {
  std::vector<int> all{front_.handle()};
  for (const auto& [key, each] : clients_)
    all.push_back(each.upstream->handle());
  return all;
}

}  // namespace tickwire::test
