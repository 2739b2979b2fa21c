// SPDX-License-Identifier: MIT
#include <algorithm>

#include "lib/session/message_session.hpp"

/// What a session says at a flush.
namespace tickwire::detail {
namespace {

constexpr std::size_t kAcknowledgementBytes = 5;
constexpr std::size_t kHoldBytes = wire::record_bytes(1);

// What all that is owed at one flush takes at most, without the goodbye, and the goodbye.
constexpr std::size_t owed_bytes(std::size_t channels) noexcept {
  return wire::record_bytes(channels * kAcknowledgementBytes) + channels * kHoldBytes +
         wire::record_bytes(sizeof(std::uint64_t)) + wire::record_bytes(0);
}
constexpr std::size_t goodbye_bytes(std::size_t channels) noexcept {
  return wire::record_bytes(sizeof(std::uint16_t) + varint_bytes(wire::kMaxReasonBytes) +
                            wire::kMaxReasonBytes + channels * kAcknowledgementBytes);
}

// Acknowledgements owed at which they wait no longer for data or credit to travel with.
constexpr std::uint64_t kAcknowledgeCount = 4096;

}  // namespace

std::uint32_t MessageSession::stamp(TimePoint now) const noexcept {
  // Microseconds, modulo 71 minutes.
  return static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count());
}

void MessageSession::flush(PacketSink& sink, TimePoint now) {
  if (state_ == SessionState::waiting_for_link) return;
  inbox_.return_credit(take_released_credit());
  PacketWriter writer(sink, protector_, inbox_, stats_);
  write_handshake(writer);
  waits_for_room_ = waits_to_echo_ = false;
  if (!was_open_ || state_ == SessionState::interrupted) return;
  // Asked before data takes the room, so that data never starves what else there is to say. What
  // travels alone has no other bound: a peer that asks and never reads would fill the memory.
  const bool has_room = !owes_words() || writer.capacity_bytes(Lane::control) > 0;
  waits_to_echo_ = owes_echoes() && writer.capacity_bytes(Lane::datagram) == 0;
  if (state_ == SessionState::open || state_ == SessionState::closing) outbox_.flush(writer, now);
  waits_for_room_ = !has_room && owes_words();
  write_reliable_control(writer, now);
  if (!waits_to_echo_) write_echoes(writer, now);
}

// Whether there is anything to say on the control lane that can wait.
bool MessageSession::owes_words() const noexcept {
  return state_ != SessionState::ended &&
         (inbox_.owes_acknowledgements() || inbox_.owes_credit() || inbox_.owes_holds());
}

bool MessageSession::owes_echoes() const noexcept {
  return state_ != SessionState::ended && (echo_ || ping_due_);
}

void MessageSession::write_handshake(PacketWriter& writer) {
  if (!opening_) return;
  const auto write = [&](wire::Kind kind, std::span<const std::byte> body) {
    Packet packet(pool_, wire::record_bytes(body.size()));
    std::copy(body.begin(), body.end(), wire::append_record(packet, kind, body.size()));
    writer.write_control(std::move(packet), Lane::control);
  };
  if (opening_->refusal) {
    write(wire::Kind::refuse, encode_refusal(*opening_->refusal));
    opening_->refusal.reset();
  }
  if (opening_->owes_goodbye) {
    opening_->owes_goodbye = false;
    Packet packet(pool_, goodbye_bytes(0));
    append_close(packet);
    writer.write_control(std::move(packet), Lane::control);
  }
  if (state_ == SessionState::ended) return;
  if (!opening_->greeting.empty()) {
    write(opening_->greeting_kind, opening_->greeting);
    opening_->greeting.clear();
  }
  if (owes_ready_) {
    write(wire::Kind::ready, {});
    owes_ready_ = false;
  }
  if (was_open_) opening_.reset();
}

