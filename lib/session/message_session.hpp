// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
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
#include "lib/session/refusals.hpp"
#include "lib/session/session.hpp"
#include "lib/session/session_settings.hpp"

namespace tickwire::detail {

/// The session of two Tickwire ends: greets, then moves messages over channels, and keeps the
/// promises about them.
class MessageSession final : public Session {
 public:
  MessageSession(std::shared_ptr<const SessionSettings> settings, SessionStart start,
                 BufferPool& pool, ReassemblyBudget& budget, TimePoint now);

  void link_up(const LinkTraits& traits) override;
  void link_down(Error error, TimePoint now) override;
  void receive(Packet packet, TimePoint now) override;
  [[nodiscard]] TailPlace place_tail(std::span<const std::byte> front, std::size_t packet_bytes,
                                     TimePoint now) override;
  void receive_tail(TimePoint now) override;
  void progress(TimePoint now) override;
  void end_of_stream(TimePoint now) override;
  void flush(PacketSink& sink, TimePoint now) override;

  [[nodiscard]] const ResumeWords* asks_to_resume() const noexcept override;
  [[nodiscard]] bool knows(const ResumeToken& token) const noexcept override;
  void resume(const ResumeWords& words, const LinkTraits& traits, TimePoint now) override;
  [[nodiscard]] bool gives_up_link() noexcept override;
  [[nodiscard]] bool wants_call() const noexcept override;

  [[nodiscard]] ErrorCode send(const OutMessage& message, std::optional<Delivery> delivery,
                               std::uint8_t channel, TimePoint now) override;
  void close(const CloseReason& reason, TimePoint now) override;
  void refuse(ErrorCode code, std::string_view reason = {}) override;
  void fail(Error error) override;
  void retry_parked(TimePoint now) override;

  void advance(TimePoint now) override;
  [[nodiscard]] TimePoint next_deadline() const noexcept override;

  [[nodiscard]] bool has_event() const noexcept override;
  [[nodiscard]] std::optional<Duration> clock_offset() const noexcept override {
    return clock_offset_.ahead();
  }
  [[nodiscard]] AgreedFilters filters() const noexcept override { return filters_; }
  void count_masked() noexcept override { ++stats_.drops.masked_events; }
  void count_not_polled() noexcept override { ++stats_.drops.unreliable_not_polled; }
  void count_refused(ErrorCode code) noexcept override { count_refusal(stats_.drops, code); }
  void count_unknown_type() noexcept override { ++stats_.unknown_types_received; }

  [[nodiscard]] SessionState state() const noexcept override { return state_; }
  [[nodiscard]] bool was_open() const noexcept override { return was_open_; }
  [[nodiscard]] bool was_refused() const noexcept override { return refused_; }
  [[nodiscard]] bool has_parked() const noexcept override { return inbox_.has_parked(); }
  void list_unfinished(std::vector<Unfinished>& into) const override {
    inbox_.list_unfinished(into);
  }
  /// Always: credit bounds what comes.
  [[nodiscard]] bool wants_input() const noexcept override { return true; }
  [[nodiscard]] bool wants_capacity() const noexcept override {
    return was_open_ && (waits_for_room_ || waits_to_echo_ || outbox_.wants_capacity());
  }
  [[nodiscard]] bool wants_link_closed() const noexcept override;
  [[nodiscard]] bool lacks_resume() const noexcept override {
    return settings_->timeouts.resume_window && !resumption_;
  }
  [[nodiscard]] const std::string& name() const noexcept override { return name_; }
  [[nodiscard]] ConnectionStats stats() const override;

 private:
  [[nodiscard]] ErrorCode add(const OutMessage& message, std::optional<Delivery> delivery,
                              std::uint8_t channel, TimePoint now);

  static constexpr TimePoint kNever = TimePoint::max();

  // What is needed until it is open.
  struct Opening {
    std::function<Result<void>(const HandshakeSelf& dialler)> authenticate;
    std::vector<std::byte> ticket;
    Duration within{};                // how long it may take
    TimePoint until{};                // to be open
    std::vector<std::byte> greeting;  // HELLO's or WELCOME's body, for the next flush
    wire::Kind greeting_kind = wire::Kind::hello;
    std::optional<Refusal> refusal;
    std::optional<Refusal> reserved_refusal;  // for all but those who come back
    bool owes_goodbye = false;                // closed behind WELCOME
    ResumeWords asks_to_resume;
  };
  // What both ends agreed on so that it outlives its link.
  struct Resumption {
    /// How far the way back is. `dead`: the old link is still there.
    enum class Stage : std::uint8_t { dead, away, greeting, welcoming };
    // An `interrupted` or `resumed`, behind the messages that came before it.
    struct Notice {
      EventType type = EventType::interrupted;
      std::uint64_t arrival = 0;
      Error error;
    };
    ResumeToken token;                // the other end has it for sure
    std::optional<ResumeToken> next;  // it was sent
    Stage stage = Stage::away;
    TimePoint until{};
    Error why;
    RingQueue<Notice> notices;
  };
  // What is needed once it ends.
  struct Ending {
    TimePoint linger_until = TimePoint::max();
    Error error;  // what the last event says
    CloseReason reason;
    Error peer_error;
    std::vector<std::pair<std::uint8_t, std::uint32_t>> peer_totals;
  };

