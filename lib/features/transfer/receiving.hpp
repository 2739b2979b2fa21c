// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/features/transfer/file_thread.hpp"
#include "lib/features/transfer/part.hpp"
#include "lib/features/transfer/task.hpp"

namespace tickwire::detail {

/// The receiving end of a transfer. Chunks go to the file thread as they came, in the events that
/// hold them, small ones many at a time; what is written is acknowledged, which opens the sender's
/// window.
class ReceivingTask final : public TransferTask,
                            public std::enable_shared_from_this<ReceivingTask> {
 public:
  ReceivingTask(TransferCore& core, TransferInfo info, const TransferNote& offer);

  /// Pre: it is still offered.
  [[nodiscard]] Result<void> accept(const std::filesystem::path& target, WhenThere when_there);
  [[nodiscard]] Result<void> accept_to_memory(std::size_t limit_bytes);
  [[nodiscard]] Result<std::vector<std::byte>> take_bytes();

  void take_note(const TransferNote& note) override;
  void take_chunk(const ChunkHeader& header, Payload payload);
  void pump(TimePoint) override {}
  void lose(Error error) override;
  void run_out_of_memory() noexcept override;

 private:
  void release(Error error, Rest rest) override;
  [[nodiscard]] bool may_be_complete() const override { return is_placing_; }
  void prepare(TransferPart part);
  [[nodiscard]] Error give_back_offer() noexcept;
  [[nodiscard]] std::unique_ptr<FileJob> make_release_job();
  void look_again();
  void say_accepted(std::uint64_t bytes, std::string digest);
  void take_begin(const TransferNote& note);
  template <class Held>
  void write(Held held);
  void write_gathered();
  void take_written(const Result<void>& result, std::uint64_t position);
  void take_end(const std::string& digest);
  void take_placed(const Result<void>& result);
  void acknowledge();

  OfferIdentity identity_;
  std::shared_ptr<TransferPart> part_;
  std::uint64_t window_bytes_ = 0;
  std::uint64_t looked_at_ = 0;  // there of an earlier attempt
  std::uint64_t received_ = 0;
  std::uint64_t acknowledged_ = 0;
  TimePoint acknowledged_at_{};
  bool has_begun_ = false;
  std::vector<std::byte> gathered_;  // of small chunks
  std::size_t writing_ = 0;          // jobs of the file thread that are not answered
  bool is_placing_ = false;          // the file thread checks the whole and puts it in its place
  std::optional<Error> stopped_;     // while it did so, or until the files are closed
  std::unique_ptr<FileJob> release_job_;
  std::shared_ptr<std::atomic<Rest>> rest_;  // what that job does
};

}  // namespace tickwire::detail
