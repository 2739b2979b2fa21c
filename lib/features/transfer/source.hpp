// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <tickwire/error.hpp>

#include "lib/crypto/sha256.hpp"
#include "lib/platform/file.hpp"

namespace tickwire::detail {

/// What is sent: a file or a block of memory, read from front to end, and its checksum so far.
///
/// Thread: one at a time; the file thread once it is at work.
class TransferSource {
 public:
  TransferSource(File file, const FileFacts& facts) : file_(std::move(file)), facts_(facts) {}
  explicit TransferSource(std::shared_ptr<const std::vector<std::byte>> bytes)
      : memory_(std::move(bytes)), facts_{memory_->size(), 0} {}

  [[nodiscard]] std::uint64_t position() const noexcept { return position_; }
  [[nodiscard]] crypto::Sha256Digest digest() const { return sum_.digest(); }

  /// The next bytes, behind some room.
  ///
  /// Errors: `file_unreadable`; `file_changed` when there are fewer; `out_of_resources`.
  [[nodiscard]] Result<std::vector<std::byte>> read(std::size_t bytes, std::size_t room = 0);
  /// Begins again at the front.
  void rewind();
  /// Whether it is still what it was when it was opened.
  [[nodiscard]] Result<void> check_unchanged() const;

 private:
  File file_;
  std::shared_ptr<const std::vector<std::byte>> memory_;
  FileFacts facts_;
  std::uint64_t position_ = 0;
  crypto::Sha256 sum_;
};

}  // namespace tickwire::detail
