// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <tickwire/clock.hpp>

#include "lib/base/siphash.hpp"

namespace tickwire::detail {

/// Who stands behind an address: all of an IPv4 one, the first 64 bits of an IPv6 one, since one
/// caller has as many of the rest as it likes.
enum class Subscriber : std::uint64_t {};

/// Shape: `address` is a.b.c.d from the top byte down.
[[nodiscard]] constexpr Subscriber ipv4_subscriber(std::uint32_t address) noexcept {
  return Subscriber{0xffff'0000'0000u | address};
}
/// Of a numeric host, as `Address` writes it. Any other text is somebody, too.
[[nodiscard]] Subscriber subscriber_of(std::string_view host) noexcept;

/// How often one address may come in: a token bucket for each, in a table of fixed size. One table
/// serves all transports of a host.
///
/// Memory: 64 KiB, allocated once. When it is full, the bucket that is nearest to being full again
///         gives way, which costs nothing as long as 4,096 addresses are not at their limit.
class ConnectRate {
 public:
  /// A second's worth may come at once, and four at least: callers gather while a program is busy.
  ConnectRate(double per_second, const SipHash::Key& key);

  /// Whether one more may come now; if so, it is counted.
  [[nodiscard]] bool take(Subscriber who, TimePoint now) noexcept;
  /// The same without counting it.
  [[nodiscard]] bool allows(Subscriber who, TimePoint now) const noexcept;

 private:
  // A bucket is known by when it is full again: each one taken moves that on by one interval.
  struct Bucket {
    Subscriber who{};
    TimePoint full_at = TimePoint::min();
  };

  [[nodiscard]] std::size_t first_way(Subscriber who) const noexcept;
  [[nodiscard]] bool has_room(const Bucket& bucket, TimePoint now) const noexcept;

  SipHash hash_;
  Duration interval_;
  Duration depth_;
  std::vector<Bucket> buckets_;
};

}  // namespace tickwire::detail
