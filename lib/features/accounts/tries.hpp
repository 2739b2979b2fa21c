// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include <tickwire/accounts.hpp>
#include <tickwire/address.hpp>

namespace tickwire::detail {

/// Remembers who has failed to log in how often, and who is about to try. A try under way has the
/// next ones wait as a failure does, so that many at once are not cheaper than one after the other.
/// But nobody is refused for it: it may well be right.
///
/// Memory: `max_remembered` failures, of which the longest ago gives way; two for each `Attempt`.
class Tries {
 public:
  /// A try under way, for as long as this lives. Without `fail` it was no failure.
  ///
  /// Lifetime: the `Tries` must outlive it.
  class Attempt {
   public:
    Attempt(Tries& tries, std::string address, std::string user, Duration delay);
    ~Attempt();
    Attempt(const Attempt&) = delete;
    Attempt& operator=(const Attempt&) = delete;

    /// How long it has to wait.
    [[nodiscard]] Duration delay() const noexcept { return delay_; }
    /// Whether its address has failed too often since it began. Then no proof is looked at, or all
    /// that began in time could guess at once.
    [[nodiscard]] bool is_too_late(TimePoint now) const;
    void fail(TimePoint now);

   private:
    Tries& tries_;
    const std::string address_;
    const std::string user_;
    const Duration delay_;
  };

  explicit Tries(const AccountsOptions& options) : options_(options) {}

  /// Null: it is refused.
  [[nodiscard]] std::unique_ptr<Attempt> begin(const Address& from, const std::string& user,
                                               TimePoint now);

 private:
  struct Failures {
    std::size_t count = 0;
    TimePoint last{};
  };

  [[nodiscard]] std::size_t failures_of(const std::string& key, TimePoint now) const;
  // With the tries under way.
  [[nodiscard]] std::size_t tries_of(const std::string& key, TimePoint now) const;
  void add(const std::string& key, TimePoint now);
  void drop(const std::string& key);
  void make_room(TimePoint now);
  [[nodiscard]] Duration delay_after(std::size_t failures) const;

  const AccountsOptions& options_;
  std::unordered_map<std::string, Failures> failures_;
  std::unordered_map<std::string, std::size_t> under_way_;
};

/// Who stands behind an address: all of a numeric IPv4 one or a name, the first 64 bits of IPv6.
[[nodiscard]] std::string subscriber_text(const Address& address);

}  // namespace tickwire::detail
