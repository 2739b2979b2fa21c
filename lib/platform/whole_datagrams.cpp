// SPDX-License-Identifier: MIT
#include "lib/platform/whole_datagrams.hpp"

#if defined(_WIN32)
#include <winsock2.h>
// After winsock2.h, which it needs.
#include <ws2tcpip.h>
#else
#include <netinet/in.h>
#include <sys/socket.h>
#endif

namespace tickwire::detail {
namespace {

// What is known of the way from other connections may be out of date: the way itself is asked.
#if defined(IP_PMTUDISC_PROBE)
constexpr int kOption = IP_MTU_DISCOVER;
constexpr int kWhole = IP_PMTUDISC_PROBE;
#elif defined(IP_DONTFRAGMENT)
constexpr int kOption = IP_DONTFRAGMENT;
constexpr int kWhole = 1;
#elif defined(IP_DONTFRAG)
constexpr int kOption = IP_DONTFRAG;
constexpr int kWhole = 1;
#else
constexpr int kOption = -1;
constexpr int kWhole = 0;
#endif

#if defined(_WIN32)
using Socket = SOCKET;
using Bytes = char;
#else
using Socket = int;
using Bytes = void;
#endif

bool read_option(SocketHandle socket, int& value) noexcept {
  socklen_t size = sizeof value;
  auto* const bytes = static_cast<Bytes*>(static_cast<void*>(&value));
  return getsockopt(static_cast<Socket>(socket), IPPROTO_IP, kOption, bytes, &size) == 0;
}

bool write_option(SocketHandle socket, const int& value) noexcept {
  const auto* const bytes = static_cast<const Bytes*>(static_cast<const void*>(&value));
  return setsockopt(static_cast<Socket>(socket), IPPROTO_IP, kOption, bytes, sizeof value) == 0;
}

}  // namespace

WholeDatagrams::WholeDatagrams(SocketHandle socket) noexcept
    : socket_(socket), is_on_(read_option(socket, before_) && write_option(socket, kWhole)) {}

WholeDatagrams::~WholeDatagrams() {
  if (is_on_) write_option(socket_, before_);
}

}  // namespace tickwire::detail
