// SPDX-License-Identifier: MIT
#include <new>

#include "lib/platform/inheritance.hpp"
#include "lib/platform/poll_list.hpp"
#include "lib/platform/socket_headers.hpp"
// After winsock2.h, which it needs.
#include <mmsystem.h>

namespace tickwire::detail {
namespace {

constexpr SHORT event_bits(Interest interest) noexcept {
  const int bits = static_cast<int>(interest);
  return static_cast<SHORT>(((bits & static_cast<int>(Interest::readable)) != 0 ? POLLRDNORM : 0) |
                            ((bits & static_cast<int>(Interest::writable)) != 0 ? POLLWRNORM : 0));
}

/// A socket that becomes readable when somebody signals: WSAPoll waits for nothing else, so it is a
/// datagram to itself.
class WakeSocket {
 public:
  WakeSocket();
  ~WakeSocket() { closesocket(socket_); }
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
  start_sockets();
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
    throw std::bad_alloc();
  }
  keep_from_children(static_cast<SocketHandle>(socket_));
}

/// While it lives, this program wakes up within a millisecond; it is up to 16 otherwise.
class FineTimer {
 public:
  FineTimer() noexcept { timeBeginPeriod(1); }
  ~FineTimer() { timeEndPeriod(1); }
  FineTimer(const FineTimer&) = delete;
  FineTimer& operator=(const FineTimer&) = delete;
};

class WsaPoller final : public Poller {
 public:
  bool wait_until(TimePoint until) override;
  void wake() noexcept override { wake_.signal(); }

 private:
  bool change(SocketHandle socket, Interest from, Interest to, Trigger,
              PollTarget& target) noexcept override {
    return list_.change(static_cast<SOCKET>(socket), from, to, event_bits(to), target);
  }

  FineTimer timer_;
  WakeSocket wake_;
  PollList<WSAPOLLFD> list_{wake_.handle(), POLLRDNORM};
};

bool WsaPoller::wait_until(TimePoint until) {
  const auto count = static_cast<ULONG>(list_.size());
  if (WSAPoll(list_.data(), count, poll_milliseconds(until)) <= 0) return false;
  if (list_.is_woken()) wake_.drain();
  list_.tell();
  return true;
}

}  // namespace

std::unique_ptr<Poller> make_poller() {
  return std::make_unique<WsaPoller>();
}

}  // namespace tickwire::detail
