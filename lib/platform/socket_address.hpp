// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace tickwire::detail {

/// A numeric IPv4 or IPv6 address with a port, as the operating system has it.
struct SocketAddress {
  alignas(8) std::array<std::byte, 32> bytes{};
  std::uint32_t size = 0;

  /// Nothing when the host is not numeric.
  [[nodiscard]] static std::optional<SocketAddress> parse(const std::string& host,
                                                          std::uint16_t port);
  /// An IPv4 address that came in through an IPv6 socket is shown as IPv4.
  [[nodiscard]] std::string host() const;
  [[nodiscard]] std::uint16_t port() const noexcept;
  [[nodiscard]] bool is_ipv6() const noexcept;
  /// The same host and port; of none, never.
  [[nodiscard]] bool is_same_end(const SocketAddress& other) const noexcept;
};

}  // namespace tickwire::detail
