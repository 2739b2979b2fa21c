// SPDX-License-Identifier: MIT
#include "lib/platform/stream_socket.hpp"

#include "lib/platform/socket_headers.hpp"
// The C library's own header of this name knows less of `tcp_info`.
#if defined(__linux__)
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <sys/ioctl.h>
#elif !defined(_WIN32)
#include <netinet/tcp.h>
#endif

#include <chrono>

#include "lib/platform/socket_errno.hpp"

namespace tickwire::detail {
namespace {

// More than that waits in the system's own queue of newcomers at no gain.
constexpr int kBacklog = 4096;

sockaddr* raw(SocketAddress& address) noexcept {
  return reinterpret_cast<sockaddr*>(address.bytes.data());
}
const sockaddr* raw(const SocketAddress& address) noexcept {
  return reinterpret_cast<const sockaddr*>(address.bytes.data());
}

Error last_error() {
  return socket_error(last_socket_error());
}

IoResult failed(int code) noexcept {
  return {is_would_block(code) ? IoStatus::blocked : IoStatus::failed, 0,
          is_would_block(code) ? 0 : code};
}

// What is small leaves at once: the session has bundled it already.
void send_at_once(SocketHandle socket) noexcept {
  set_socket_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
}

}  // namespace

StreamSocket& StreamSocket::operator=(StreamSocket&& other) noexcept {
  close();
  handle_ = std::exchange(other.handle_, kNoSocket);
  return *this;
}

void StreamSocket::close() noexcept {
  if (is_open()) close_stream(std::exchange(handle_, kNoSocket));
}

Result<StreamSocket> StreamSocket::open(const SocketAddress& address) {
  StreamSocket socket(open_stream(address.is_ipv6()));
  if (!socket.is_open()) return last_error();
  send_at_once(socket.handle_);
  return socket;
}

Result<StreamSocket> StreamSocket::listen(const SocketAddress& address) {
  auto socket = open(address);
  if (!socket) return socket;
  const SocketHandle handle = socket->handle();
  reuse_address(handle);
  if (address.is_ipv6()) set_socket_option(handle, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  if (::bind(native(handle), raw(address), static_cast<socklen_t>(address.size)) != 0 ||
      ::listen(native(handle), kBacklog) != 0) {
    return last_error();
  }
  return socket;
}

Result<StreamSocket> StreamSocket::connect(const SocketAddress& address) {
  auto socket = open(address);
  if (!socket) return socket;
  const auto size = static_cast<socklen_t>(address.size);
  if (::connect(native(socket->handle()), raw(address), size) == 0) return socket;
  const int code = last_socket_error();
  if (!is_connecting(code)) return socket_error(code);
  return socket;
}

SocketAddress StreamSocket::local() const {
  SocketAddress address;
  auto size = static_cast<socklen_t>(address.bytes.size());
  if (getsockname(native(handle_), raw(address), &size) == 0)
    address.size = static_cast<std::uint32_t>(size);
  return address;
}

IoResult StreamSocket::accept(StreamSocket& into, SocketAddress& from) {
  while (true) {
    StreamSocket caller(accept_stream(handle_, from));
    if (caller.is_open()) {
      send_at_once(caller.handle_);
      into = std::move(caller);
      return {IoStatus::done, 1, 0};
    }
    const int code = last_socket_error();
    if (!is_callers_own(code)) return failed(code);
  }
}

int StreamSocket::connect_result() const noexcept {
  int code = 0;
  if (!get_socket_option(handle_, SOL_SOCKET, SO_ERROR, code)) return last_socket_error();
  if (code != 0) return code;
  // A call to a port of this machine where nobody listens may get that very port for its own, and
  // reach itself (RFC 9293, section 3.5, simultaneous open).
  return local().is_same_end(remote_address(handle_)) ? kRefused : 0;
}

IoResult StreamSocket::read(std::span<std::byte> first, std::span<std::byte> second) noexcept {
  while (true) {
    const auto count = receive_pieces(handle_, first, second);
    if (count > 0) return {IoStatus::done, static_cast<std::size_t>(count), 0};
    if (count == 0) return {IoStatus::ended, 0, 0};
    const int code = last_socket_error();
    if (!is_interrupted(code)) return failed(code);
  }
}

IoResult StreamSocket::write(std::span<const std::span<const std::byte>> pieces) noexcept {
  while (true) {
    const auto sent = send_pieces(handle_, pieces);
    if (sent >= 0) return {IoStatus::done, static_cast<std::size_t>(sent), 0};
    const int code = last_socket_error();
    if (!is_interrupted(code)) return failed(code);
  }
}

void StreamSocket::shut_down() noexcept {
  end_sending(handle_);
}

void StreamSocket::watch_for_dead_peer() noexcept {
  set_socket_option(handle_, SOL_SOCKET, SO_KEEPALIVE, 1);
#ifdef TCP_KEEPIDLE
  // The system's own two hours are of no use to anybody: half a minute, then four times ten
  // seconds.
  set_socket_option(handle_, IPPROTO_TCP, TCP_KEEPIDLE, 30);
  set_socket_option(handle_, IPPROTO_TCP, TCP_KEEPINTVL, 10);
  set_socket_option(handle_, IPPROTO_TCP, TCP_KEEPCNT, 4);
#endif
}

std::optional<SendBacklog> send_backlog(SocketHandle socket) noexcept {
#if defined(__linux__)
  int bytes = 0;
  tcp_info info{};
  if (ioctl(native(socket), SIOCOUTQ, &bytes) != 0 ||
      !get_socket_option(socket, IPPROTO_TCP, TCP_INFO, info)) {
    return std::nullopt;
  }
  const bool is_measured = info.tcpi_min_rtt != ~__u32{0};
  const auto rtt = is_measured ? info.tcpi_min_rtt : info.tcpi_rtt;
  return SendBacklog{static_cast<std::size_t>(bytes), std::chrono::microseconds(rtt)};
#else
  static_cast<void>(socket);
  return std::nullopt;
#endif
}

void reset_on_close(SocketHandle socket) noexcept {
  const linger at_once{1, 0};
  set_socket_option(socket, SOL_SOCKET, SO_LINGER, at_once);
}

SocketAddress remote_address(SocketHandle socket) {
  SocketAddress address;
  auto size = static_cast<socklen_t>(address.bytes.size());
  if (getpeername(native(socket), raw(address), &size) == 0)
    address.size = static_cast<std::uint32_t>(size);
  return address;
}

}  // namespace tickwire::detail
