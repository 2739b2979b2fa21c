// SPDX-License-Identifier: MIT
#include "lib/features/transfer/checksum.hpp"

#include <algorithm>
#include <array>

namespace tickwire::detail {
namespace {

// As many as the widest processors hash at once, several times.
constexpr std::size_t kMostAtOnce = 64;

}  // namespace

void TransferChecksum::update(std::span<const std::byte> bytes) {
  if (begun_bytes_ > 0) {
    const auto rest = bytes.first(std::min(bytes.size(), leaf_bytes - begun_bytes_));
    fill_leaf(rest);
    bytes = bytes.subspan(rest.size());
  }
  std::array<crypto::Sha256Digest, kMostAtOnce> digests;
  while (bytes.size() >= leaf_bytes) {
    const auto some = std::span(digests).first(std::min(bytes.size() / leaf_bytes, kMostAtOnce));
    crypto::sha256_each(bytes.first(some.size() * leaf_bytes), leaf_bytes, some);
    leaves_.update(std::as_bytes(some));
    bytes = bytes.subspan(some.size() * leaf_bytes);
  }
  if (!bytes.empty()) fill_leaf(bytes);
}

void TransferChecksum::fill_leaf(std::span<const std::byte> bytes) {
  leaf_.update(bytes);
  begun_bytes_ += bytes.size();
  if (begun_bytes_ < leaf_bytes) return;
  leaves_.update(leaf_.digest());
  leaf_ = crypto::Sha256();
  begun_bytes_ = 0;
}

crypto::Sha256Digest TransferChecksum::digest() const {
  if (begun_bytes_ == 0) return leaves_.digest();
  crypto::Sha256 all = leaves_.copy();
  all.update(leaf_.digest());
  return all.digest();
}

}  // namespace tickwire::detail
