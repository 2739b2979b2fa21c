// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <list>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include <tickwire/host.hpp>
#include <tickwire/transfer.hpp>

#include "lib/features/transfer/file_thread.hpp"
#include "lib/features/transfer/known_sums.hpp"
#include "lib/features/transfer/messages.hpp"
#include "lib/features/transfer/rate_limit.hpp"
#include "lib/features/transfer/receiving.hpp"
#include "lib/features/transfer/sending.hpp"

namespace tickwire::detail {

/// What stands behind a `Transfers`: the table of its tasks, and their way to host and file thread.
/// Its members are in two files: core.cpp has the table, core_messages.cpp what comes and goes.
class TransferCore {
 public:
  explicit TransferCore(const TransferOptions& options);

  void attach(Host& host);
  void detach();
  [[nodiscard]] Disposition on_event(Event& event);
  void on_pass();
  [[nodiscard]] TimePoint wake_at() const noexcept { return wake_at_; }

  [[nodiscard]] Result<TransferId> offer(Connection connection, std::string name,
                                         TransferSource source, const OfferIdentity& identity,
                                         const std::filesystem::path& path,
                                         const OfferOptions& options);
  /// An offer that the program may accept now.
  [[nodiscard]] Result<ReceivingTask*> acceptable(TransferId id);
  [[nodiscard]] Result<std::vector<std::byte>> take_bytes(TransferId id);
  [[nodiscard]] ErrorCode refuse(TransferId id, std::string_view reason);
  [[nodiscard]] ErrorCode cancel(TransferId id, std::string_view reason);
  [[nodiscard]] std::optional<TransferInfo> info(TransferId id) const;
  [[nodiscard]] std::vector<TransferInfo> all() const;
  [[nodiscard]] TransferCounters counters() const noexcept { return counters_; }

  // For the tasks.

  [[nodiscard]] const TransferOptions& options() const noexcept { return options_; }
  [[nodiscard]] FileThread& files() noexcept { return files_; }
  [[nodiscard]] const RateLimit& limit() const noexcept { return limit_; }
  [[nodiscard]] TimePoint now() const noexcept;
  /// The largest chunk of at most this size that is a message here.
  [[nodiscard]] std::size_t fitting_chunk(std::size_t bytes) const noexcept;
  /// Whether rate and queue have room for a chunk; if not, there is another pass in time.
  [[nodiscard]] bool may_send_chunk(Connection connection, std::size_t bytes, TimePoint now);
  /// Memory for a header and so many bytes.
  [[nodiscard]] Result<SendBuffer> make_chunk(std::size_t bytes);
  /// After an error the bytes are still there.
  [[nodiscard]] ErrorCode send_chunk(Connection connection, SendBuffer& chunk);
  void send_note(Connection connection, TransferNote note);
  void wake_by(TimePoint when) noexcept { wake_at_ = std::min(wake_at_, when); }
  void raise(EventType type, const TransferTask& task);
  void tell_finished(TransferTask& task) noexcept;
  /// It is about to be in another state.
  void count_change(const TransferInfo& info, TransferState to) noexcept;
  /// Has it asked in each pass until it has finished.
  void pump_each_pass(std::shared_ptr<TransferTask> task) { pumped_.push_back(std::move(task)); }
  void hold_offers() noexcept { ++offers_held_; }
  void release_offers() noexcept { --offers_held_; }
  void count_malformed() noexcept { ++counters_.malformed; }
  void count_known_checksum() noexcept { ++counters_.known_checksums; }
  [[nodiscard]] KnownSums& known_sums() noexcept { return known_sums_; }

 private:
  struct Pending {
    Connection connection;
    std::deque<TransferNote> notes;
  };

  /// What one connection has that has not finished. A note of it is looked at in the light of
  /// these numbers alone: a walk over all would let one peer delay everybody.
  struct Load {
    std::array<std::array<std::size_t, 5>, 2> counts{};  // by direction and state
    std::set<TransferId> ids;
  };

  /// Nothing that the network brings makes a pass throw.
  template <class Call>
  static void within_memory(TransferTask& task, Call&& call) {
    try {
      call();
    } catch (const std::bad_alloc&) {
      task.stop_without_memory();
    }
  }

  // core.cpp
  void add(const std::shared_ptr<TransferTask>& task);
  void drop(const TransferTask& task) noexcept;
  [[nodiscard]] TransferTask* find(TransferId id) const;
  [[nodiscard]] bool hears_all() const;
  [[nodiscard]] Result<void> may_offer(Connection connection) const;
  [[nodiscard]] std::size_t count(Connection connection, TransferDirection direction,
                                  TransferState from, TransferState to) const;
  void mark_told(TransferTask& task) noexcept;
  void forget_told();
  /// Tells the program of what is offered, unless a transfer that has ended still holds its files:
  /// who is told may accept under the same name.
  void tell_offers();
  /// Later, where there is no memory now.
  void tell_offers_in_time() noexcept;
  void tell_owed() noexcept;

  // core_messages.cpp
  void take_note(const Event& event);
  void miss_note(const Event& event);
  [[nodiscard]] std::shared_ptr<TransferTask> task_of(const Event& event, const TransferNote& note);
  void take_offer(Connection connection, const TransferNote& note);
  void add_offered(Connection connection, const TransferNote& note);
  void refuse_without_memory(Connection connection, std::uint64_t wire_id) noexcept;
  /// Null: nothing.
  [[nodiscard]] const char* obstacle(const TransferNote& offer) const;
  void refuse_unseen(Connection connection, std::uint64_t wire_id, const char* why);
  [[nodiscard]] bool take_chunk(Event& event);
  void lose_all(Connection connection, const Error& error);
  [[nodiscard]] ErrorCode try_note(Connection connection, const TransferNote& note);
  void hide_receipt(MessageId id) noexcept;
  void send_pending();
  [[nodiscard]] SendOptions send_options() const;

  const TransferOptions options_;
  Result<void> options_sense_;
  Host* host_ = nullptr;
  std::uint8_t channel_ = 0;
  std::uint64_t pass_ = 0;
  TransferId last_id_ = 0;
  TimePoint wake_at_ = TimePoint::max();
  RateLimit limit_;
  TransferCounters counters_;
  KnownSums known_sums_;
  std::map<TransferId, std::shared_ptr<TransferTask>> tasks_;
  std::map<std::uint64_t, Load> loads_;  // by connection
  std::vector<std::shared_ptr<TransferTask>> pumped_;
  std::list<TransferId> told_;  // in the order in which their ends were handed out
  // What others offer, by connection and the offerer's number.
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::shared_ptr<ReceivingTask>> incoming_;
  std::set<TransferId> untold_;               // offers that the program has not heard of
  std::size_t offers_held_ = 0;               // by transfers that still hold their files
  bool owes_ends_ = false;                    // or offers, to the program
  std::map<std::uint64_t, Pending> pending_;  // notes that found a full queue, by connection
  std::unordered_set<MessageId> receipts_to_hide_;
  FileThread files_;  // its end comes first: its jobs use the above
};

}  // namespace tickwire::detail
