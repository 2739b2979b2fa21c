// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tickwire/connection.hpp>
#include <tickwire/error.hpp>
#include <tickwire/event.hpp>
#include <tickwire/stats.hpp>

#include "lib/base/packet.hpp"
#include "lib/session/handshake.hpp"
#include "lib/session/inbox.hpp"
#include "lib/session/message_run.hpp"
#include "lib/session/open_bundle.hpp"
#include "lib/session/outbox.hpp"
#include "lib/session/packet_sink.hpp"
#include "lib/session/receipts.hpp"
#include "lib/session/resume.hpp"

namespace tickwire::detail {

/// Where a session stands; docs/state-machine.md has the transitions.
enum class SessionState : std::uint8_t {
  waiting_for_link,  ///< dialled: the transport is not up yet
  greeting,          ///< dialled: HELLO sent. Accepted: HELLO awaited
  welcoming,         ///< accepted: WELCOME sent, READY awaited
  open,
  interrupted,  ///< was open, has lost its link, and may get another
  closing,      ///< this end closes: what is queued leaves, then CLOSE, then CLOSE_ACK comes
  draining,     ///< the other end closed: its last messages are awaited
  ended,
};

/// One connection's brain: packets and the time go in, packets and events come out. It knows no
/// socket and no clock.
///
/// Events: as architecture promises: `error` alone, or `connected`, then anything, then exactly one
///         `disconnected`; an accepted session that fails before it is open ends without an event.
class Session {
 public:
  virtual ~Session() = default;

  // -- From below

  /// The link is up.
  virtual void link_up(const LinkTraits& traits) = 0;
  virtual void link_down(Error error, TimePoint now) = 0;
  virtual void receive(Packet packet, TimePoint now) = 0;
  /// See `LinkHandler::place_tail`.
  [[nodiscard]] virtual TailPlace place_tail(std::span<const std::byte>, std::size_t, TimePoint) {
    return {};
  }
  /// The tail that was placed last is there.
  virtual void receive_tail(TimePoint) {}
  /// A part of a packet has come.
  virtual void progress(TimePoint now) = 0;
  /// The other end of a raw stream sends nothing more.
  virtual void end_of_stream(TimePoint now) = 0;
  /// Hands over everything that may leave.
  virtual void flush(PacketSink& sink, TimePoint now) = 0;

  // -- Another link

  /// Somebody greeted as the other end of a connection that lost its link: the one of that
  /// connection's session is to get this session's link. Null: no.
  [[nodiscard]] virtual const ResumeWords* asks_to_resume() const noexcept { return nullptr; }
  /// Whether a token is this connection's.
  [[nodiscard]] virtual bool knows(const ResumeToken&) const noexcept { return false; }
  /// Goes on over another link. Pre: it knows the token.
  virtual void resume(const ResumeWords&, const LinkTraits&, TimePoint) {}
  /// Whether the link is dead and has to go at once. Says so once.
  [[nodiscard]] virtual bool gives_up_link() noexcept { return false; }
  /// Whether the link's owner should call again.
  [[nodiscard]] virtual bool wants_call() const noexcept { return false; }

  // -- From above

  [[nodiscard]] virtual ErrorCode send(const OutMessage& message, std::optional<Delivery> delivery,
                                       std::uint8_t channel, TimePoint now) = 0;
  /// Queues a message of kind `message` or `bytes` behind the last one, in the same packet, and
  /// returns where its payload is to be copied to at once. Null: it is for `send`. Pre: the
  /// channel's own delivery, no metadata, no filter.
  [[nodiscard]] std::byte* send_behind_last(wire::Kind kind, std::uint32_t type,
                                            std::size_t payload_bytes, std::uint8_t channel,
                                            MessageId id) noexcept {
    return open_bundle_.add(kind, type, payload_bytes, channel, id);
  }
  /// Ends it politely. Does nothing when that is under way.
  virtual void close(const CloseReason& reason, TimePoint now) = 0;
  /// Turns an incoming session away with a reason, instead of letting it greet.
  virtual void refuse(ErrorCode code, std::string_view reason = {}) = 0;
  /// Ends it at once, for a reason of this end's.
  virtual void fail(Error error) = 0;
  /// Gives back what a message held, once the program has taken it.
  void release(const Held& held) noexcept {
    released_credit_ += held.credit;
    if (held.reserved_bytes > 0) release_memory(held.reserved_bytes);
  }
  /// Goes on with messages that waited for memory.
  virtual void retry_parked(TimePoint now) = 0;

  // -- Time

