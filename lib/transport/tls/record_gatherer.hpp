// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include <tickwire/copy_bytes.hpp>

namespace tickwire::detail {

/// Cuts a list of pieces into what goes into one TLS record each: full ones as long as there is
/// enough. A large piece gives its bytes from where they are, small ones are put together first.
class RecordGatherer {
 public:
  static constexpr std::size_t most_bytes = 16384;  // RFC 8446, section 5.1

  explicit RecordGatherer(std::span<const std::span<const std::byte>> pieces) : pieces_(pieces) {
    skip(0);
  }

  [[nodiscard]] bool is_empty() const noexcept { return pieces_.empty(); }

  /// The next bytes, at most `limit`, which is at most `most_bytes`; fewer at the end only.
  ///
  /// Lifetime: until the next call.
  [[nodiscard]] std::span<const std::byte> next(std::size_t limit) {
    if (pieces_.empty()) return {};
    const auto front = pieces_.front().subspan(offset_);
    if (front.size() >= limit || pieces_.size() == 1)
      return front.first(std::min(front.size(), limit));
    std::size_t size = 0;
    std::size_t offset = offset_;
    for (const auto piece : pieces_) {
      const std::size_t count = std::min(piece.size() - offset, limit - size);
      copy_bytes(scratch_.data() + size, piece.data() + offset, count);
      size += count;
      offset = 0;
      if (size == limit) break;
    }
    return std::span(scratch_).first(size);
  }

  /// Goes on behind what went into a record.
  void skip(std::size_t bytes) {
    offset_ += bytes;
    while (!pieces_.empty() && offset_ >= pieces_.front().size()) {
      offset_ -= pieces_.front().size();
      pieces_ = pieces_.subspan(1);
    }
  }

 private:
  std::span<const std::span<const std::byte>> pieces_;
  std::size_t offset_ = 0;                     // into the first piece
  std::array<std::byte, most_bytes> scratch_;  // not filled before it is used: 16 KiB cost time
};

}  // namespace tickwire::detail
