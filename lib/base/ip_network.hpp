// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <tickwire/error.hpp>

namespace tickwire::detail {

enum class IpFamily : std::uint8_t { v4, v6 };

/// The address in a numeric host: 4 bytes of IPv4 or 16 of IPv6, the first first, zeros behind.
struct IpAddress {
  IpFamily family = IpFamily::v4;
  std::array<std::byte, 16> bytes{};

  /// Takes what `Address::host` may hold: dotted numbers, or RFC 4291's forms with or without a
  /// zone, which is left out. IPv4 within IPv6 (::ffff:a.b.c.d) becomes IPv4. Nothing: any other
  /// text.
  [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text) noexcept;

  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] std::uint8_t bits() const noexcept { return family == IpFamily::v4 ? 32 : 128; }
  /// The same with zeros from bit `length` on.
  [[nodiscard]] IpAddress masked(std::uint8_t length) const noexcept;

  friend bool operator==(const IpAddress&, const IpAddress&) noexcept = default;
  friend auto operator<=>(const IpAddress&, const IpAddress&) noexcept = default;
};

/// All addresses that begin with the same bits.
struct IpNetwork {
  IpAddress address;  ///< zeros behind the prefix
  std::uint8_t length = 0;

  /// Shape:  an address, or one with a prefix length behind a slash.
  /// Errors: `invalid_argument`, with a sentence that shows the text.
  [[nodiscard]] static Result<IpNetwork> parse(std::string_view text);

  /// As it is parsed; without a length when it is one address. IPv6 as RFC 5952 writes it.
  [[nodiscard]] std::string to_string() const;

  friend bool operator==(const IpNetwork&, const IpNetwork&) noexcept = default;
  friend auto operator<=>(const IpNetwork&, const IpNetwork&) noexcept = default;
};

}  // namespace tickwire::detail
