// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace tickwire::detail {

/// Some of a host's peers, each once, in the order in which they were marked.
///
/// Memory: all in the constructor.
class MarkedPeers {
 public:
  explicit MarkedPeers(std::size_t peers) : is_marked_(peers) { marked_.reserve(peers); }

  /// A number that no peer has marks nothing.
  void mark(std::size_t peer) noexcept {
    if (peer >= is_marked_.size() || is_marked_[peer]) return;
    is_marked_[peer] = true;
    marked_.push_back(peer);
  }
  [[nodiscard]] std::span<const std::size_t> all() const noexcept { return marked_; }
  void clear() noexcept {
    for (const std::size_t peer : marked_)
      is_marked_[peer] = false;
    marked_.clear();
  }

 private:
  std::vector<std::size_t> marked_;
  std::vector<bool> is_marked_;
};

}  // namespace tickwire::detail
