// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>

#include <tickwire/transfer.hpp>

#include "lib/features/transfer/messages.hpp"

namespace tickwire::detail {

class TransferCore;

/// One transfer at one end.
class TransferTask {
 public:
  TransferTask(TransferCore& core, TransferInfo info, std::uint64_t wire_id)
      : place_among_told{info.id}, core_(core), info_(std::move(info)), wire_id_(wire_id) {}
  virtual ~TransferTask() = default;
  TransferTask(const TransferTask&) = delete;
  TransferTask& operator=(const TransferTask&) = delete;

  [[nodiscard]] const TransferInfo& info() const noexcept { return info_; }
  /// The offerer's number.
  [[nodiscard]] std::uint64_t wire_id() const noexcept { return wire_id_; }
  [[nodiscard]] bool is_finished() const noexcept { return info_.state == TransferState::finished; }

  /// Whether nothing can end it any more: it has, or is about to.
  [[nodiscard]] bool is_ending() const noexcept { return is_ending_; }

  /// A note of the other end.
  virtual void take_note(const TransferNote& note) = 0;
  /// Does what can be done now; asked at the end of each pass.
  virtual void pump(TimePoint now) = 0;
  /// Ends it. A note tells the other end, where there is a reason to.
  void stop(Error error, StopReason told);
  /// Ends it without a word, so that it can go on later.
  virtual void lose(Error error);

  /// Ends it where there is no memory to go on. Needs none itself; the other end may hear nothing
  /// of it.
  void stop_without_memory() noexcept;
  /// The same, when it was a job of the file thread or its answer that had none.
  virtual void run_out_of_memory() noexcept { stop_without_memory(); }

  /// There was no memory to tell of its end.
  bool owes_end = false;
  /// One number, so that there is memory to remember it once its end was handed out.
  std::list<TransferId> place_among_told;
  /// The pass in which its end was handed out.
  std::optional<std::uint64_t> told_in_pass;

 protected:
  /// What becomes of what has been received so far.
  enum class Rest : std::uint8_t { keep, discard };
  /// Lets go of what it holds, and calls `finish` then or later. Asked once.
  virtual void release(Error error, Rest rest) = 0;
  /// Whether a stop may come too late: then the other end is told of it when that is known.
  [[nodiscard]] virtual bool may_be_complete() const { return false; }
  void move_to(TransferState state);
  /// No offer is told before it has finished: its files are still open.
  void hold_offers();
  void finish(Error error);
  /// Ends a transfer whose other end does what no correct one does.
  void blame(const char* what);
  void send(TransferStep step, TransferNote note = {});
  /// Says that so much is done, at a bounded rate.
  void progress(std::uint64_t done_bytes);

  TransferCore& core_;
  TransferInfo info_;
  bool is_ending_ = false;

 private:
  void prepare_word(const Error& error, StopReason told);
  void tell_stopped(StopReason reason, std::string text);

  std::uint64_t wire_id_;
  struct StopToTell {
    StopReason reason;
    std::string text;
  };

  std::optional<StopToTell> stop_to_tell_;
  bool holds_offers_ = false;
  TimePoint progress_at_{};
  std::uint64_t progress_bytes_ = 0;
};

/// What a note of a stopped transfer comes to at this end.
[[nodiscard]] Error error_of_stop(const TransferNote& note);
/// Text of the other end, fit for a terminal, cut to 200 bytes.
[[nodiscard]] std::string harmless_text(std::string_view text);

}  // namespace tickwire::detail
