// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "lib/base/bytes.hpp"

namespace tickwire::detail {

/// SipHash-2-4: a short keyed hash that nobody can foretell without the key. It proves who made a
/// value, and spreads entries over a table in a way that callers cannot aim at.
///
/// Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012; its test vectors are
///         those of the authors' reference code.
class SipHash {
 public:
  using Key = std::array<std::byte, 16>;

  explicit SipHash(const Key& key) noexcept
      : low_(load<std::uint64_t>(key.data())), high_(load<std::uint64_t>(key.data() + 8)) {}

  [[nodiscard]] std::uint64_t operator()(std::span<const std::byte> message) const noexcept {
    State state{low_ ^ 0x736f6d6570736575u, high_ ^ 0x646f72616e646f6du, low_ ^ 0x6c7967656e657261u,
                high_ ^ 0x7465646279746573u};
    std::uint64_t last = static_cast<std::uint64_t>(message.size()) << 56;
    for (; message.size() >= 8; message = message.subspan(8))
      state.absorb(load<std::uint64_t>(message.data()));
    for (std::size_t i = 0; i < message.size(); ++i)
      last |= std::to_integer<std::uint64_t>(message[i]) << (8 * i);
    state.absorb(last);
    state.c ^= 0xff;
    for (int i = 0; i < 4; ++i)
      state.round();
    return state.a ^ state.b ^ state.c ^ state.d;
  }

 private:
  struct State {
    std::uint64_t a, b, c, d;

    void round() noexcept {
      a += b;
      b = std::rotl(b, 13) ^ a;
      a = std::rotl(a, 32);
      c += d;
      d = std::rotl(d, 16) ^ c;
      a += d;
      d = std::rotl(d, 21) ^ a;
      c += b;
      b = std::rotl(b, 17) ^ c;
      c = std::rotl(c, 32);
    }
    void absorb(std::uint64_t word) noexcept {
      d ^= word;
      round();
      round();
      a ^= word;
    }
  };

  std::uint64_t low_;
  std::uint64_t high_;
};

}  // namespace tickwire::detail
