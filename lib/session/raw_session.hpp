// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "lib/base/ring_queue.hpp"
#include "lib/session/refusals.hpp"
#include "lib/session/session.hpp"
#include "lib/session/session_settings.hpp"
#include "lib/session/waiting_queue.hpp"

namespace tickwire::detail {

/// The session of a plain byte stream: no greeting, no messages, no keep-alive. It is up as soon as
/// its link is; what arrives is handed out as it comes, and what is sent leaves as it is.
///
/// With nothing but the socket to hold the other end back, it stops reading when
/// `receive_window_bytes` wait for the program. Once the other end sends nothing more, the program
/// still has the pass in which it takes the last bytes to answer them; then the connection ends.
class RawSession final : public Session {
 public:
  RawSession(std::shared_ptr<const SessionSettings> settings, SessionStart start, BufferPool& pool,
             TimePoint now);

  void link_up(const LinkTraits& traits) override;
  void link_down(Error error, TimePoint now) override;
  void receive(Packet packet, TimePoint now) override;
  void progress(TimePoint) override { was_answered_ = true; }
  void end_of_stream(TimePoint now) override;
  void flush(PacketSink& sink, TimePoint now) override;

  /// Errors: besides the usual ones `not_supported` for objects, metadata and all that is not
  ///         reliable.
  [[nodiscard]] ErrorCode send(const OutMessage& message, std::optional<Delivery> delivery,
                               std::uint8_t channel, TimePoint now) override;
  void close(const CloseReason& reason, TimePoint now) override;
  void refuse(ErrorCode code, std::string_view reason = {}) override;
  void fail(Error error) override;
  void retry_parked(TimePoint) override {}

  void advance(TimePoint now) override;
  [[nodiscard]] TimePoint next_deadline() const noexcept override;

  [[nodiscard]] bool has_event() const noexcept override;
  void count_masked() noexcept override { ++stats_.drops.masked_events; }
  void count_refused(ErrorCode code) noexcept override { count_refusal(stats_.drops, code); }
  void count_unknown_type() noexcept override {}

  [[nodiscard]] SessionState state() const noexcept override { return state_; }
  [[nodiscard]] bool was_open() const noexcept override { return was_open_; }
  [[nodiscard]] bool was_refused() const noexcept override { return refused_; }
  [[nodiscard]] bool has_parked() const noexcept override { return false; }
  [[nodiscard]] bool wants_input() const noexcept override;
  [[nodiscard]] bool wants_capacity() const noexcept override { return !outgoing_.empty(); }
  [[nodiscard]] bool ends_with_link() const noexcept override {
    return outgoing_.empty() && !gives_up_link_;
  }
  [[nodiscard]] bool wants_link_closed() const noexcept override;
  [[nodiscard]] bool gives_up_link() noexcept override;
  [[nodiscard]] const std::string& name() const noexcept override { return name_; }
  [[nodiscard]] ConnectionStats stats() const override;

 private:
  [[nodiscard]] ErrorCode check(const OutMessage& message, std::optional<Delivery> delivery,
                                std::uint8_t channel) const;

  struct Item {
    Packet packet;               // without a block: nothing but empty messages
    std::uint64_t messages = 0;  // that end in it
  };

  // What one read has brought.
  struct Arrived {
    Slice place;
    [[nodiscard]] const BufferBlock* block() const noexcept { return place.buffer.block(); }
    [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return place.bytes(); }
    void move_to(Slice copy) noexcept { place = std::move(copy); }
  };

  [[nodiscard]] bool find_event(Event& into, Held& held) override;
  [[nodiscard]] Held take_bytes(Event& into);
  [[nodiscard]] std::uint64_t untaken_bytes() const noexcept {
    return received_bytes_ - released_credit();
  }
  void append_nothing();
  void append(std::span<const std::byte> bytes);
  [[nodiscard]] std::size_t make_room(std::size_t bytes);
  void share(const OutMessage& message);
  void finish(Error error);
  [[nodiscard]] bool owes_writable() const noexcept;
  [[nodiscard]] bool is_dialled() const noexcept { return direction_ == Direction::dialled; }

  std::shared_ptr<const SessionSettings> settings_;
  BufferPool& pool_;
  std::string name_;
  ConnectionStats stats_;
  WaitingQueue<Arrived> incoming_;
  RingQueue<Item> outgoing_;
  IdRuns ids_;  // of messages in `outgoing_`
  ReceiptQueue receipts_;
  SessionState state_;
  Direction direction_;
  std::uint64_t received_bytes_ = 0;  // with what holding them costs
  std::uint64_t taken_before_ = 0;    // by the program, at the last flush
  std::size_t queued_bytes_ = 0;
  std::size_t max_packet_bytes_ = 0;
  bool was_answered_ = false;  // by the transport below
  bool was_open_ = false;
  bool refused_ = false;
  bool connected_pending_ = false;
  bool input_ended_ = false;
  bool receipt_is_next_ = false;  // bytes and receipts take turns
  bool end_pending_ = false;
  bool gives_up_link_ = false;  // there was more to say
  bool refused_full_ = false;   // a send, since the queue was last half empty
  Error end_;
  CloseReason close_reason_;
  TimePoint open_by_;
  std::optional<TimePoint> linger_until_;
  std::optional<TimePoint> end_due_;  // behind the other end's
};

}  // namespace tickwire::detail
