// SPDX-License-Identifier: MIT
#include <algorithm>
#include <limits>

#include "lib/platform/inheritance.hpp"
#include "lib/platform/socket_errno.hpp"
#include "lib/platform/socket_headers.hpp"
#include "lib/platform/stream_calls.hpp"

namespace tickwire::detail {
namespace {

constexpr std::size_t kMaxPieces = 64;

// Winsock counts in 32 bits: what is larger goes in parts.
WSABUF piece(const void* bytes, std::size_t size) noexcept {
  constexpr std::size_t most = std::numeric_limits<int>::max();
  return {static_cast<ULONG>(std::min(size, most)), static_cast<CHAR*>(const_cast<void*>(bytes))};
}

SocketHandle prepare(SOCKET socket) noexcept {
  if (socket == INVALID_SOCKET) return kNoSocket;
  const auto handle = static_cast<SocketHandle>(socket);
  u_long non_blocking = 1;
  ioctlsocket(socket, static_cast<long>(FIONBIO), &non_blocking);
  keep_from_children(handle);
  return handle;
}

}  // namespace

void start_sockets() noexcept {
  static const int status = [] {
    WSADATA about;
    return WSAStartup(MAKEWORD(2, 2), &about);
  }();
  // A later call fails, and says so.
  static_cast<void>(status);
}

SocketHandle open_stream(bool is_ipv6) noexcept {
  start_sockets();
  return prepare(::socket(is_ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM, IPPROTO_TCP));
}

SocketHandle accept_stream(SocketHandle listener, SocketAddress& from) noexcept {
  auto size = static_cast<int>(from.bytes.size());
  const SocketHandle socket =
      prepare(::accept(native(listener), reinterpret_cast<sockaddr*>(from.bytes.data()), &size));
  if (socket != kNoSocket) from.size = static_cast<std::uint32_t>(size);
  return socket;
}

void close_stream(SocketHandle socket) noexcept {
  ::closesocket(native(socket));
}

// Old connections are in nobody's way here, and SO_REUSEADDR would let any program take the port.
void reuse_address(SocketHandle listener) noexcept {
  set_socket_option(listener, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1);
}

std::ptrdiff_t receive_pieces(SocketHandle socket, std::span<std::byte> first,
                              std::span<std::byte> second) noexcept {
  WSABUF pieces[2] = {piece(first.data(), first.size()), piece(second.data(), second.size())};
  const bool skips_first = first.empty();
  const DWORD count = skips_first || second.empty() ? 1 : 2;
  DWORD received = 0;
  DWORD flags = 0;
  const int status = WSARecv(native(socket), pieces + (skips_first ? 1 : 0), count, &received,
                             &flags, nullptr, nullptr);
  return status == 0 ? static_cast<std::ptrdiff_t>(received) : -1;
}

std::ptrdiff_t send_pieces(SocketHandle socket,
                           std::span<const std::span<const std::byte>> pieces) noexcept {
  WSABUF gathered[kMaxPieces];
  const std::size_t count = std::min(pieces.size(), kMaxPieces);
  for (std::size_t i = 0; i < count; ++i)
    gathered[i] = piece(pieces[i].data(), pieces[i].size());
  DWORD sent = 0;
  const int status =
      WSASend(native(socket), gathered, static_cast<DWORD>(count), &sent, 0, nullptr, nullptr);
  return status == 0 ? static_cast<std::ptrdiff_t>(sent) : -1;
}

void end_sending(SocketHandle socket) noexcept {
  ::shutdown(native(socket), SD_SEND);
}

}  // namespace tickwire::detail
