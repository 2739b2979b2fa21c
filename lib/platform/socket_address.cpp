// SPDX-License-Identifier: MIT
#include "lib/platform/socket_address.hpp"

#include <cstring>
#include <memory>

#include "lib/platform/socket_headers.hpp"

namespace tickwire::detail {
namespace {

static_assert(sizeof(sockaddr_in6) <= sizeof(SocketAddress::bytes));

const sockaddr* raw(const SocketAddress& address) noexcept {
  return reinterpret_cast<const sockaddr*>(address.bytes.data());
}
const sockaddr_in& as_ipv4(const SocketAddress& address) noexcept {
  return *reinterpret_cast<const sockaddr_in*>(address.bytes.data());
}
const sockaddr_in6& as_ipv6(const SocketAddress& address) noexcept {
  return *reinterpret_cast<const sockaddr_in6*>(address.bytes.data());
}

}  // namespace

std::optional<SocketAddress> SocketAddress::parse(const std::string& host, std::uint16_t port) {
  start_sockets();
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  // inet_pton knows no zones, as in fe80::1%eth0, and getaddrinfo takes more than the dotted form.
  in_addr four{};
  const bool is_text_of_ipv6 = host.find(':') != std::string::npos;
  if (!is_text_of_ipv6 && inet_pton(AF_INET, host.c_str(), &four) != 1) return std::nullopt;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return std::nullopt;
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(
      found, [](addrinfo* list) { freeaddrinfo(list); });
  SocketAddress address;
  if (found->ai_addrlen > address.bytes.size()) return std::nullopt;
  std::memcpy(address.bytes.data(), found->ai_addr, found->ai_addrlen);
  address.size = static_cast<std::uint32_t>(found->ai_addrlen);
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
  getnameinfo(raw(*this), static_cast<socklen_t>(size), text, sizeof text, nullptr, 0,
              NI_NUMERICHOST);
  return text;
}

std::uint16_t SocketAddress::port() const noexcept {
  return ntohs(is_ipv6() ? as_ipv6(*this).sin6_port : as_ipv4(*this).sin_port);
}

bool SocketAddress::is_same_end(const SocketAddress& other) const noexcept {
  if (size == 0 || size != other.size || is_ipv6() != other.is_ipv6()) return false;
  if (port() != other.port()) return false;
  if (!is_ipv6()) return as_ipv4(*this).sin_addr.s_addr == as_ipv4(other).sin_addr.s_addr;
  return std::memcmp(&as_ipv6(*this).sin6_addr, &as_ipv6(other).sin6_addr, sizeof(in6_addr)) == 0;
}

}  // namespace tickwire::detail