  void take_control(std::span<const std::byte> records, TimePoint now);
  void take_record(const wire::Record& record, TimePoint now);
  void take_handshake_record(wire::Kind kind, std::span<const std::byte> body, TimePoint now);
  void take_hello(std::span<const std::byte> body);
  void take_peer_limits(const HandshakeSelf& peer) noexcept;
  void take_welcome(std::span<const std::byte> body, TimePoint now);
  void take_refusal(std::span<const std::byte> body);
  void take_close(std::span<const std::byte> body, TimePoint now);
  void take_acknowledgements(std::span<const std::byte> body);
  void take_pong(std::span<const std::byte> body, TimePoint now);
  void become_open(TimePoint now);
  void lose(Error error, TimePoint now);
  void interrupt(Error error, TimePoint now, Resumption::Stage stage);
  void become_resumed(TimePoint now);
  void agree_to_resume(const ResumeToken& token);
  void offer_resume(ResumeWords& words);
  [[nodiscard]] std::optional<ResumeToken> make_token() const;
  [[nodiscard]] ResumePoint rewind_inbox();
  void greet_again(wire::Kind kind, const ResumeWords& words);
  void refuse_return();
  void take_welcome_back(const Welcome& welcome, TimePoint now);
  void note(EventType type, Error error = {});
  [[nodiscard]] bool has_notice() const noexcept;
  [[nodiscard]] bool owes_writable() const noexcept;
  [[nodiscard]] bool find_event(Event& into, Held& held) override;
  void release_memory(std::size_t bytes) noexcept override { inbox_.release_memory(bytes); }
  [[nodiscard]] bool has_messages() const noexcept { return !run_.empty() || !inbox_.empty(); }
  [[nodiscard]] bool has_messages_before(std::uint64_t arrival) const noexcept;
  void take_first_message(Event& into, Held& held);
  [[nodiscard]] bool takes_greeting() const noexcept;
  [[nodiscard]] bool is_welcoming_back() const noexcept;
  void use_link(const LinkTraits& traits) noexcept;
  [[nodiscard]] TimePoint dead_at() const noexcept;
  void note_talk(TimePoint now) noexcept;
  void after_data(TimePoint now);
  [[nodiscard]] Duration ping_interval(TimePoint now) const noexcept;
  void send_ping(TimePoint now) noexcept;
  void check_drained();
  void keep_reason(const CloseReason& reason);
  void close_unopened(const CloseReason& reason);
  void finish(Error error);
  void violate(std::string_view what);
  [[nodiscard]] Refusal make_refusal(ErrorCode code, std::string_view reason) const;
  void refuse(Refusal refusal);
  void refuse_by_program(const Error& why);

  void write_handshake(PacketWriter& writer);
  [[nodiscard]] bool owes_words() const noexcept;
  [[nodiscard]] bool owes_echoes() const noexcept;
  void write_reliable_control(PacketWriter& writer, TimePoint now);
  void write_echoes(PacketWriter& writer, TimePoint now);
  void append_close(Packet& packet);
  [[nodiscard]] std::uint32_t stamp(TimePoint now) const noexcept;
  [[nodiscard]] bool is_dialled() const noexcept { return direction_ == Direction::dialled; }
  [[nodiscard]] Ending& ending();

  std::shared_ptr<const SessionSettings> settings_;
  BufferPool& pool_;
  NullProtector protector_;
  ConnectionStats stats_;
  ReceiptQueue receipts_;
  Inbox inbox_;
  Outbox outbox_;
  RttEstimator rtt_;
  LossEstimator loss_;
  ClockOffset clock_offset_;

  std::string name_;
  SessionState state_;
  bool was_answered_ = false;  // by the transport below
  bool was_open_ = false;
  bool connected_pending_ = false;
  std::uint32_t receipts_due_ = 0;  // before the next messages: as many as those before them were
  bool end_pending_ = false;
  bool refused_full_ = false;  // a send, since the queue was last half empty
  Direction direction_;
  LinkTraits link_;
  AgreedFilters filters_;
  // What the next flush says besides data.
  bool waits_for_room_ = false;  // some of it, as the last flush had none
  bool waits_to_echo_ = false;   // the same of echoes, which travel on another lane
  bool refused_ = false;
  bool owes_ready_ = false;
  bool owes_close_ack_ = false;
  bool ping_due_ = false;
  // Closing.
  bool close_sent_ = false;
  bool peer_closed_ = false;
  std::uint32_t slot_;

  TimePoint heard_at_;
  TimePoint talked_at_{};  // the last message of either end
  TimePoint ping_at_{};
  TimePoint acknowledge_at_ = kNever;

  std::unique_ptr<Opening> opening_;  // none once it is open and its greeting is out
  struct Echo {
    std::uint32_t stamp = 0;
    TimePoint heard_at{};
  };
  std::optional<Echo> echo_;

  std::unique_ptr<Resumption> resumption_;

  std::unique_ptr<Ending> ending_;
};

}  // namespace tickwire::detail
