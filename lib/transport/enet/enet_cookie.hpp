// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include <tickwire/clock.hpp>

#include "lib/base/ipv4_endpoint.hpp"
#include "lib/base/siphash.hpp"

namespace tickwire::detail {

/// What goes to and fro before ENet has its first word: a caller asks, and the listener hands it a
/// cookie, which only somebody who gets datagrams at that address can know.
///
/// Shape: docs/wire-format.md, "Before ENet".
struct CookieDatagram {
  enum class Kind : std::uint8_t { question, answer };

  Kind kind = Kind::question;
  std::uint64_t nonce = 0;   ///< the caller's, which the answer repeats
  std::uint32_t cookie = 0;  ///< of an answer
  bool is_probe = false;     ///< as large as a datagram may become, to see whether it passes
};

/// Question and answer alike, so that nobody can be hit by more than was paid for.
inline constexpr std::size_t kCookieDatagramBytes = 16;
using CookieBytes = std::array<std::byte, kCookieDatagramBytes>;

/// Nothing when the bytes are something else, or not exact. What a probe is filled up with is not
/// looked at. Pre: none; any bytes will do.
[[nodiscard]] std::optional<CookieDatagram> read_cookie_datagram(
    std::span<const std::byte> datagram) noexcept;
/// A probe's first bytes.
[[nodiscard]] CookieBytes write_cookie_datagram(const CookieDatagram& datagram) noexcept;

/// A cookie lasts this long at least, and twice as long at most.
inline constexpr Duration kCookieTime = std::chrono::seconds(15);

/// Makes a listener's cookies and knows them again, without keeping any: each is a keyed hash of
/// the address that it was made for. The key changes every `kCookieTime`; the last one still holds.
class CookieJar {
 public:
  /// Nothing when the operating system has no random numbers.
  [[nodiscard]] static std::optional<CookieJar> open(TimePoint now);

  [[nodiscard]] std::uint32_t bake(Ipv4Endpoint whom, TimePoint now) noexcept;
  [[nodiscard]] bool holds(std::uint32_t cookie, Ipv4Endpoint whom, TimePoint now) noexcept;

 private:
  CookieJar(const SipHash& key, TimePoint now) : current_(key), changed_at_(now) {}
  void change_keys(TimePoint now) noexcept;

  SipHash current_;
  std::optional<SipHash> last_;
  TimePoint changed_at_;
};

}  // namespace tickwire::detail
