// SPDX-License-Identifier: MIT
#include "lib/platform/stream_socket.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
// The C library's own header of this name knows less of `tcp_info`.
#if defined(__linux__)
#include <linux/sockios.h>
#include <linux/tcp.h>
#else
#include <netinet/tcp.h>
#endif

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <system_error>

namespace tickwire::detail {
namespace {

static_assert(sizeof(sockaddr_in6) <= sizeof(SocketAddress::bytes));

// More than that waits in the system's own queue of newcomers at no gain.
constexpr int kBacklog = 4096;
constexpr std::size_t kMaxPieces = 64;

sockaddr* raw(SocketAddress& address) noexcept {
  return reinterpret_cast<sockaddr*>(address.bytes.data());
}
const sockaddr* raw(const SocketAddress& address) noexcept {
  return reinterpret_cast<const sockaddr*>(address.bytes.data());
}
const sockaddr_in& as_ipv4(const SocketAddress& address) noexcept {
  return *reinterpret_cast<const sockaddr_in*>(address.bytes.data());
}
const sockaddr_in6& as_ipv6(const SocketAddress& address) noexcept {
  return *reinterpret_cast<const sockaddr_in6*>(address.bytes.data());
}

int number(SocketHandle handle) noexcept {
  return static_cast<int>(handle);
}

void set_option(SocketHandle handle, int level, int name, int value) noexcept {
  setsockopt(number(handle), level, name, &value, sizeof value);
}

// Where the system can do it in the same call: a program that is started by another thread in
// between would inherit the socket.
#ifdef SOCK_CLOEXEC
constexpr int kAtOnce = SOCK_CLOEXEC | SOCK_NONBLOCK;

int accept_raw(int listener, sockaddr* from, socklen_t* size) noexcept {
  return ::accept4(listener, from, size, kAtOnce);
}
void set_flags(int) noexcept {}
#else
constexpr int kAtOnce = 0;

int accept_raw(int listener, sockaddr* from, socklen_t* size) noexcept {
  return ::accept(listener, from, size);
}
void set_flags(int handle) noexcept {
  fcntl(handle, F_SETFL, fcntl(handle, F_GETFL) | O_NONBLOCK);
  fcntl(handle, F_SETFD, FD_CLOEXEC);
}
#endif

bool is_same_end(const SocketAddress& one, const SocketAddress& other) noexcept {
  if (one.size == 0 || one.size != other.size || one.is_ipv6() != other.is_ipv6()) return false;
  if (one.port() != other.port()) return false;
  if (!one.is_ipv6()) {
    return as_ipv4(one).sin_addr.s_addr == as_ipv4(other).sin_addr.s_addr;
  }
  return std::memcmp(&as_ipv6(one).sin6_addr, &as_ipv6(other).sin6_addr, sizeof(in6_addr)) == 0;
}

bool would_block(int code) noexcept {
  return code == EAGAIN || code == EWOULDBLOCK;
}

// Linux hands an accepting program what has become of the caller meanwhile: that is no failure of
// the listening socket (accept(2)).
bool is_callers_own(int code) noexcept {
  switch (code) {
    case EINTR:
    case ECONNABORTED:
    case EPERM:
    case EPROTO:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
      return true;
    default:
      return false;
  }
}

#ifdef MSG_NOSIGNAL
constexpr int kSendFlags = MSG_NOSIGNAL;
#else
constexpr int kSendFlags = 0;
#endif

ssize_t send_gathered(SocketHandle handle,
                      std::span<const std::span<const std::byte>> pieces) noexcept {
  iovec gathered[kMaxPieces];
  const std::size_t count = std::min(pieces.size(), kMaxPieces);
  for (std::size_t i = 0; i < count; ++i)
    gathered[i] = {const_cast<std::byte*>(pieces[i].data()), pieces[i].size()};
  msghdr message{};
  message.msg_iov = gathered;
  message.msg_iovlen = static_cast<decltype(message.msg_iovlen)>(count);
  return ::sendmsg(number(handle), &message, kSendFlags);
}

IoResult failed(int code) noexcept {
  return {would_block(code) ? IoStatus::blocked : IoStatus::failed, 0,
          would_block(code) ? 0 : code};
}

}  // namespace

std::optional<SocketAddress> SocketAddress::parse(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  // inet_pton knows no zones, as in fe80::1%eth0, and getaddrinfo takes more than the dotted form.
  in_addr four{};
  const bool is_text_of_ipv6 = host.find(':') != std::string::npos;
  if (!is_text_of_ipv6 && inet_pton(AF_INET, host.c_str(), &four) != 1) return std::nullopt;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return std::nullopt;
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
  SocketAddress address;
  if (found->ai_addrlen > address.bytes.size()) return std::nullopt;
  std::memcpy(address.bytes.data(), found->ai_addr, found->ai_addrlen);
  address.size = found->ai_addrlen;
  if (address.is_ipv6()) {
    reinterpret_cast<sockaddr_in6*>(address.bytes.data())->sin6_port = htons(port);
  } else {
    reinterpret_cast<sockaddr_in*>(address.bytes.data())->sin_port = htons(port);
  }
  return address;
}

bool SocketAddress::is_ipv6() const noexcept {
  return raw(*this)->sa_family == AF_INET6;
}

std::string SocketAddress::host() const {
  if (size == 0) return {};
  char text[NI_MAXHOST] = "";
  if (is_ipv6() && IN6_IS_ADDR_V4MAPPED(&as_ipv6(*this).sin6_addr)) {
    inet_ntop(AF_INET, &as_ipv6(*this).sin6_addr.s6_addr[12], text, sizeof text);
    return text;
  }
  // Unlike inet_ntop it writes the zone.
  getnameinfo(raw(*this), size, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
  return text;
}

std::uint16_t SocketAddress::port() const noexcept {
  return ntohs(is_ipv6() ? as_ipv6(*this).sin6_port : as_ipv4(*this).sin_port);
}

StreamSocket& StreamSocket::operator=(StreamSocket&& other) noexcept {
  close();
  handle_ = std::exchange(other.handle_, kNone);
  return *this;
}

void StreamSocket::close() noexcept {
  if (is_open()) ::close(number(std::exchange(handle_, kNone)));
}

Result<StreamSocket> StreamSocket::open(const SocketAddress& address) {
  const int handle = ::socket(raw(address)->sa_family, SOCK_STREAM | kAtOnce, IPPROTO_TCP);
  if (handle < 0) return socket_error(errno);
  StreamSocket socket(handle);
  socket.prepare();
  return socket;
}

void StreamSocket::prepare() noexcept {
  set_flags(number(handle_));
  // What is small leaves at once: the session has bundled it already.
  set_option(handle_, IPPROTO_TCP, TCP_NODELAY, 1);
#ifdef SO_NOSIGPIPE
  set_option(handle_, SOL_SOCKET, SO_NOSIGPIPE, 1);
#endif
}

Result<StreamSocket> StreamSocket::listen(const SocketAddress& address) {
  auto socket = open(address);
  if (!socket) return socket;
  const SocketHandle handle = socket->handle();
  // A server that comes back must not wait for its old connections to be forgotten.
  set_option(handle, SOL_SOCKET, SO_REUSEADDR, 1);
  if (address.is_ipv6()) set_option(handle, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  if (::bind(number(handle), raw(address), address.size) != 0 ||
      ::listen(number(handle), kBacklog) != 0) {
    return socket_error(errno);
  }
  return socket;
}

Result<StreamSocket> StreamSocket::connect(const SocketAddress& address) {
  auto socket = open(address);
  if (!socket) return socket;
  if (::connect(number(socket->handle()), raw(address), address.size) != 0 &&
      errno != EINPROGRESS) {
    return socket_error(errno);
  }
  return socket;
}

SocketAddress StreamSocket::local() const {
  SocketAddress address;
  socklen_t size = static_cast<socklen_t>(address.bytes.size());
  if (getsockname(number(handle_), raw(address), &size) == 0) address.size = size;
  return address;
}

IoResult StreamSocket::accept(StreamSocket& into, SocketAddress& from) {
  while (true) {
    socklen_t size = static_cast<socklen_t>(from.bytes.size());
    const int handle = accept_raw(number(handle_), raw(from), &size);
    if (handle >= 0) {
      from.size = size;
      into = StreamSocket(handle);
      into.prepare();
      return {IoStatus::done, 1, 0};
    }
    if (!is_callers_own(errno)) return failed(errno);
  }
}

int StreamSocket::connect_result() const noexcept {
  int code = 0;
  socklen_t size = sizeof code;
  if (getsockopt(number(handle_), SOL_SOCKET, SO_ERROR, &code, &size) != 0) return errno;
  if (code != 0) return code;
  // A call to a port of this machine where nobody listens may get that very port for its own, and
  // reach itself (RFC 9293, section 3.5, simultaneous open).
  return is_same_end(local(), remote_address(handle_)) ? ECONNREFUSED : 0;
}

IoResult StreamSocket::read(std::span<std::byte> first, std::span<std::byte> second) noexcept {
  iovec pieces[2] = {{first.data(), first.size()}, {second.data(), second.size()}};
  const bool skips_first = first.empty();
  while (true) {
    const auto count = skips_first ? ::recv(number(handle_), second.data(), second.size(), 0)
                                   : ::readv(number(handle_), pieces, second.empty() ? 1 : 2);
    if (count > 0) return {IoStatus::done, static_cast<std::size_t>(count), 0};
    if (count == 0) return {IoStatus::ended, 0, 0};
    if (errno != EINTR) return failed(errno);
  }
}

IoResult StreamSocket::write(std::span<const std::span<const std::byte>> pieces) noexcept {
  while (true) {
    // A single piece needs no list that the system would have to fetch: 0.1 us.
    const auto sent = pieces.size() == 1
                          ? ::send(number(handle_), pieces[0].data(), pieces[0].size(), kSendFlags)
                          : send_gathered(handle_, pieces);
    if (sent >= 0) return {IoStatus::done, static_cast<std::size_t>(sent), 0};
    if (errno != EINTR) return failed(errno);
  }
}

void StreamSocket::shut_down() noexcept {
  ::shutdown(number(handle_), SHUT_WR);
}

void StreamSocket::watch_for_dead_peer() noexcept {
  set_option(handle_, SOL_SOCKET, SO_KEEPALIVE, 1);
#ifdef TCP_KEEPIDLE
  // The system's own two hours are of no use to anybody: half a minute, then four times ten
  // seconds.
  set_option(handle_, IPPROTO_TCP, TCP_KEEPIDLE, 30);
  set_option(handle_, IPPROTO_TCP, TCP_KEEPINTVL, 10);
  set_option(handle_, IPPROTO_TCP, TCP_KEEPCNT, 4);
#endif
}

std::optional<SendBacklog> send_backlog(SocketHandle socket) noexcept {
#if defined(__linux__)
  int bytes = 0;
  tcp_info info{};
  socklen_t size = sizeof info;
  if (ioctl(number(socket), SIOCOUTQ, &bytes) != 0 ||
      getsockopt(number(socket), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) {
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
  setsockopt(number(socket), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

SocketAddress remote_address(SocketHandle socket) {
  SocketAddress address;
  socklen_t size = static_cast<socklen_t>(address.bytes.size());
  if (getpeername(number(socket), raw(address), &size) == 0) address.size = size;
  return address;
}

bool is_out_of_resources(int system_code) noexcept {
  return system_code == EMFILE || system_code == ENFILE || system_code == ENOBUFS ||
         system_code == ENOMEM;
}

Error socket_error(int system_code) {
  const auto code = [&] {
    if (is_out_of_resources(system_code)) return ErrorCode::out_of_resources;
    switch (system_code) {
      case EADDRINUSE:
        return ErrorCode::address_in_use;
      case EADDRNOTAVAIL:
      case EACCES:
      case EPERM:
        return ErrorCode::address_unavailable;
      case ECONNREFUSED:
        return ErrorCode::connection_refused;
      case ETIMEDOUT:
        return ErrorCode::connect_timed_out;
      case ECONNRESET:
      case EPIPE:
        return ErrorCode::connection_reset;
      default:
        return ErrorCode::socket_failed;
    }
  }();
  return {code, system_code,
          "The operating system says: " + std::system_category().message(system_code) + "."};
}

}  // namespace tickwire::detail
