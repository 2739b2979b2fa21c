// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "lib/base/bytes.hpp"

/// What two sessions say to each other so that a connection outlives its link.
namespace tickwire::detail {

/// Proves that somebody is the other end of a connection. Told over its link, good for one return.
///
/// Shape: the connection's slot at the accepting host, then random bytes.
struct ResumeToken {
  static constexpr std::size_t size_bytes = 32;
  std::array<std::byte, size_bytes> bytes{};

  [[nodiscard]] std::uint32_t slot() const noexcept { return load<std::uint32_t>(bytes.data()); }
  /// Takes equally long wherever they differ.
  [[nodiscard]] bool matches(const ResumeToken& other) const noexcept {
    std::byte difference{};
    for (std::size_t i = 0; i < size_bytes; ++i)
      difference |= bytes[i] ^ other.bytes[i];
    return difference == std::byte{};
  }
};

/// How far an end has come with what the other one sent.
struct ResumePoint {
  std::uint64_t spent = 0;  ///< credit that the other end has used, as this one counts it
  std::uint64_t limit = 0;  ///< what it may use in all
  std::vector<std::pair<std::uint8_t, std::uint32_t>> taken;  ///< reliable messages, by channel
};

/// What a greeting says about it.
struct ResumeWords {
  bool asks = false;                 ///< HELLO: this end would come back
  std::optional<ResumeToken> token;  ///< HELLO: it does; WELCOME: for the next time
  std::optional<ResumePoint> point;  ///< goes on from here
};

}  // namespace tickwire::detail
