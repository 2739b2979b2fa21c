// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <span>

#include "lib/crypto/sha256.hpp"

namespace tickwire::detail {

/// The checksum of what is transferred, which comes piece by piece: the SHA-256 of the SHA-256s of
/// its leaves, the last of which may be shorter. As safe as one of the whole, and many leaves are
/// hashed at once.
///
/// Errors: its members throw `std::bad_alloc`.
/// Source: hash trees, RFC 6962, section 2.1; here of one level.
class TransferChecksum {
 public:
  static constexpr std::size_t leaf_bytes = 8 * 1024;
  /// Best hashed right after or before something else is done with as many bytes, while a
  /// processor's own cache has them: a leaf for each lane of the widest.
  static constexpr std::size_t cached_bytes = 16 * leaf_bytes;

  void update(std::span<const std::byte> bytes);
  /// Of everything so far; more may follow.
  [[nodiscard]] crypto::Sha256Digest digest() const;

 private:
  void fill_leaf(std::span<const std::byte> bytes);

  crypto::Sha256 leaves_;
  crypto::Sha256 leaf_;  // the one that has begun
  std::size_t begun_bytes_ = 0;
};

}  // namespace tickwire::detail
