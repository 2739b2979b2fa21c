// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tickwire/clock.hpp>
#include <tickwire/connection.hpp>
#include <tickwire/error.hpp>
#include <tickwire/event.hpp>
#include <tickwire/export.hpp>
#include <tickwire/extension.hpp>

namespace tickwire {

namespace detail {
class TransferCore;
}

/// Names one transfer of one `Transfers`; never 0. The two ends number theirs independently.
using TransferId = std::uint64_t;

/// What one end lets transfers use. Every limit is enforced, whatever the other end says.
struct TransferOptions {
  /// What they are sent on, by this end. Nothing: the last of the channels of the lowest priority.
  /// Who answers takes the other end's last one where that has fewer.
  std::optional<std::uint8_t> channel{};
  std::size_t chunk_bytes = 512 * 1024;        ///< one message's; 4 KiB to 4 MiB
  std::size_t window_bytes = 4 * 1024 * 1024;  ///< on its way or unwritten; at least 4 chunks
  /// Offers of a larger one are refused unseen.
  std::uint64_t max_size_bytes = std::uint64_t{64} << 30;
  /// That wait for an answer of the program, of one connection; further ones are refused unseen.
  std::size_t max_offers = 16;
  std::size_t max_accepted = 4;  ///< at work, of one connection
  std::size_t max_offered = 64;  ///< by this end to one connection, answered or not
  /// Of files that were sent whole: while such a file is as it was, its next receiver costs no
  /// hashing. The oldest is forgotten first.
  std::size_t max_known_checksums = 64;
  double max_progress_hz = 10;  ///< events of one transfer; above 0, at most 1,000
  /// What is sent, all together. At least 1. Nothing: no limit.
  std::optional<std::uint64_t> max_bytes_per_second{};
};

/// Settings of one offer.
struct OfferOptions {
  /// What makes two offers the same, beside size and name: a transfer that was broken off goes on
  /// when the same is offered again. Empty: for a file, when it was last written.
  std::string key{};
  /// Nothing: no limit but that of `TransferOptions`.
  std::optional<std::uint64_t> max_bytes_per_second{};
};

/// What happens when there is a file where a received one shall stand.
enum class WhenThere : std::uint8_t {
  refuse,   ///< `file_exists`
  replace,  ///< by the new one, once that is whole
  /// "name (2).txt" instead, or the next number that is free; also where the name is taken while
  /// the file is on its way, so that `TransferInfo::path` tells at the end.
  number,
};

enum class TransferDirection : std::uint8_t { sending, receiving };

enum class TransferState : std::uint8_t {
  offered,    ///< waits for an answer: of the other end, or of this program
  preparing,  ///< looks at what is there of an earlier attempt
  running,
  finishing,  ///< all has been sent: written out, checked, put in its place
  finished,
};

/// How one transfer stands.
struct TransferInfo {
  TransferId id = 0;
  Connection connection{};
  TransferDirection direction = TransferDirection::sending;
  TransferState state = TransferState::offered;
  /// What the sender calls it, made harmless by `safe_file_name`; tells a user what it is about.
  std::string name{};
  std::uint64_t size_bytes = 0;
  std::uint64_t done_bytes = 0;     ///< written by the receiver
  std::uint64_t resumed_bytes = 0;  ///< of those, from an earlier attempt
  double bytes_per_second = 0;      ///< lately
  std::filesystem::path path{};     ///< receiving: the target; empty in memory. Sending: the file
  Error result{};                   ///< finished: `ErrorCode::none`, or why not
};

/// What one `Transfers` has turned away, and what it was spared.
struct TransferCounters {
  std::uint64_t offers_refused = 0;   ///< unseen: too many, too large, or of an id in use
  std::uint64_t malformed = 0;        ///< messages that no correct peer sends
  std::uint64_t unknown_chunks = 0;   ///< of transfers that have ended at this end, or never were
  std::uint64_t known_checksums = 0;  ///< files sent that were not hashed again
};

/// Turns what a stranger calls a file into a name that is safe to create in any folder, on any
/// usual system: no separators, control characters, reserved names, leading dots or dashes, or
/// trailing dots, valid UTF-8, 200 bytes at most, and nothing that a `.part` file could be called.
/// What remains of nothing is "file".
[[nodiscard]] TICKWIRE_API std::string safe_file_name(std::string_view suggestion);

/// Sends files and blocks of memory to the other ends of a host's connections, and receives them,
/// beside whatever else goes over those. Attach one at both ends.
///
/// One end offers; the other is told by `transfer_offered` and accepts or refuses. Then both are
/// told `transfer_progress` now and then, and each of them `transfer_finished` once, with
/// `Event::error` saying why where it did not succeed. All of them have the id as
/// `Event::message_id`.
///
/// A file is received under its target's name with `.part` behind it, and put in its place when it
/// is complete, its checksum is the sender's, and the disk has it. When a connection or a process
/// ends before, the part stays, with a `.part.state` file; when the same is offered again and
/// accepted for the same target, it goes on there, once the sender has compared the checksum of
/// that part with its own. After any other failure the part is removed.
///
/// Shape:    the checksum is a SHA-256 over those of every 8 KiB (docs/wire-format.md).
/// Events:   `transfer_finished` of a connection that is gone comes after `disconnected` and names
///           nobody; `info` knows whose it was. `transfer_offered` waits until the files of
///           transfers that have failed are closed, so that the same name may be accepted at once.
/// Lifetime: as for every extension. When it or its host goes, transfers end without a word, and
///           parts stay.
/// Thread:   the host's. Files are read, written and hashed on a thread of its own.
/// Memory:   `window_bytes` for each transfer at work.
/// Errors:   every call with an id answers `invalid_argument` when there is no such transfer, or
///           it is past that step. Options out of range are `invalid_argument` too. A build without
///           OpenSSL answers `not_supported`.
class TICKWIRE_API Transfers final : public Extension {
 public:
  explicit Transfers(const TransferOptions& options = {});
  ~Transfers() override;

