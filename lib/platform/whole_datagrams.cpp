// SPDX-License-Identifier: MIT
#include "lib/platform/whole_datagrams.hpp"

#include "lib/platform/socket_headers.hpp"

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

}  // namespace

WholeDatagrams::WholeDatagrams(SocketHandle socket) noexcept
    : socket_(socket),
      is_on_(get_socket_option(socket, IPPROTO_IP, kOption, before_) &&
             set_socket_option(socket, IPPROTO_IP, kOption, kWhole)) {}

WholeDatagrams::~WholeDatagrams() {
  if (is_on_) set_socket_option(socket_, IPPROTO_IP, kOption, before_);
}

}  // namespace tickwire::detail
