// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <tickwire/config.hpp>
#include <tickwire/connection.hpp>
#include <tickwire/error.hpp>
#include <tickwire/event.hpp>
#include <tickwire/stats.hpp>

#include "lib/session/estimators.hpp"
#include "lib/session/handshake.hpp"
#include "lib/session/inbox.hpp"
#include "lib/session/outbox.hpp"
#include "lib/session/packet_writer.hpp"
#include "lib/session/protector.hpp"
#include "lib/session/receipts.hpp"

namespace tickwire::detail {

/// Where a session stands; docs/state-machine.md has the transitions.
enum class SessionState : std::uint8_t {
  waiting_for_link,  ///< dialled: the transport is not up yet
  greeting,          ///< dialled: HELLO sent. Accepted: HELLO awaited
  welcoming,         ///< accepted: WELCOME sent, READY awaited
  open,
  closing,   ///< this end closes: what is queued leaves, then CLOSE, then CLOSE_ACK comes
  draining,  ///< the other end closed: its last messages are awaited
  ended,
};

/// Something for the host to make an `Event` of.
struct SessionEvent {
  EventType type = EventType::error;
  InboxMessage message;       ///< object_received, data_received
  ReceiptQueue::One receipt;  ///< data_sent
  Error error;                ///< error, disconnected
};

struct SessionSettings {
  Direction direction = Direction::dialled;
  HandshakeSelf self;
  std::vector<ChannelConfig> channels;
  Limits limits;
  Timeouts timeouts;
  Duration connect_timeout{};
  EventMask events = EventMask::all();
  /// Asked on the accepting end before WELCOME; may be empty.
  std::function<Result<void>(std::string_view name)> authenticate;
};

/// One connection's brain: packets and the time go in, packets and events come out. It knows no
/// socket and no clock.
///
/// Events: as architecture promises: `error` alone, or `connected`, then anything, then exactly one
///         `disconnected`; an accepted session that fails before it is open ends without an event.
class Session {
 public:
  Session(SessionSettings settings, BufferPool& pool, ReassemblyBudget& budget, TimePoint now);

  // -- From below

  /// The link is up; a dialling session greets.
  void link_up(const LinkTraits& traits);
  void link_down(Error error);
  void receive(Packet packet, TimePoint now);
  /// Hands over everything that may leave.
  void flush(PacketSink& sink, TimePoint now);

  // -- From above

  [[nodiscard]] ErrorCode send(const OutMessage& message, std::optional<Delivery> delivery,
                               std::uint8_t channel, TimePoint now);
  /// Ends it politely. Does nothing when that is under way.
  void close(const CloseReason& reason, TimePoint now);
  /// Turns an incoming session away with a reason, instead of letting it greet.
  void refuse(ErrorCode code, std::string_view reason = {});
  /// Ends it at once, for a reason of this end's.
  void fail(Error error);
  /// Gives back what a message held, once the program has taken it.
  void release(std::uint64_t credit, std::size_t reserved_bytes) noexcept;
  /// Goes on with messages that waited for memory.
  void retry_parked(TimePoint now);

  // -- Time

  void advance(TimePoint now);
  /// When `advance` is wanted next.
  [[nodiscard]] TimePoint next_deadline() const noexcept;

  // -- Events

  [[nodiscard]] bool has_event() const noexcept;
  /// Whether the event that ends the connection is the only one left.
  [[nodiscard]] bool has_only_end() const noexcept;
  /// Pre: `has_event()`.
  [[nodiscard]] SessionEvent take_event();

  void count_masked() noexcept { ++stats_.drops.masked_events; }
  void count_unknown_type() noexcept { ++stats_.unknown_types_received; }

  // -- Questions

  [[nodiscard]] SessionState state() const noexcept { return state_; }
  [[nodiscard]] bool is_open() const noexcept { return state_ == SessionState::open; }
  [[nodiscard]] bool was_open() const noexcept { return was_open_; }
  [[nodiscard]] bool was_refused() const noexcept { return refused_; }
  [[nodiscard]] bool has_parked() const noexcept { return inbox_.has_parked(); }
  /// Whether data waits for nothing but room in the transport.
  [[nodiscard]] bool wants_capacity() const noexcept {
    return was_open_ && outbox_.wants_capacity();
  }
  /// Whether the link has been told everything and can be closed.
  [[nodiscard]] bool wants_link_closed() const noexcept;
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] ConnectionStats stats() const;

 private:
  void take_control(std::span<const std::byte> records, TimePoint now);
  void take_record(const wire::Record& record, TimePoint now);
  void take_handshake_record(wire::Kind kind, std::span<const std::byte> body, TimePoint now);
  void take_hello(std::span<const std::byte> body);
  void take_welcome(std::span<const std::byte> body, TimePoint now);
  void take_refusal(std::span<const std::byte> body);
  void take_close(std::span<const std::byte> body, TimePoint now);
  void take_acknowledgements(std::span<const std::byte> body);
  void take_pong(std::span<const std::byte> body, TimePoint now);
  void become_open(TimePoint now);
  void check_drained();
  void finish(Error error);
  void violate(std::string_view what);
  void refuse(Refusal refusal);

  void write_handshake(PacketWriter& writer);
  void write_reliable_control(PacketWriter& writer, TimePoint now);
  void write_echoes(PacketWriter& writer, TimePoint now);
  void append_close(Packet& packet);
  [[nodiscard]] std::uint32_t stamp(TimePoint now) const noexcept;
  [[nodiscard]] bool is_dialled() const noexcept {
    return settings_.direction == Direction::dialled;
  }

  SessionSettings settings_;
  BufferPool& pool_;
  NullProtector protector_;
  ConnectionStats stats_;
  ReceiptQueue receipts_;
  Inbox inbox_;
  Outbox outbox_;
  RttEstimator rtt_;
  LossEstimator loss_;

  SessionState state_;
  std::string name_;
  bool measures_loss_ = false;
  bool was_open_ = false;
  bool connected_pending_ = false;
  bool receipt_is_next_ = false;  // messages and receipts take turns
  bool end_pending_ = false;
  Error end_;

  TimePoint started_at_;
  TimePoint heard_at_;
  TimePoint ping_at_{};
  std::optional<TimePoint> acknowledge_at_;
  std::optional<TimePoint> linger_until_;

  // What the next flush says besides data.
  std::vector<std::byte> greeting_;  // HELLO's or WELCOME's body
  wire::Kind greeting_kind_ = wire::Kind::hello;
  std::optional<Refusal> refusal_;
  bool refused_ = false;
  bool owes_ready_ = false;
  bool owes_close_ack_ = false;
  bool ping_due_ = false;
  struct Echo {
    std::uint32_t stamp = 0;
    TimePoint heard_at{};
  };
  std::optional<Echo> echo_;

  // Closing.
  CloseReason close_reason_;
  bool close_sent_ = false;
  bool peer_closed_ = false;
  Error peer_close_error_;
  std::vector<std::pair<std::uint8_t, std::uint32_t>> peer_totals_;
};

}  // namespace tickwire::detail
