// SPDX-License-Identifier: MIT
#include "lib/session/message_session.hpp"

#include <algorithm>
#include <new>

#include "lib/base/deadline.hpp"
#include "lib/base/harmless.hpp"

namespace tickwire::detail {
namespace {

// A lone acknowledgement waits this long for data to travel with.
constexpr Duration kAcknowledgeDelay = std::chrono::milliseconds(10);

std::string seconds_text(Duration duration) {
  const auto tenths = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count() / 100;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

}  // namespace

MessageSession::MessageSession(std::shared_ptr<const SessionSettings> settings, SessionStart start,
                               BufferPool& pool, ReassemblyBudget& budget, TimePoint now)
    : settings_(std::move(settings)),
      pool_(pool),
      inbox_(*settings_, budget, pool, stats_.drops),
      outbox_(*settings_, pool, receipts_, stats_, open_bundle_),
      name_(std::move(start.name)),
      state_(start.direction == Direction::dialled ? SessionState::waiting_for_link
                                                   : SessionState::greeting),
      direction_(start.direction),
      slot_(start.slot),
      heard_at_(now),
      opening_(std::make_unique<Opening>()) {
  opening_->authenticate = std::move(start.authenticate);
  opening_->ticket = std::move(start.ticket);
  opening_->within = is_dialled() ? start.connect_timeout : settings_->timeouts.handshake;
  opening_->until = deadline_after(now, opening_->within);
}

MessageSession::Ending& MessageSession::ending() {
  if (!ending_) ending_ = std::make_unique<Ending>();
  return *ending_;
}

void MessageSession::use_link(const LinkTraits& traits) noexcept {
  link_ = traits;
  link_.gathers = traits.gathers && !protector_.needs_whole_packets();
  outbox_.set_packet_limits(link_);
}

void MessageSession::link_up(const LinkTraits& traits) {
  if (wants_call() && !outbox_.fits(traits)) return finish(std::move(resumption_->why));
  use_link(traits);
  if (state_ != SessionState::waiting_for_link && !wants_call()) return;
  ResumeWords words;
  offer_resume(words);
  if (state_ == SessionState::interrupted) {
    words.point = rewind_inbox();
    resumption_->stage = Resumption::Stage::greeting;
    return greet_again(wire::Kind::hello, words);
  }
  state_ = SessionState::greeting;
  HandshakeSelf self = settings_->self;
  self.name = name_;
  self.ticket = std::move(opening_->ticket);
  opening_->greeting_kind = wire::Kind::hello;
  opening_->greeting = encode_hello(self, words);
}

void MessageSession::link_down(Error error, TimePoint now) {
  if (state_ == SessionState::ended) return;
  if (state_ == SessionState::closing) {
    finish(
        {ErrorCode::closed_locally, ending().reason.code, "This program closed the connection."});
  } else if (state_ == SessionState::draining) {
    finish(ending().peer_error);
  } else if (state_ == SessionState::interrupted) {
    resumption_->stage = Resumption::Stage::away;
  } else if (state_ == SessionState::open && resumption_) {
    interrupt(std::move(error), now, Resumption::Stage::away);
  } else {
    finish(std::move(error));
  }
}

void MessageSession::progress(TimePoint now) {
  was_answered_ = true;
  if (was_open_) heard_at_ = now;
}

void MessageSession::end_of_stream(TimePoint) {
  violate("the end of its stream without a goodbye");
}

void MessageSession::receive(Packet packet, TimePoint now) {
  if (state_ == SessionState::ended) return;
  ++stats_.packets_received;
  stats_.bytes_received += packet.size();
  if (!protector_.open(packet)) {
    ++stats_.drops.undecryptable_packets;
    return;
  }
  const auto header = wire::take_header(packet);
  if (!header) return violate("a packet with a broken header");
  heard_at_ = now;
  if (header->lane == wire::PacketLane::control) return take_control(packet.bytes(), now);

  // Data proves that the other end has our WELCOME, even if its READY is still on the way.
  if (state_ == SessionState::welcoming) become_open(now);
  if (is_welcoming_back()) become_resumed(now);
  if (state_ == SessionState::interrupted) return violate("data before its greeting");
  if (!was_open_) {
    if (header->lane == wire::PacketLane::reliable) return violate("data before its greeting");
    ++stats_.drops.early_packets;
    return;
  }
  if (header->acknowledged && !outbox_.acknowledge(header->channel, *header->acknowledged)) {
    return violate("an acknowledgement of what was never sent");
  }
  note_talk(now);
  if (!inbox_.receive(*header, std::move(packet))) return violate("a malformed packet");
  after_data(now);
}

// Of a packet that is more than a piece of a large message nothing is taken before all is there.
TailPlace MessageSession::place_tail(std::span<const std::byte> front, std::size_t packet_bytes,
                                     TimePoint now) {
  const bool has_data = state_ == SessionState::open || state_ == SessionState::closing ||
                        state_ == SessionState::draining;
  if (!has_data || protector_.needs_whole_packets()) return {};
  ByteCursor cursor(front);
  const auto header = wire::read_header(cursor);
  if (!header || header->lane != wire::PacketLane::reliable) return {};
  const std::size_t header_bytes = front.size() - cursor.remaining();
  TailPlace place =
      inbox_.place_tail(*header, front.subspan(header_bytes), packet_bytes - header_bytes);
  if (place.room.size == 0) return {};
  place.front_bytes += header_bytes;
  ++stats_.packets_received;
  stats_.bytes_received += packet_bytes;
  heard_at_ = now;
  if (header->acknowledged && !outbox_.acknowledge(header->channel, *header->acknowledged)) {
    violate("an acknowledgement of what was never sent");
  }
  note_talk(now);
  return place;
}

void MessageSession::receive_tail(TimePoint now) {
  // A message of which a part is missing goes with its link.
  if (state_ == SessionState::ended || state_ == SessionState::interrupted) return;
  heard_at_ = now;
  if (!inbox_.receive_tail()) return violate("a malformed packet");
  after_data(now);
}

void MessageSession::after_data(TimePoint now) {
  if (inbox_.owes_acknowledgements() && acknowledge_at_ == kNever) {
    acknowledge_at_ = now + kAcknowledgeDelay;
  }
  if (state_ == SessionState::draining) check_drained();
}

void MessageSession::retry_parked(TimePoint now) {
  const bool is_at_rest = state_ == SessionState::ended || state_ == SessionState::interrupted;
  if (is_at_rest || !inbox_.has_parked()) return;
  if (!inbox_.retry_parked()) return violate("a malformed packet");
  after_data(now);
}

ErrorCode MessageSession::send(const OutMessage& message, std::optional<Delivery> delivery,
                               std::uint8_t channel, TimePoint now) {
  const ErrorCode code = add(message, delivery, channel, now);
  if (code == ErrorCode::none) {
    note_talk(now);
  } else {
    count_refused(code);
    refused_full_ |= code == ErrorCode::send_queue_full;
  }
  return code;
}

ErrorCode MessageSession::add(const OutMessage& message, std::optional<Delivery> delivery,
                              std::uint8_t channel, TimePoint now) {
  if (!is_open()) return ErrorCode::not_connected;
  const Delivery how = delivery.value_or(outbox_.default_delivery(channel));
  if (message.replace_key && how == Delivery::reliable) return ErrorCode::invalid_argument;
  if (how != Delivery::reliable &&
      message.content_bytes() > settings_->limits.max_unreliable_bytes) {
    return ErrorCode::message_too_large;
  }
  return outbox_.add(message, how, channel, now);
}

// Not before half of the queue is free, or a program that fills it would be told for each message.
bool MessageSession::owes_writable() const noexcept {
  return refused_full_ && is_open() &&
         std::max(outbox_.held_bytes(), outbox_.id_bytes()) <=
             settings_->limits.max_send_queue_bytes / 2;
}

void MessageSession::close(const CloseReason& reason, TimePoint now) {
  switch (state_) {
    case SessionState::open:
      state_ = SessionState::closing;
      outbox_.take_bundle_back();
      keep_reason(reason);
      ending().linger_until = now + settings_->timeouts.linger;
      break;
    case SessionState::closing:
    case SessionState::draining:
    case SessionState::ended:
      break;
    case SessionState::interrupted:
      finish({ErrorCode::closed_locally, reason.code,
              "This program closed the connection while it was interrupted."});
      break;
    default:
      close_unopened(reason);
  }
}

void MessageSession::keep_reason(const CloseReason& reason) {
  ending().reason = reason;
  ending().reason.text.resize(cut_text(reason.text, wire::kMaxReasonBytes).size());
}

// Whoever has called is told why: by REFUSE, or where WELCOME is out, by what ends what is open.
void MessageSession::close_unopened(const CloseReason& reason) {
  if (is_dialled()) {
    return finish({ErrorCode::closed_locally, reason.code,
                   "This program closed the connection before it came up."});
  }
  if (state_ == SessionState::greeting || !opening_->greeting.empty()) {
    return refuse_by_program(
        {ErrorCode::none, reason.code, reason.text.empty() ? "closed" : reason.text});
  }
  keep_reason(reason);
  opening_->owes_goodbye = true;
  finish({});
}

Refusal MessageSession::make_refusal(ErrorCode code, std::string_view reason) const {
  return {code,
          wire::kVersion,
          wire::kVersion,
          settings_->self.application,
          settings_->self.schema,
          std::string(reason)};
}

void MessageSession::refuse(ErrorCode code, std::string_view reason) {
  Refusal refusal = make_refusal(code, reason);
  // Whoever comes back needs no room of its own, so that it is heard first.
  const bool may_come_back = settings_->timeouts.resume_window.has_value() &&
                             state_ == SessionState::greeting && asks_to_resume() == nullptr;
  if (!may_come_back) return refuse(std::move(refusal));
  opening_->reserved_refusal = std::move(refusal);
}

void MessageSession::refuse(Refusal refusal) {
  refused_ = true;
  finish({refusal.code, 0, {}});
  opening_->refusal = std::move(refusal);
}

void MessageSession::fail(Error error) {
  if (state_ != SessionState::ended) finish(std::move(error));
}

void MessageSession::advance(TimePoint now) {
  if (state_ == SessionState::ended) return;
  if (!was_open_) {
    if (now < opening_->until) return;
    const bool linked = state_ != SessionState::waiting_for_link || was_answered_;
    return finish({linked ? ErrorCode::handshake_timed_out : ErrorCode::connect_timed_out, 0,
                   linked ? "The other end answered, but did not finish its greeting within " +
                                seconds_text(opening_->within) + "."
                          : "Nobody answered within " + seconds_text(opening_->within) + "."});
  }
  if (state_ == SessionState::interrupted) {
    if (now >= resumption_->until) finish(resumption_->why);
    return;
  }
  if (now >= dead_at()) {
    return lose({ErrorCode::connection_lost, 0,
                 "Nothing was heard from the other end for " +
                     seconds_text(settings_->timeouts.idle) + "."},
                now);
  }
  if (ending_ && now >= ending_->linger_until) {
    // Totals that never come true must not keep it for ever.
    if (state_ == SessionState::draining) return finish(ending().peer_error);
    if (!close_sent_) {
      // What has not left by now does not leave. The goodbye does, and may take as long.
      outbox_.abandon();
      ending_->linger_until = now + settings_->timeouts.linger;
      return;
    }
    return finish({ErrorCode::closed_locally, ending().reason.code,
                   "This program closed the connection; the other end did not confirm within " +
                       seconds_text(settings_->timeouts.linger) + "."});
  }
  if (now >= ping_at_) {
    send_ping(now);
  }
}

TimePoint MessageSession::dead_at() const noexcept {
  return heard_at_ + deadly_silence(settings_->timeouts);
}

// A message, of either end: while there are some, how long the way takes is of interest.
void MessageSession::note_talk(TimePoint now) noexcept {
  talked_at_ = now;
  ping_at_ = std::min(ping_at_, now + settings_->timeouts.keep_alive);
}

Duration MessageSession::ping_interval(TimePoint now) const noexcept {
  const Duration quiet = quiet_interval(settings_->timeouts);
  return now - talked_at_ < 3 * settings_->timeouts.keep_alive ? settings_->timeouts.keep_alive
                                                               : quiet;
}

void MessageSession::send_ping(TimePoint now) noexcept {
  ping_due_ = true;
  ping_at_ = now + ping_interval(now);
}

TimePoint MessageSession::next_deadline() const noexcept {
  if (state_ == SessionState::ended) return TimePoint::max();
  if (!was_open_) return opening_->until;
  if (state_ == SessionState::interrupted) return resumption_->until;
  TimePoint next = std::min(dead_at(), ping_at_);
  if (!waits_for_room_) next = std::min(next, acknowledge_at_);
  if (ending_) next = std::min(next, ending_->linger_until);
  return next;
}

bool MessageSession::has_event() const noexcept {
  if (is_paused() && has_messages()) {
    return connected_pending_ || owes_writable() || !receipts_.empty() ||
           (has_notice() && !has_messages_before(resumption_->notices.front().arrival));
  }
  return connected_pending_ || has_messages() || !receipts_.empty() || has_notice() ||
         owes_writable() || end_pending_;
}

bool MessageSession::has_messages_before(std::uint64_t arrival) const noexcept {
  return (!run_.empty() && run_.arrival() < arrival) || inbox_.has_before(arrival);
}

bool MessageSession::find_event(Event& into, Held& held) {
  if (!has_event()) return false;
  if (connected_pending_) {
    connected_pending_ = false;
    into.type = EventType::connected;
  } else if (owes_writable()) {
    refused_full_ = false;
    into.type = EventType::writable;
  } else if (has_notice() && !has_messages_before(resumption_->notices.front().arrival)) {
    auto notice = resumption_->notices.take_front();
    into.type = notice.type;
    into.error = std::move(notice.error);
  } else if (!inbox_.empty() && !is_paused() && (receipts_due_ == 0 || receipts_.empty())) {
    take_first_message(into, held);
  } else if (!receipts_.empty()) {
    receipts_.take(into);
    if (receipts_due_ > 0) --receipts_due_;
  } else {
    end_pending_ = false;
    into.type = was_open_ ? EventType::disconnected : EventType::error;
    into.error = ending_ ? std::move(ending_->error) : Error{ErrorCode::out_of_resources, 0, {}};
  }
  return true;
}

// Of a packet. The others follow at once; then it is the turn of as many receipts.
void MessageSession::take_first_message(Event& into, Held& held) {
  run_ = inbox_.take();
  stats_.messages_received += run_.messages();
  receipts_due_ = run_.messages();
  run_.take(into, held);
}

bool MessageSession::wants_link_closed() const noexcept {
  const bool owes_words = opening_ && (opening_->refusal || opening_->owes_goodbye);
  return state_ == SessionState::ended && !owes_words && !owes_close_ack_;
}

ConnectionStats MessageSession::stats() const {
  ConnectionStats stats = stats_;
  stats.rtt = rtt_.rtt();
  stats.jitter = rtt_.jitter();
  if (link_.loses_datagrams) stats.packet_loss_ratio = loss_.ratio().value_or(0.0);
  stats.messages_sent += open_bundle_.messages();
  stats.queued_bytes = outbox_.queued_bytes();
  return stats;
}

void MessageSession::become_open(TimePoint now) {
  state_ = SessionState::open;
  was_open_ = true;
  connected_pending_ = true;
  heard_at_ = now;
  talked_at_ = now;
  send_ping(now);
}

// The other end has closed: done as soon as everything that it sent has arrived.
void MessageSession::check_drained() {
  for (const auto& [channel, total] : ending().peer_totals) {
    if (inbox_.taken(channel) != total) return;
  }
  owes_close_ack_ = true;
  finish(ending().peer_error);
}

// From here on there is nothing but the events that wait, and at most one more packet.
void MessageSession::finish(Error error) {
  state_ = SessionState::ended;
  end_pending_ = was_open_ || is_dialled();
  outbox_.abandon();
  inbox_.drop_unfinished();
  try {
    ending().error = std::move(error);
  } catch (const std::bad_alloc&) {
    // Then that is what is told, see `find_event`.
  }
}

void MessageSession::violate(std::string_view what) {
  finish({ErrorCode::protocol_violation, 0, "The other end sent " + std::string(what) + "."});
}

}  // namespace tickwire::detail
