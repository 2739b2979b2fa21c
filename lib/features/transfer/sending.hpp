// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "lib/features/transfer/rate_limit.hpp"
#include "lib/features/transfer/source.hpp"
#include "lib/features/transfer/task.hpp"

namespace tickwire::detail {

/// The offering end of a transfer. The file thread reads chunks ahead; each pass sends what rate
/// and queue allow. What is read and not yet written at the other end fills the window.
class SendingTask final : public TransferTask, public std::enable_shared_from_this<SendingTask> {
 public:
  SendingTask(TransferCore& core, TransferInfo info, TransferSource source,
              std::optional<std::uint64_t> max_bytes_per_second);

  void take_note(const TransferNote& note) override;
  void pump(TimePoint now) override;
  void lose(Error error) override;

 private:
  void release(Error error, Rest rest) override;
  void take_accept(const TransferNote& note);
  void compare(std::uint64_t bytes, const std::string& digest);
  void begin(std::uint64_t from);
  void use_known_sum();
  void forget_sum();
  void read_ahead();
  void send_ready(TimePoint now);
  void take_chunk(const Result<void>& read, SendBuffer chunk);
  void end();
  void wait_for_answer(TimePoint now);
  void end_with(Error error);

  std::shared_ptr<TransferSource> source_;
  RateLimit limit_;
  std::deque<SendBuffer> ready_;
  std::uint64_t window_bytes_ = 0;
  std::size_t chunk_bytes_ = 0;
  std::uint64_t asked_ = 0;  // of the file thread
  std::uint64_t sent_ = 0;
  std::uint64_t acknowledged_ = 0;
  std::optional<Error> cancelled_;  // and the other end has not said whether in time
  TimePoint answer_by_{};
  bool is_answered_ = false;
  bool has_ended_ = false;  // the note of the end has left, or is being made
};

}  // namespace tickwire::detail
