// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tickwire/transfer.hpp>

#include "lib/features/transfer/checksum.hpp"
#include "test/support/host_pair.hpp"

namespace tickwire::test {

/// A folder that goes with the test.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  /// Writes a file and returns its path.
  std::filesystem::path write(std::string_view name, std::string_view text) const;
  [[nodiscard]] std::filesystem::path operator/(std::string_view name) const {
    return path_ / name;
  }
  /// The names of what is in it, in order.
  [[nodiscard]] std::vector<std::string> names() const;

 private:
  std::filesystem::path path_;
};

[[nodiscard]] std::string text_of_file(const std::filesystem::path& path);

/// What a transfer of these bytes ends with.
[[nodiscard]] crypto::Sha256Digest checksum_of(std::span<const std::byte> bytes);

/// No more than 64 KiB come between two steps, however late the file threads have their turn.
[[nodiscard]] TransferOptions in_small_steps();

/// A connected pair whose client sends files and whose server receives them.
class TransferPair {
 public:
  explicit TransferPair(const Scheme& scheme = memory_scheme(), PairOptions options = {},
                        const TransferOptions& sender_options = {},
                        const TransferOptions& receiver_options = {});

  /// Steps until it holds, however far that moves the clock: the file threads take their own time.
  [[nodiscard]] bool until(const std::function<bool()>& holds);
  /// Offers a file and waits until the server is told; returns the server's number of it.
  TransferId offer(const std::filesystem::path& path, const OfferOptions& options = {});
  TransferId offer_text(std::string_view text, std::string_view name = "text");
  /// Waits until both ends have finished the newest transfer.
  void wait_finished();
  /// How the newest transfer ended.
  [[nodiscard]] ErrorCode sent_result() const;
  [[nodiscard]] ErrorCode received_result() const;
  [[nodiscard]] const Error& sent_error() const;
  [[nodiscard]] const Error& received_error() const;
  /// Cuts the connection, waits until both ends know, and connects again.
  void reconnect();

  ScratchFolder from;
  ScratchFolder to;
  HostPair pair;
  Transfers sender;
  Transfers receiver;
  TransferId sent = 0;      ///< the newest, by the client's number
  TransferId received = 0;  ///< by the server's

 private:
  TransferId wait_offered(const Result<TransferId>& offered);
};

}  // namespace tickwire::test
