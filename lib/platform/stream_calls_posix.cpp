// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>

#include "lib/platform/socket_headers.hpp"
#include "lib/platform/stream_calls.hpp"

namespace tickwire::detail {
namespace {

constexpr std::size_t kMaxPieces = 64;

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

#ifdef MSG_NOSIGNAL
constexpr int kSendFlags = MSG_NOSIGNAL;
#else
constexpr int kSendFlags = 0;
#endif

void prepare(int handle) noexcept {
  set_flags(handle);
#ifdef SO_NOSIGPIPE
  set_socket_option(handle, SOL_SOCKET, SO_NOSIGPIPE, 1);
#endif
}

}  // namespace

SocketHandle open_stream(bool is_ipv6) noexcept {
  const int handle = ::socket(is_ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | kAtOnce, IPPROTO_TCP);
  if (handle < 0) return kNoSocket;
  prepare(handle);
  return handle;
}

SocketHandle accept_stream(SocketHandle listener, SocketAddress& from) noexcept {
  auto size = static_cast<socklen_t>(from.bytes.size());
  const int handle =
      accept_raw(native(listener), reinterpret_cast<sockaddr*>(from.bytes.data()), &size);
  if (handle < 0) return kNoSocket;
  from.size = size;
  prepare(handle);
  return handle;
}

void close_stream(SocketHandle socket) noexcept {
  ::close(native(socket));
}

void reuse_address(SocketHandle listener) noexcept {
  set_socket_option(listener, SOL_SOCKET, SO_REUSEADDR, 1);
}

std::ptrdiff_t receive_pieces(SocketHandle socket, std::span<std::byte> first,
                              std::span<std::byte> second) noexcept {
  if (first.empty()) return ::recv(native(socket), second.data(), second.size(), 0);
  const iovec pieces[2] = {{first.data(), first.size()}, {second.data(), second.size()}};
  return ::readv(native(socket), pieces, second.empty() ? 1 : 2);
}

std::ptrdiff_t send_pieces(SocketHandle socket,
                           std::span<const std::span<const std::byte>> pieces) noexcept {
  // A single piece needs no list that the system would have to fetch: 0.1 us.
  if (pieces.size() == 1)
    return ::send(native(socket), pieces[0].data(), pieces[0].size(), kSendFlags);
  iovec gathered[kMaxPieces];
  const std::size_t count = std::min(pieces.size(), kMaxPieces);
  for (std::size_t i = 0; i < count; ++i)
    gathered[i] = {const_cast<std::byte*>(pieces[i].data()), pieces[i].size()};
  msghdr message{};
  message.msg_iov = gathered;
  message.msg_iovlen = static_cast<decltype(message.msg_iovlen)>(count);
  return ::sendmsg(native(socket), &message, kSendFlags);
}

void end_sending(SocketHandle socket) noexcept {
  ::shutdown(native(socket), SHUT_WR);
}

}  // namespace tickwire::detail
