// SPDX-License-Identifier: MIT
#include "test/support/tcp_proxy.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace tickwire::test {
namespace {

constexpr int kBacklog = 64;
// Rate and delay are worked out for so many bytes at a time, as a network does for segments.
constexpr std::size_t kSegmentBytes = 1400;
constexpr std::size_t kReadBytes = 64 * 1024;
// What the kernels hold on the proxy's side is not the proxy's to delay: no more than it holds
// itself, and not much.
constexpr std::size_t kLeastBufferBytes = 4 * 1024;
constexpr std::size_t kMostBufferBytes = 64 * 1024;

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

int open_socket() {
  const int handle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (handle < 0) fail("no TCP socket");
  return handle;
}

void set_option(int handle, int level, int name, int value) {
  setsockopt(handle, level, name, &value, sizeof value);
}

void set_buffer(int handle, int name, const TcpImpairment& impairment) {
  const std::size_t bytes =
      std::clamp(impairment.max_waiting_bytes, kLeastBufferBytes, kMostBufferBytes);
  set_option(handle, SOL_SOCKET, name, static_cast<int>(bytes));
}

bool is_for_later(int code) {
  return code == EAGAIN || code == EWOULDBLOCK || code == EINTR || code == ENOTCONN ||
         code == EINPROGRESS;
}

}  // namespace

TcpProxy::Socket::Socket(Socket&& other) noexcept : handle_(std::exchange(other.handle_, -1)) {}

TcpProxy::Socket::~Socket() {
  if (handle_ >= 0) close(handle_);
}

