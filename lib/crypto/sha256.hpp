// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>

namespace tickwire::crypto {

using Sha256Digest = std::array<std::byte, 32>;

/// The SHA-256 of bytes that come piece by piece.
///
/// Source: FIPS 180-4.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(std::span<const std::byte> bytes);
  /// The digest of everything so far; more may follow.
  [[nodiscard]] Sha256Digest digest() const;
  /// Another one that has seen the same bytes.
  [[nodiscard]] Sha256 copy() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

[[nodiscard]] Sha256Digest sha256(std::span<const std::byte> bytes);
/// Of each piece on its own, many of them at once where the processor can.
///
/// Pre: as many pieces as digests, of at most 32 KiB, are all that there is.
void sha256_each(std::span<const std::byte> bytes, std::size_t piece_bytes,
                 std::span<Sha256Digest> digests);

}  // namespace tickwire::crypto
