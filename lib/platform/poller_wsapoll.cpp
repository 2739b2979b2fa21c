// SPDX-License-Identifier: MIT
#include <winsock2.h>
// After winsock2.h, which it needs.
#include <ws2tcpip.h>

#include <algorithm>
#include <climits>
#include <new>
#include <unordered_map>
#include <vector>

#include "lib/platform/poller.hpp"

namespace tickwire::detail {
namespace {

constexpr SHORT event_bits(Interest interest) noexcept {
  const int bits = static_cast<int>(interest);
  return static_cast<SHORT>(((bits & static_cast<int>(Interest::readable)) != 0 ? POLLRDNORM : 0) |
                            ((bits & static_cast<int>(Interest::writable)) != 0 ? POLLWRNORM : 0));
}

// Rounded up: waking early would spin until the time is there.
INT milliseconds(std::optional<Duration> timeout) noexcept {
  if (!timeout) return -1;
  const auto whole = std::chrono::ceil<std::chrono::milliseconds>(*timeout).count();
  return static_cast<INT>(std::clamp<std::int64_t>(whole, 0, INT_MAX));
}

/// A socket that becomes readable when somebody signals: WSAPoll waits for nothing else, so it is a
/// datagram to itself.
class WakeSocket {
 public:
  WakeSocket();
  ~WakeSocket() {
    closesocket(socket_);
    WSACleanup();
  }
  WakeSocket(const WakeSocket&) = delete;
  WakeSocket& operator=(const WakeSocket&) = delete;

  [[nodiscard]] SOCKET handle() const noexcept { return socket_; }
  void signal() noexcept {
    const char byte = 0;
    // A full buffer is as awake as it gets.
    static_cast<void>(send(socket_, &byte, 1, 0));
  }
  void drain() noexcept {
    char drained[64];
    while (recv(socket_, drained, sizeof drained, 0) > 0) {
    }
  }

 private:
  SOCKET socket_ = INVALID_SOCKET;
};

WakeSocket::WakeSocket() {
  WSADATA about;
  if (WSAStartup(MAKEWORD(2, 2), &about) != 0) throw std::bad_alloc();
  socket_ = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
  sockaddr_in self{};
  self.sin_family = AF_INET;
  self.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int size = sizeof self;
  u_long non_blocking = 1;
  auto* address = reinterpret_cast<sockaddr*>(&self);
  // Connected to itself, it takes datagrams from nobody else.
  if (socket_ == INVALID_SOCKET || bind(socket_, address, size) != 0 ||
      getsockname(socket_, address, &size) != 0 || connect(socket_, address, size) != 0 ||
      ioctlsocket(socket_, static_cast<long>(FIONBIO), &non_blocking) != 0) {
    if (socket_ != INVALID_SOCKET) closesocket(socket_);
    WSACleanup();
    throw std::bad_alloc();
  }
}

class WsaPoller final : public Poller {
 public:
  WsaPoller() { polled_.push_back({wake_.handle(), POLLRDNORM, 0}); }

  void wait(std::optional<Duration> timeout) override;
  void wake() noexcept override { wake_.signal(); }

 private:
  bool change(SocketHandle socket, Interest from, Interest to,
              PollTarget& target) noexcept override;
  void remove(std::size_t place) noexcept;

  WakeSocket wake_;
  std::vector<WSAPOLLFD> polled_;     // the first is the wake-up's
  std::vector<PollTarget*> targets_;  // of all but the first
  std::unordered_map<SOCKET, std::size_t> places_;
};

bool WsaPoller::change(SocketHandle socket, Interest from, Interest to,
                       PollTarget& target) noexcept {
  const auto handle = static_cast<SOCKET>(socket);
  try {
    if (from == Interest::none) {
      targets_.reserve(targets_.size() + 1);
      polled_.reserve(polled_.size() + 1);
      places_.emplace(handle, polled_.size());
      polled_.push_back({handle, event_bits(to), 0});
      targets_.push_back(&target);
      return true;
    }
  } catch (const std::bad_alloc&) {
    return false;
  }
  const std::size_t place = places_.at(handle);
  if (to == Interest::none) {
    remove(place);
  } else {
    polled_[place].events = event_bits(to);
  }
  return true;
}

// The last one moves into its place.
void WsaPoller::remove(std::size_t place) noexcept {
  places_.erase(polled_[place].fd);
  if (place + 1 < polled_.size()) {
    polled_[place] = polled_.back();
    targets_[place - 1] = targets_.back();
    places_.at(polled_[place].fd) = place;
  }
  polled_.pop_back();
  targets_.pop_back();
}

void WsaPoller::wait(std::optional<Duration> timeout) {
  if (WSAPoll(polled_.data(), static_cast<ULONG>(polled_.size()), milliseconds(timeout)) <= 0) {
    return;
  }
  if (polled_.front().revents != 0) wake_.drain();
  for (std::size_t place = 1; place < polled_.size(); ++place) {
    if (polled_[place].revents != 0) targets_[place - 1]->on_ready();
  }
}

}  // namespace

std::unique_ptr<Poller> make_poller() {
  return std::make_unique<WsaPoller>();
}

}  // namespace tickwire::detail
