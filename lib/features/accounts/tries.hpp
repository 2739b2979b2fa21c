// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include <tickwire/accounts.hpp>
#include <tickwire/address.hpp>

namespace tickwire::detail {

/// Remembers who has failed to log in how often. A try counts as a failure from its beginning until
/// it is taken back, so that many at once are not cheaper than one after the other.
///
/// Memory: `max_remembered` entries; the one whose last failure is the longest ago gives way.
class Tries {
 public:
  explicit Tries(const AccountsOptions& options) : options_(options) {}

  /// How long the try has to wait; nothing: it is refused.
  [[nodiscard]] std::optional<Duration> begin(const Address& from, const std::string& user,
                                              TimePoint now);
  /// It was no failure.
  void take_back(const Address& from, const std::string& user);

 private:
  struct Failures {
    std::size_t count = 0;
    TimePoint last{};
  };

  [[nodiscard]] std::size_t failures_of(const std::string& key, TimePoint now) const;
  void add(const std::string& key, TimePoint now);
  void make_room(TimePoint now);
  [[nodiscard]] Duration delay_after(std::size_t failures) const;

  const AccountsOptions& options_;
  std::unordered_map<std::string, Failures> failures_;
};

/// Who stands behind an address: all of a numeric IPv4 one or a name, the first 64 bits of IPv6.
[[nodiscard]] std::string subscriber_text(const Address& address);

}  // namespace tickwire::detail
