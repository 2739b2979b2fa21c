// SPDX-License-Identifier: MIT
#include "lib/session/raw_session.hpp"

#include <algorithm>
#include <utility>

#include "lib/base/deadline.hpp"
#include "lib/session/payload_access.hpp"

namespace tickwire::detail {
namespace {

// Small sends share a packet of this size; one that is larger and already counted is not copied.
constexpr std::size_t kBundleBytes = 16 * 1024;
// What it costs to hold a read, besides its bytes: without it, a peer who writes one byte at a time
// could pile up a hundred times the window.
constexpr std::size_t kHoldingBytes = 128;
static_assert(sizeof(Slice) <= kHoldingBytes);

}  // namespace

RawSession::RawSession(std::shared_ptr<const SessionSettings> settings, SessionStart start,
                       BufferPool& pool, TimePoint now)
    : settings_(std::move(settings)),
      pool_(pool),
      name_(std::move(start.name)),
      state_(SessionState::waiting_for_link),
      direction_(start.direction),
      open_by_(deadline_after(now, start.connect_timeout)) {}

void RawSession::link_up(const LinkTraits& traits) {
  // It may have been given up since the transport began to call.
  if (state_ != SessionState::waiting_for_link) return;
  max_packet_bytes_ = traits.max_packet_bytes;
  state_ = SessionState::open;
  was_open_ = true;
  connected_pending_ = true;
  received_bytes_ += kHoldingBytes;  // taken with `connected`
}

void RawSession::link_down(Error error, TimePoint) {
  if (state_ != SessionState::ended) finish(std::move(error));
}

void RawSession::receive(Packet packet, TimePoint) {
  if (state_ == SessionState::ended) return;
  ++stats_.packets_received;
  stats_.bytes_received += packet.size();
  received_bytes_ += packet.size() + kHoldingBytes;
  incoming_.push_back({packet.slice(0, packet.size())}, pool_);
}

void RawSession::end_of_stream(TimePoint) {
  input_ended_ = true;
}

bool RawSession::wants_input() const noexcept {
  return untaken_bytes() < settings_->limits.receive_window_bytes;
}

void RawSession::flush(PacketSink& sink, TimePoint now) {
  const std::uint64_t taken = released_credit();
  const bool has_taken = std::exchange(taken_before_, taken) != taken;
  while (!outgoing_.empty() && sink.capacity_bytes(Lane::reliable) > 0) {
    Item item = outgoing_.take_front();
    ids_.pop(item.messages, [&](MessageId first, std::uint64_t count) {
      receipts_.add(first, count, 0, Receipt::handed_over);
    });
    if (item.packet.size() == 0) continue;  // an empty message: its receipt is all there is to it
    ++stats_.packets_sent;
    stats_.bytes_sent += item.packet.size();
    queued_bytes_ -= item.packet.size();
    sink.send(std::move(item.packet), Lane::reliable, 0);
  }
  if (!outgoing_.empty() || state_ == SessionState::ended) return;
  if (state_ == SessionState::closing) {
    finish({ErrorCode::closed_locally, close_reason_.code, "This program closed the connection."});
  } else if (input_ended_ && untaken_bytes() == 0) {
    // A program that has been told something in this pass may answer until the end of the next.
    if (has_taken) end_due_ = now;
    if (!end_due_) finish({ErrorCode::closed_by_peer, 0, "The other end closed its stream."});
  }
}

ErrorCode RawSession::check(const OutMessage& message, std::optional<Delivery> delivery,
                            std::uint8_t channel) const {
  if (state_ != SessionState::open) return ErrorCode::not_connected;
  if (message.body.is_object || !message.body.metadata.empty() ||
      delivery.value_or(Delivery::reliable) != Delivery::reliable) {
    return ErrorCode::not_supported;
  }
  if (message.replace_key) return ErrorCode::invalid_argument;
  if (channel != 0) return ErrorCode::no_such_channel;
  const std::size_t bytes = message.body.payload.size();
  if (bytes > settings_->limits.max_message_bytes) return ErrorCode::message_too_large;
  if (queued_bytes_ + bytes > settings_->limits.max_send_queue_bytes)
    return ErrorCode::send_queue_full;
  return ErrorCode::none;
}

ErrorCode RawSession::send(const OutMessage& message, std::optional<Delivery> delivery,
                           std::uint8_t channel, TimePoint) {
  const ErrorCode code = check(message, delivery, channel);
  if (code != ErrorCode::none) {
    count_refused(code);
    refused_full_ |= code == ErrorCode::send_queue_full;
    return code;
  }
  const bool wants_receipt = settings_->events.contains(EventType::data_sent);
  if (wants_receipt) ids_.reserve_run();
  const std::size_t bytes = message.body.payload.size();
  if (bytes == 0) {
    append_nothing();
  } else if (message.payload_block && bytes > kBundleBytes) {
    share(message);
  } else {
    append(message.body.payload);
  }
  ++outgoing_.back().messages;
  queued_bytes_ += bytes;
  ++stats_.messages_sent;
  if (wants_receipt) ids_.push(message.id);
  return ErrorCode::none;
}

// Something for its receipt to stand in.
void RawSession::append_nothing() {
  if (outgoing_.empty()) outgoing_.push_back();
}

void RawSession::append(std::span<const std::byte> bytes) {
  for (std::size_t at = make_room(bytes.size()); !bytes.empty(); ++at) {
    Packet& packet = outgoing_[at].packet;
    const std::size_t piece = std::min(bytes.size(), packet.room());
    packet.append(bytes.first(piece));
    bytes = bytes.subspan(piece);
  }
}

// All packets before the first byte: a message of which one does not fit into memory must leave no
// part of it behind. Returns where they begin.
std::size_t RawSession::make_room(std::size_t bytes) {
  const std::size_t before = outgoing_.size();
  const std::size_t room = before == 0 ? 0 : outgoing_.back().packet.room();
  try {
    for (std::size_t left = bytes - std::min(bytes, room); left > 0;) {
      // The pool has nothing between the two, so that what is not used of it would be lost.
      Packet packet(pool_, left > kBundleBytes ? max_packet_bytes_ : kBundleBytes);
      left -= std::min(left, packet.room());
      outgoing_.push_back({std::move(packet), 0});
    }
  } catch (...) {
    while (outgoing_.size() > before)
      static_cast<void>(outgoing_.take(outgoing_.size() - 1));
    throw;
  }
  return room > 0 ? before - 1 : before;
}

// As parts of the block that holds it, in what the transport takes at a time.
void RawSession::share(const OutMessage& message) {
  auto bytes = message.body.payload;
  outgoing_.reserve(outgoing_.size() + bytes.size() / max_packet_bytes_ + 1);
  while (!bytes.empty()) {
    const std::size_t piece = std::min(bytes.size(), max_packet_bytes_);
    const auto begin = static_cast<std::size_t>(bytes.data() - message.payload_block.bytes());
    outgoing_.push_back({Packet(message.payload_block, begin, piece), 0});
    bytes = bytes.subspan(piece);
  }
}

void RawSession::close(const CloseReason& reason, TimePoint now) {
  if (state_ == SessionState::waiting_for_link) {
    return finish({ErrorCode::closed_locally, reason.code,
                   "This program closed the connection before it came up."});
  }
  if (state_ != SessionState::open) return;
  state_ = SessionState::closing;
  close_reason_ = reason;
  linger_until_ = now + settings_->timeouts.linger;
}

// There is nobody on the other end who would understand a reason.
void RawSession::refuse(ErrorCode code, std::string_view) {
  refused_ = true;
  was_open_ = false;
  connected_pending_ = false;
  finish({code, 0, {}});
}

void RawSession::fail(Error error) {
  if (state_ != SessionState::ended) finish(std::move(error));
}

void RawSession::advance(TimePoint now) {
  end_due_.reset();
  if (state_ == SessionState::waiting_for_link && now >= next_deadline()) {
    return finish(
        was_answered_
            ? Error{ErrorCode::handshake_timed_out, 0,
                    "The other end answered, but did not finish the TLS handshake in time."}
            : Error{ErrorCode::connect_timed_out, 0, "Nobody answered in time."});
  }
  if (linger_until_ && now >= *linger_until_ && state_ != SessionState::ended) {
    finish({ErrorCode::closed_locally, close_reason_.code,
            "This program closed the connection; the other end did not read all of it in time."});
  }
}

TimePoint RawSession::next_deadline() const noexcept {
  if (state_ == SessionState::waiting_for_link) return open_by_;
  if (state_ == SessionState::ended) return TimePoint::max();
  if (end_due_) return *end_due_;
  return linger_until_.value_or(TimePoint::max());
}

bool RawSession::has_event() const noexcept {
  if (is_paused() && !incoming_.empty()) {
    return connected_pending_ || owes_writable() || !receipts_.empty();
  }
  return connected_pending_ || !incoming_.empty() || !receipts_.empty() || owes_writable() ||
         end_pending_;
}

bool RawSession::owes_writable() const noexcept {
  return refused_full_ && state_ == SessionState::open &&
         queued_bytes_ <= settings_->limits.max_send_queue_bytes / 2;
}

bool RawSession::find_event(Event& into, Held& held) {
  if (!has_event()) return false;
  if (std::exchange(connected_pending_, false)) {
    into.type = EventType::connected;
    held.credit = kHoldingBytes;
  } else if (owes_writable()) {
    refused_full_ = false;
    into.type = EventType::writable;
  } else if (!incoming_.empty() && !is_paused() && (!receipt_is_next_ || receipts_.empty())) {
    held = take_bytes(into);
  } else if (!receipts_.empty()) {
    receipts_.take(into);
    receipt_is_next_ = false;
  } else {
    end_pending_ = false;
    into.type = was_open_ ? EventType::disconnected : EventType::error;
    into.error = std::move(end_);
  }
  return true;
}

Held RawSession::take_bytes(Event& into) {
  Slice bytes = incoming_.take_front().place;
  into.type = EventType::data_received;
  const auto where = bytes.bytes();
  PayloadAccess::fill(into.payload, bytes.buffer.detach(), where, {});
  ++stats_.messages_received;
  receipt_is_next_ = true;
  return {where.size() + kHoldingBytes, 0};
}

// One that is closed ends behind what was sent, as if there had been no more.
bool RawSession::wants_link_closed() const noexcept {
  return state_ == SessionState::ended && !gives_up_link_;
}

bool RawSession::gives_up_link() noexcept {
  return std::exchange(gives_up_link_, false);
}

ConnectionStats RawSession::stats() const {
  ConnectionStats stats = stats_;
  stats.queued_bytes = queued_bytes_;
  return stats;
}

void RawSession::finish(Error error) {
  state_ = SessionState::ended;
  gives_up_link_ = !outgoing_.empty();
  while (!outgoing_.empty()) {
    const Item item = outgoing_.take_front();
    stats_.drops.unsent_at_close += item.messages;
    ids_.pop(item.messages, [&](MessageId first, std::uint64_t count) {
      receipts_.add(first, count, 0, Receipt::dropped);
    });
  }
  queued_bytes_ = 0;
  end_ = std::move(error);
  end_pending_ = was_open_ || is_dialled();
}

}  // namespace tickwire::detail
