// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

#include "lib/base/ip_network.hpp"
#include "lib/base/siphash.hpp"

namespace tickwire::detail {

using WallTime = std::chrono::system_clock::time_point;

inline constexpr WallTime kForEver = WallTime::max();

/// Networks, each until a time: one hash table for every prefix length that is in use.
class AccessTable {
 public:
  explicit AccessTable(const SipHash::Key& key) : hash_{SipHash(key)} {}

  /// Puts one in, or in the place of the one that is there.
  void put(const IpNetwork& network, WallTime until);
  /// Whether there was one.
  bool erase(const IpNetwork& network);
  [[nodiscard]] bool has(const IpNetwork& network) const;
  /// Whether a network that has not ended holds the address.
  [[nodiscard]] bool covers(const IpAddress& address, WallTime now) const;
  /// Drops those that have ended.
  void prune(WallTime now);
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  void for_each(const std::function<void(const IpNetwork&, WallTime until)>& function) const;

 private:
  using Bytes = std::array<std::byte, 16>;
  // Who may choose addresses must not be able to choose their places in the table.
  struct Hash {
    SipHash sip;
    [[nodiscard]] std::size_t operator()(const Bytes& bytes) const noexcept {
      return static_cast<std::size_t>(sip(bytes));
    }
  };
  using Networks = std::unordered_map<Bytes, WallTime, Hash>;
  struct Length {
    std::uint8_t bits;
    Networks networks;
  };

  [[nodiscard]] const std::vector<Length>& of(IpFamily family) const noexcept {
    return lengths_[static_cast<std::size_t>(family)];
  }
  [[nodiscard]] const Networks* find(const IpNetwork& network) const noexcept;

  Hash hash_;
  std::array<std::vector<Length>, 2> lengths_;
  std::size_t size_ = 0;
};

}  // namespace tickwire::detail