  /// Offers a file, under its own name.
  ///
  /// Errors: `not_connected`, `file_unreadable`, `too_many_transfers`, `no_such_channel`,
  ///         `not_supported` when `HostConfig::events` leaves messages out, `out_of_resources` when
  ///         there is no thread or no memory to be had.
  /// Events: ends in one `transfer_finished`.
  Result<TransferId> offer_file(Connection connection, const std::filesystem::path& path,
                                const OfferOptions& options = {});
  /// Offers bytes, which are shared and must not change.
  Result<TransferId> offer_memory(Connection connection,
                                  std::shared_ptr<const std::vector<std::byte>> bytes,
                                  std::string_view name, const OfferOptions& options = {});

  /// Takes what is offered, as a file of this name. Its folder must exist.
  ///
  /// Errors: `file_exists`, `file_unwritable`, `disk_full`, `too_many_transfers`,
  ///         `out_of_resources`; the offer stands then.
  Result<void> accept(TransferId id, const std::filesystem::path& target,
                      WhenThere when_there = WhenThere::refuse);
  /// Takes it into a folder under a name that `safe_file_name` makes of the sender's; returns the
  /// target as it is now, see `WhenThere::number`. Errors as `accept`.
  Result<std::filesystem::path> accept_into_folder(TransferId id,
                                                   const std::filesystem::path& folder,
                                                   WhenThere when_there = WhenThere::number);
  /// Takes it into memory, for `take_bytes`.
  ///
  /// Errors: `budget_exceeded` when it is larger than the limit; `too_many_transfers`,
  ///         `out_of_resources`.
  Result<void> accept_to_memory(TransferId id, std::size_t limit_bytes);
  /// What was received into memory, once it has finished well; only once.
  Result<std::vector<std::byte>> take_bytes(TransferId id);

  /// Does not take what is offered. At most 200 bytes of the reason are told.
  ErrorCode refuse(TransferId id, std::string_view reason = {});
  /// Ends a transfer of either direction, before or while it runs. When everything has been sent it
  /// may be too late: what is in its place by then stays, and `transfer_finished` says so at both
  /// ends.
  ErrorCode cancel(TransferId id, std::string_view reason = {});

  /// Lifetime: a finished one is known until the pass after the one that handed out
  ///           `transfer_finished`.
  [[nodiscard]] std::optional<TransferInfo> info(TransferId id) const;
  /// All that are known, oldest first.
  [[nodiscard]] std::vector<TransferInfo> all() const;
  [[nodiscard]] TransferCounters counters() const;

  void on_attach(Host& host) override;
  void on_detach(Host& host) override;
  Disposition on_event(Host& host, Event& event) override;
  void on_pass(Host& host) override;
  [[nodiscard]] TimePoint wake_at() const override;

 private:
  std::unique_ptr<detail::TransferCore> core_;
};

}  // namespace tickwire