void TcpProxy::Socket::reset() noexcept {
  const linger at_once{1, 0};
  setsockopt(handle_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(std::exchange(handle_, -1));
}

TcpProxy::TcpProxy(const sockaddr_in& listen, const sockaddr_in& to, const TcpImpairment& both_ways)
    : front_(open_socket()), server_(to), buffer_(kReadBytes) {
  set(ProxyDirection::to_server, both_ways);
  set(ProxyDirection::to_clients, both_ways);
  // Taken over by what is accepted; set there, it would come too late for the first window.
  set_buffer(front_.handle(), SO_RCVBUF, both_ways);
  if (bind(front_.handle(), reinterpret_cast<const sockaddr*>(&listen), sizeof listen) != 0 ||
      ::listen(front_.handle(), kBacklog) != 0) {
    fail("cannot listen on " + to_text(listen));
  }
}

void TcpProxy::set(ProxyDirection direction, const TcpImpairment& impairment) {
  const auto require = [](bool holds, const char* what) {
    if (!holds) throw std::runtime_error(std::string("TcpImpairment::") + what);
  };
  require(impairment.delay.count() >= 0, "delay must not be below 0");
  require(impairment.bytes_per_second != 0u, "bytes_per_second must be above 0");
  require(impairment.max_waiting_bytes != 0, "max_waiting_bytes must be at least 1");
  require(impairment.max_write_bytes != 0u, "max_write_bytes must be above 0");
  way(direction).impairment = impairment;
}

void TcpProxy::resume(ProxyDirection direction) {
  way(direction).stalled_until = Time::min();
  way(direction).stall_at.reset();
}

sockaddr_in TcpProxy::local() const {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(front_.handle(), reinterpret_cast<sockaddr*>(&address), &size);
  return address;
}

void TcpProxy::cut(Cut how) {
  std::erase_if(links_, [&](Link& each) { return cut(each, how) == State::over; });
}

TcpProxy::State TcpProxy::cut(Link& link, Cut how) {
  if (link.cut_off) return State::open;
  ++counters_.cut;
  if (how == Cut::reset) {
    link.client.reset();
    link.server.reset();
    return State::over;
  }
  // Closing with bytes unread would be a reset.
  shutdown(link.client.handle(), SHUT_WR);
  shutdown(link.server.handle(), SHUT_WR);
  link.cut_off = true;
  for (Flow& each : link.flows) {
    each.waiting.clear();
    each.pieces.clear();
  }
  return State::open;
}

void TcpProxy::service(Time now) {
  accept();
  if (timed_cut_ && now >= timed_cut_->when) {
    cut(timed_cut_->how);
    timed_cut_.reset();
  }
  std::erase_if(links_, [&](Link& each) { return service(each, now) == State::over; });
}

void TcpProxy::accept() {
  for (;;) {
    const int handle = accept4(front_.handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (handle < 0) return;
    ++counters_.connections;
    Link link{Socket(handle), Socket(open_socket()), {}, false};
    for (const Socket* each : {&link.client, &link.server})
      set_option(each->handle(), IPPROTO_TCP, TCP_NODELAY, 1);
    set_buffer(link.server.handle(), SO_SNDBUF, ways_[0].impairment);
    set_buffer(link.client.handle(), SO_SNDBUF, ways_[1].impairment);
    set_buffer(link.server.handle(), SO_RCVBUF, ways_[1].impairment);
    if (connect(link.server.handle(), reinterpret_cast<const sockaddr*>(&server_),
                sizeof server_) != 0 &&
        errno != EINPROGRESS) {
      link.client.reset();
      continue;
    }
    links_.push_back(std::move(link));
  }
}

TcpProxy::State TcpProxy::service(Link& link, Time now) {
  for (std::size_t direction = 0; direction < link.flows.size(); ++direction) {
    if (move(link, direction, now) == State::over) return State::over;
  }
  const bool is_over = link.cut_off ? link.flows[0].has_ended && link.flows[1].has_ended
                                    : link.flows[0].told && link.flows[1].told;
  return is_over ? State::over : State::open;
}

// Whatever goes wrong with one socket is a reset to the other.
TcpProxy::State TcpProxy::move(Link& link, std::size_t direction, Time now) {
  if (read(link, direction, now) == State::open && write(link, direction, now) == State::open) {
    const std::optional<ByteCut>& limit = ways_[direction].cut_at;
    if (!limit || link.cut_off || link.flows[direction].passed < limit->bytes) return State::open;
    return cut(link, limit->how);
  }
  if (link.cut_off) {
    link.flows[direction].has_ended = true;
    return State::open;
  }
  link.client.reset();
  link.server.reset();
  return State::over;
}

TcpProxy::State TcpProxy::read(Link& link, std::size_t direction, Time now) {
  const TcpImpairment& impairment = ways_[direction].impairment;
  Flow& flow = link.flows[direction];
  const int from = direction == 0 ? link.client.handle() : link.server.handle();
  while (!flow.has_ended && flow.waiting.size() < impairment.max_waiting_bytes) {
    const std::size_t room = impairment.max_waiting_bytes - flow.waiting.size();
    const auto count = recv(from, buffer_.data(), std::min(room, buffer_.size()), 0);
    if (count < 0) return is_for_later(errno) ? State::open : State::over;
    if (count == 0) flow.has_ended = true;
    if (link.cut_off) continue;
    const auto bytes = static_cast<std::size_t>(count);
    const std::uint64_t first = flow.passed + flow.waiting.size();
    const std::optional<std::uint64_t> flip = ways_[direction].flip_at;
    if (flip && *flip >= first && *flip < first + bytes) {
      char& flipped = buffer_[static_cast<std::size_t>(*flip - first)];
      flipped = static_cast<char>(flipped ^ 1);
    }
    flow.waiting.append(buffer_.data(), bytes);
    flow.free_at = std::max(flow.free_at, now);
    for (std::size_t at = 0; at < bytes; at += kSegmentBytes) {
      const std::size_t piece = std::min(kSegmentBytes, bytes - at);
      if (impairment.bytes_per_second) {
        const std::uint64_t parts = piece * 1'000'000'000u / *impairment.bytes_per_second;
        flow.free_at += Time(static_cast<Time::rep>(parts));
      }
      flow.pieces.push_back({flow.free_at + impairment.delay, piece});
    }
  }
  return State::open;
}

TcpProxy::State TcpProxy::write(Link& link, std::size_t direction, Time now) {
  const Way& way = ways_[direction];
  Flow& flow = link.flows[direction];
  if (now < way.stalled_until || flow.told || link.cut_off) return State::open;
  std::size_t due = 0;
  for (const Piece& each : flow.pieces) {
    if (each.due > now) break;
    due += each.bytes;
  }
  std::uint64_t most = way.stall_at.value_or(UINT64_MAX);
  if (way.cut_at) most = std::min(most, way.cut_at->bytes);
  due = static_cast<std::size_t>(std::min<std::uint64_t>(due, most - std::min(most, flow.passed)));
  due = std::min(due, way.impairment.max_write_bytes.value_or(due));
  const int to = direction == 0 ? link.server.handle() : link.client.handle();
  if (due != 0) {
    const auto sent = send(to, flow.waiting.data(), due, MSG_NOSIGNAL);
    if (sent < 0 && !is_for_later(errno)) return State::over;
    std::size_t left = sent < 0 ? 0 : static_cast<std::size_t>(sent);
    flow.waiting.erase(0, left);
    flow.passed += left;
    counters_.passed_bytes[direction] += left;
    while (left != 0) {
      Piece& front = flow.pieces.front();
      const std::size_t part = std::min(left, front.bytes);
      front.bytes -= part;
      left -= part;
      if (front.bytes == 0) flow.pieces.pop_front();
    }
  }
  if (flow.has_ended && flow.waiting.empty()) {
    shutdown(to, SHUT_WR);
    flow.told = true;
  }
  return State::open;
}

std::optional<TcpProxy::Time> TcpProxy::next_due() const {
  std::optional<Time> next;
  if (timed_cut_) next = timed_cut_->when;
  for (const Link& link : links_) {
    for (std::size_t direction = 0; direction < link.flows.size(); ++direction) {
      const Flow& flow = link.flows[direction];
      if (flow.pieces.empty()) continue;
      const Time due = std::max(flow.pieces.front().due, ways_[direction].stalled_until);
      next = std::min(next.value_or(due), due);
    }
  }
  return next;
}

std::vector<int> TcpProxy::handles() const {
  std::vector<int> all{front_.handle()};
  for (const Link& each : links_) {
    all.push_back(each.client.handle());
    all.push_back(each.server.handle());
  }
  return all;
}

std::size_t TcpProxy::waiting_bytes(ProxyDirection direction) const noexcept {
  std::size_t bytes = 0;
  for (const Link& each : links_)
    bytes += each.flows[static_cast<std::size_t>(direction)].waiting.size();
  return bytes;
}

}  // namespace tickwire::test