  virtual void advance(TimePoint now) = 0;
  /// When `advance` is wanted next.
  [[nodiscard]] virtual TimePoint next_deadline() const noexcept = 0;

  // -- Events

  [[nodiscard]] virtual bool has_event() const noexcept = 0;
  /// Moves the next event into a fresh one, all but its connection. What it holds, also fresh, is
  /// to be released once the program has it. False: there is none.
  [[nodiscard]] bool take_event(Event& into, Held& held) {
    // Nearly always a message, behind others of its packet.
    if (run_.empty() || is_paused()) return find_event(into, held);
    run_.take(into, held);
    return true;
  }

  /// What the next event is when it is a `PlainMessage`; no type otherwise.
  [[nodiscard]] EventType plain_type() const noexcept {
    return run_.empty() || is_paused() ? EventType{} : run_.plain_type();
  }
  /// Of an object that is one; 0 of bytes. Pre: the next event is one.
  [[nodiscard]] std::uint32_t plain_type_id() const noexcept { return run_.plain_type_id(); }
  /// Takes it, and releases it at once. Pre: as above.
  [[nodiscard]] PlainMessage take_plain_message() noexcept {
    const PlainMessage message = run_.take_plain();
    released_credit_ += message.credit;
    return message;
  }

  /// Whether messages are among the events; while they are not, they hold their credit, and the
  /// session's end waits behind them.
  void set_receiving(Receiving receiving) noexcept { receiving_ = receiving; }

  virtual void count_masked() noexcept = 0;
  /// An unreliable message that was taken, and is dropped as the program does not take so many.
  virtual void count_not_polled() noexcept {}
  /// A message that was refused before it came here.
  virtual void count_refused(ErrorCode code) noexcept = 0;
  virtual void count_unknown_type() noexcept = 0;

  // -- Questions

  [[nodiscard]] virtual SessionState state() const noexcept = 0;
  [[nodiscard]] virtual bool was_open() const noexcept = 0;
  [[nodiscard]] virtual bool was_refused() const noexcept = 0;
  [[nodiscard]] virtual bool has_parked() const noexcept = 0;
  /// Appends the large messages of which a part has come, and the rest has not.
  virtual void list_unfinished(std::vector<Unfinished>&) const {}
  /// Whether it takes more of what the other end sends; see `Link::set_reading`.
  [[nodiscard]] virtual bool wants_input() const noexcept = 0;
  /// Whether data waits for nothing but room in the transport.
  [[nodiscard]] virtual bool wants_capacity() const noexcept = 0;
  /// Whether the link has been told everything and can be closed.
  [[nodiscard]] virtual bool wants_link_closed() const noexcept = 0;
  /// Whether the other end needs no more to know that it has everything than that the link is
  /// closed behind what it was given.
  [[nodiscard]] virtual bool ends_with_link() const noexcept { return false; }
  /// Whether the program wants it to outlive its link, and it cannot.
  [[nodiscard]] virtual bool lacks_resume() const noexcept { return false; }
  [[nodiscard]] virtual const std::string& name() const noexcept = 0;
  [[nodiscard]] virtual ConnectionStats stats() const = 0;
  /// By how much the other end's clock is ahead of this one's, once an echo has told.
  [[nodiscard]] virtual std::optional<Duration> clock_offset() const noexcept {
    return std::nullopt;
  }

  /// What both ends do to messages; the owner's business, all but agreeing on it.
  [[nodiscard]] virtual AgreedFilters filters() const noexcept { return {}; }

  [[nodiscard]] bool is_open() const noexcept {
    return state() == SessionState::open || state() == SessionState::interrupted;
  }

 protected:
  /// As `take_event`, when no run of messages is being taken, or it is to wait.
  [[nodiscard]] virtual bool find_event(Event& into, Held& held) = 0;
  /// A large message's memory is free again.
  virtual void release_memory(std::size_t) noexcept {}

  [[nodiscard]] bool is_paused() const noexcept { return receiving_ == Receiving::paused; }
  /// What the program has given back since the last call.
  [[nodiscard]] std::uint64_t take_released_credit() noexcept {
    return std::exchange(released_credit_, 0);
  }
  [[nodiscard]] std::uint64_t released_credit() const noexcept { return released_credit_; }

  /// Messages that are being taken: all events that there are come after them.
  MessageRun run_;
  /// Where messages are being put, while they may be.
  OpenBundle open_bundle_;

 private:
  std::uint64_t released_credit_ = 0;
  Receiving receiving_ = Receiving::on;
};

}  // namespace tickwire::detail
