// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tickwire/error.hpp>
#include <tickwire/transfer.hpp>

#include "lib/features/transfer/checksum.hpp"
#include "lib/platform/file.hpp"

namespace tickwire::detail {

/// What makes an offer the same as an earlier one.
struct OfferIdentity {
  std::string key;  ///< 32 bytes
  std::uint64_t size_bytes = 0;
};

/// What is received, as far as it has come: a `.part` file beside its target with a `.part.state`
/// file that says what it is a part of; or memory. Whoever writes a part has it locked, and only
/// who has it locked touches the state beside it: another process may want the same name.
///
/// Thread: one at a time; the file thread once it is at work.
class TransferPart {
 public:
  /// In memory.
  TransferPart() = default;

  /// Takes the target's name for this offer: finds what is there of an earlier attempt, or makes
  /// an empty part.
  ///
  /// Errors: `file_exists`, `file_unwritable`, `disk_full`.
  [[nodiscard]] static Result<TransferPart> open(const std::filesystem::path& target,
                                                 WhenThere when_there, const OfferIdentity& offer);

  /// Another one after `finish`, where `WhenThere::number` found the name taken by then.
  [[nodiscard]] const std::filesystem::path& target() const noexcept { return target_; }
  /// Bytes written, or looked at again.
  [[nodiscard]] std::uint64_t position() const noexcept { return position_; }
  [[nodiscard]] crypto::Sha256Digest digest() const { return sum_.digest(); }

  /// Reads on in what an earlier attempt left, for the checksum. False: there is no more.
  [[nodiscard]] Result<bool> look_again(std::size_t bytes);
  /// Throws away what was there.
  [[nodiscard]] Result<void> start_over();
  [[nodiscard]] Result<void> append(std::span<const std::byte> bytes);
  /// Checks the whole and puts it in its place, or else removes it. Nothing is done to it after.
  ///
  /// Errors: `checksum_mismatch`, `file_exists`, `file_unwritable` (also when the part's name has
  ///         become another file's), `disk_full`; `transfer_cancelled` after `give_up`.
  [[nodiscard]] Result<void> finish(const crypto::Sha256Digest& wanted);
  /// Has `finish` leave the whole out of its place, unless it is there by then: its answer tells.
  ///
  /// Thread: any.
  void give_up() noexcept { is_given_up_->store(true); }
  /// Lets go of the files, and keeps them if there is anything in them.
  void keep() noexcept;
  /// Removes what there is, once: the names may be another transfer's after that.
  void discard() noexcept;

  [[nodiscard]] std::vector<std::byte> take_memory() noexcept { return std::move(memory_); }

 private:
  [[nodiscard]] static Result<TransferPart> open_exactly(const std::filesystem::path& target,
                                                         WhenThere when_there,
                                                         const OfferIdentity& offer);
  [[nodiscard]] Result<void> take_over(const OfferIdentity& offer);
  [[nodiscard]] Result<void> put_in_place(const crypto::Sha256Digest& wanted);
  [[nodiscard]] Result<void> move_to_free_name();
  void remove_part() noexcept;
  void remove_state() noexcept;

  std::filesystem::path wanted_;  // without a number
  std::filesystem::path target_;  // empty: in memory
  std::filesystem::path part_;
  std::filesystem::path state_;
  WhenThere when_there_ = WhenThere::refuse;
  File file_;
  std::vector<std::byte> memory_;
  bool is_closed_ = false;  // finished, kept or discarded
  std::shared_ptr<std::atomic<bool>> is_given_up_ = std::make_shared<std::atomic<bool>>(false);
  std::uint64_t earlier_bytes_ = 0;
  std::uint64_t position_ = 0;
  std::uint64_t written_out_ = 0;
  TransferChecksum sum_;
};

}  // namespace tickwire::detail