void MessageSession::write_reliable_control(PacketWriter& writer, TimePoint now) {
  if (!inbox_.owes_acknowledgements()) acknowledge_at_ = kNever;
  const bool closing_now = state_ == SessionState::closing && !close_sent_ && outbox_.empty();
  if (waits_for_room_ && !closing_now && !owes_close_ack_) return;
  const bool credit = state_ != SessionState::ended && inbox_.owes_credit();
  const bool acknowledge = inbox_.owes_acknowledgements() &&
                           (credit || closing_now || owes_close_ack_ ||
                            inbox_.owed_messages() >= kAcknowledgeCount || now >= acknowledge_at_);
  const bool holds = state_ != SessionState::ended && inbox_.owes_holds();
  if (!acknowledge && !credit && !holds && !closing_now && !owes_close_ack_) return;

  Packet packet(
      pool_, owed_bytes(inbox_.channels()) + (closing_now ? goodbye_bytes(outbox_.channels()) : 0));
  if (acknowledge) {
    std::byte owed[kMaxChannels * kAcknowledgementBytes];
    std::byte* end = owed;
    for (std::size_t i = 0; i < inbox_.channels(); ++i) {
      const auto channel = static_cast<std::uint8_t>(i);
      if (const auto taken = inbox_.take_acknowledgement(channel)) {
        *end = std::byte{channel};
        store(end + 1, *taken);
        end += kAcknowledgementBytes;
      }
    }
    const auto bytes = static_cast<std::size_t>(end - owed);
    std::copy(static_cast<std::byte*>(owed), end,
              wire::append_record(packet, wire::Kind::acknowledge, bytes));
    acknowledge_at_ = kNever;
  }
  // Before the credit, see `Inbox::park`.
  if (holds) {
    inbox_.take_holds([&](std::uint8_t channel, bool is_held) {
      *wire::append_record(packet, is_held ? wire::Kind::hold : wire::Kind::resume, 1) =
          std::byte{channel};
    });
  }
  if (credit) {
    store(wire::append_record(packet, wire::Kind::credit, sizeof(std::uint64_t)),
          *inbox_.take_credit());
  }
  if (owes_close_ack_) {
    static_cast<void>(wire::append_record(packet, wire::Kind::close_ack, 0));
    owes_close_ack_ = false;
  }
  if (closing_now) append_close(packet);
  writer.write_control(std::move(packet), Lane::control);
}

void MessageSession::append_close(Packet& packet) {
  std::byte totals[kMaxChannels * kAcknowledgementBytes];
  std::byte* end = totals;
  for (std::size_t i = 0; i < outbox_.channels(); ++i) {
    const auto channel = static_cast<std::uint8_t>(i);
    if (outbox_.sent(channel) == 0) continue;
    *end = std::byte{channel};
    store(end + 1, outbox_.sent(channel));
    end += kAcknowledgementBytes;
  }
  const auto totals_bytes = static_cast<std::size_t>(end - totals);
  const auto text = as_bytes(ending().reason.text);
  const auto text_bytes = static_cast<std::uint32_t>(text.size());
  std::byte* at = wire::append_record(
      packet, wire::Kind::close,
      sizeof(std::uint16_t) + varint_bytes(text_bytes) + text_bytes + totals_bytes);
  store(at, ending().reason.code);
  at = store_varint(at + sizeof(std::uint16_t), text_bytes);
  at = std::copy(text.begin(), text.end(), at);
  std::copy(static_cast<std::byte*>(totals), end, at);
  close_sent_ = true;
}

// Echoes go by datagram: one that a transport sent again would tell a wrong time.
void MessageSession::write_echoes(PacketWriter& writer, TimePoint now) {
  if (!owes_echoes()) return;
  Packet packet(pool_, 64);
  if (echo_) {
    constexpr std::size_t bytes = 4 * sizeof(std::uint32_t) + sizeof(std::uint64_t);
    std::byte* at = wire::append_record(packet, wire::Kind::pong, bytes);
    store(at, echo_->stamp);
    store(at + 4, stamp(now) - stamp(echo_->heard_at));
    store(at + 8, inbox_.datagrams_received());
    store(at + 12, inbox_.datagrams_missed());
    store(at + 16,
          static_cast<std::uint64_t>(now.time_since_epoch() / std::chrono::microseconds(1)));
    echo_.reset();
  }
  if (ping_due_) {
    store(wire::append_record(packet, wire::Kind::ping, sizeof(std::uint32_t)), stamp(now));
    ping_due_ = false;
  }
  writer.write_control(std::move(packet), Lane::datagram);
}

}  // namespace tickwire::detail
