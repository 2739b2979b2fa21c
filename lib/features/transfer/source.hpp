// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <tickwire/error.hpp>

#include "lib/features/transfer/checksum.hpp"
#include "lib/platform/file.hpp"

namespace tickwire::detail {

/// What is sent: a file or a block of memory, read from front to end, and its checksum so far.
///
/// Thread: one at a time; the file thread once it is at work.
class TransferSource {
 public:
  TransferSource(File file, const FileStamp& stamp) : file_(std::move(file)), stamp_(stamp) {}
  explicit TransferSource(std::shared_ptr<const std::vector<std::byte>> bytes)
      : memory_(std::move(bytes)) {}

  [[nodiscard]] std::uint64_t position() const noexcept { return position_; }
  /// Of what was read so far.
  [[nodiscard]] crypto::Sha256Digest digest() const { return sum_.digest(); }
  /// What it was when it was opened; nothing of a block of memory.
  [[nodiscard]] const std::optional<FileStamp>& stamp() const noexcept { return stamp_; }

  /// The checksum of everything is known: what is read from here on need not be looked at.
  void know(const crypto::Sha256Digest& whole) noexcept { known_.emplace(whole); }
  /// Of everything. Pre: all was read, or it is known.
  [[nodiscard]] crypto::Sha256Digest whole_digest() const {
    return known_ ? *known_ : sum_.digest();
  }

  /// The next bytes, as many as there is room for.
  ///
  /// Errors: `file_unreadable`; `file_changed` when there are fewer; `out_of_resources`.
  [[nodiscard]] Result<void> read(std::span<std::byte> to);
  /// Reads them for their checksum only.
  [[nodiscard]] Result<void> pass_over(std::size_t bytes);
  /// Begins again at the front.
  void rewind();
  /// Whether it is still what it was when it was opened.
  [[nodiscard]] Result<void> check_unchanged() const;

 private:
  [[nodiscard]] Result<void> fetch(std::span<std::byte> to) const;

  File file_;
  std::shared_ptr<const std::vector<std::byte>> memory_;
  std::optional<FileStamp> stamp_;
  std::optional<crypto::Sha256Digest> known_;
  std::uint64_t position_ = 0;
  TransferChecksum sum_;
};

}  // namespace tickwire::detail
