// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <optional>

#include "lib/crypto/sha256.hpp"
#include "lib/platform/file.hpp"

namespace tickwire::detail {

/// The checksums of the files that were sent last: who gets the same file next costs no hashing. A
/// checksum that has become wrong all the same is noticed by its receiver, and forgotten.
class KnownSums {
 public:
  /// `most`: so many files, at least 0.
  explicit KnownSums(std::size_t most) : most_(most) {}

  [[nodiscard]] std::optional<crypto::Sha256Digest> find(const FileStamp& stamp) const {
    for (const Known& each : known_)
      if (each.stamp == stamp) return each.sum;
    return std::nullopt;
  }
  void remember(const FileStamp& stamp, const crypto::Sha256Digest& sum) {
    forget(stamp);
    known_.push_back({stamp, sum});
    if (known_.size() > most_) known_.pop_front();
  }
  void forget(const FileStamp& stamp) {
    std::erase_if(known_, [&](const Known& each) { return each.stamp == stamp; });
  }

 private:
  struct Known {
    FileStamp stamp;
    crypto::Sha256Digest sum;
  };

  std::size_t most_;
  std::deque<Known> known_;
};

}  // namespace tickwire::detail
