// SPDX-License-Identifier: MIT
#include <algorithm>

#include "lib/base/harmless.hpp"
#include "lib/session/message_session.hpp"

/// What a session makes of the control records that it is sent.
namespace tickwire::detail {

void MessageSession::take_control(std::span<const std::byte> records, TimePoint now) {
  ByteCursor cursor(records);
  while (state_ != SessionState::ended) {
    const auto record = wire::next_record(cursor);
    if (!record) break;
    take_record(*record, now);
  }
  if (!cursor.ok() && state_ != SessionState::ended) violate("a broken control packet");
}

void MessageSession::take_record(const wire::Record& record, TimePoint now) {
  const auto kind = static_cast<wire::Kind>(record.kind);
  switch (kind) {
    case wire::Kind::hello:
    case wire::Kind::welcome:
    case wire::Kind::refuse:
    case wire::Kind::ready:
    case wire::Kind::handshake_data:
      return take_handshake_record(kind, record.body, now);
    default:
      break;
  }
  if ((record.kind & wire::kIgnorableBit) != 0) {
    ++stats_.drops.unknown_records;
    return;
  }
  if (!was_open_) {
    // Only READY itself may be overtaken, on transports whose lanes are independent.
    if (state_ != SessionState::welcoming) return violate("a record before its greeting");
    become_open(now);
  }
  if (is_welcoming_back()) become_resumed(now);
  if (state_ == SessionState::interrupted) return violate("a record before its greeting");
  switch (kind) {
    case wire::Kind::acknowledge:
      return take_acknowledgements(record.body);
    case wire::Kind::credit: {
      ByteCursor cursor(record.body);
      const auto limit = cursor.number<std::uint64_t>();
      if (!cursor.ok()) return violate("a broken credit");
      return outbox_.raise_credit(limit);
    }
    case wire::Kind::hold:
    case wire::Kind::resume: {
      ByteCursor cursor(record.body);
      const auto channel = cursor.number<std::uint8_t>();
      const Hold hold = kind == wire::Kind::hold ? Hold::on : Hold::off;
      if (!cursor.ok() || !outbox_.hold(channel, hold)) return violate("a broken hold");
      return;
    }
    case wire::Kind::ping: {
      ByteCursor cursor(record.body);
      const auto stamp = cursor.number<std::uint32_t>();
      if (!cursor.ok()) return violate("a broken ping");
      echo_ = Echo{stamp, now};
      // The own one goes with the answer, if it is due before long: one packet less.
      if (ping_at_ - now < ping_interval(now) * 3 / 4) send_ping(now);
      return;
    }
    case wire::Kind::pong:
      return take_pong(record.body, now);
    case wire::Kind::close:
      return take_close(record.body, now);
    case wire::Kind::close_ack:
      if (!close_sent_) return violate("an answer to no goodbye");
      return finish(
          {ErrorCode::closed_locally, ending().reason.code, "This program closed the connection."});
    default:
      return violate("a record that this version does not know");
  }
}

void MessageSession::take_handshake_record(wire::Kind kind, std::span<const std::byte> body,
                                           TimePoint now) {
  const bool greeting = takes_greeting();
  if (kind == wire::Kind::hello && greeting && !is_dialled()) return take_hello(body);
  if (kind == wire::Kind::welcome && greeting && is_dialled()) return take_welcome(body, now);
  if (kind == wire::Kind::refuse && greeting && is_dialled()) return take_refusal(body);
  if (kind == wire::Kind::ready && !is_dialled()) {
    if (state_ == SessionState::welcoming) return become_open(now);
    if (is_welcoming_back()) return become_resumed(now);
    if (was_open_) return;  // data was quicker
  }
  if (kind == wire::Kind::handshake_data && !was_open_ && protector_.take_handshake(body)) return;
  violate("a greeting out of turn");
}

void MessageSession::take_hello(std::span<const std::byte> body) {
  auto hello = decode_hello(body);
  if (!hello) {
    if (hello.error().code != ErrorCode::unsupported_extension) return finish(hello.error());
    return refuse(make_refusal(hello.error().code, {}));
  }
  if (auto refusal = check_hello(*hello, settings_->self)) return refuse(*std::move(refusal));
  if (hello->resume.point) {
    // Whose it is knows the host; see `asks_to_resume`.
    opening_->asks_to_resume = std::move(hello->resume);
    return;
  }
  if (opening_->reserved_refusal) return refuse(*std::exchange(opening_->reserved_refusal, {}));
  name_ = hello->self.name;
  if (opening_->authenticate) {
    const auto allowed = opening_->authenticate(hello->self);
    if (!allowed) return refuse_by_program(allowed.error());
    if (state_ == SessionState::ended) return;  // the program has closed it meanwhile
  }
  take_peer_limits(hello->self);
  state_ = SessionState::welcoming;
  ResumeWords words;
  if (hello->resume.asks) offer_resume(words);
  HandshakeSelf self = settings_->self;
  filters_ = agree_on_filters(hello->self.filters, self.filters);
  self.filters.clear();
  for (const std::uint8_t place : filters_.places())
    self.filters.push_back(settings_->self.filters[place]);
  opening_->greeting_kind = wire::Kind::welcome;
  opening_->greeting = encode_welcome(self, words);
}

void MessageSession::refuse_by_program(const Error& why) {
  Refusal refusal = make_refusal(ErrorCode::refused_by_application, why.message());
  const int code = why.system_code;
  if (code >= CloseReason::first_program_code && code <= 0xffff) {
    refusal.program_code = static_cast<std::uint16_t>(code);
  }
  refuse(std::move(refusal));
}

void MessageSession::take_peer_limits(const HandshakeSelf& peer) noexcept {
  outbox_.set_peer_limits(
      peer.receive_window_bytes,
      std::min<std::size_t>(peer.max_message_bytes, settings_->limits.max_message_bytes),
      peer.channels);
}

void MessageSession::take_welcome(std::span<const std::byte> body, TimePoint now) {
  const auto welcome = decode_welcome(body);
  if (!welcome) return finish(welcome.error());
  if (state_ == SessionState::interrupted) return take_welcome_back(*welcome, now);
  const auto filters = take_agreed_filters(welcome->self.filters, settings_->self.filters);
  if (!filters) return finish(filters.error());
  filters_ = *filters;
  take_peer_limits(welcome->self);
  if (welcome->resume.token && settings_->timeouts.resume_window) {
    agree_to_resume(*welcome->resume.token);
  }
  owes_ready_ = true;
  become_open(now);
}

void MessageSession::take_refusal(std::span<const std::byte> body) {
  const auto refusal = decode_refusal(body);
  if (!refusal) return violate("a broken refusal");
  if (state_ == SessionState::interrupted) return finish(std::move(resumption_->why));
  finish(describe_refusal(*refusal, settings_->self));
}

void MessageSession::take_acknowledgements(std::span<const std::byte> body) {
  ByteCursor cursor(body);
  while (!cursor.at_end()) {
    const auto channel = cursor.number<std::uint8_t>();
    const auto taken = cursor.number<std::uint32_t>();
    if (!cursor.ok()) return violate("a broken acknowledgement");
    if (!outbox_.acknowledge(channel, taken)) {
      return violate("an acknowledgement of what was never sent");
    }
  }
}

void MessageSession::take_pong(std::span<const std::byte> body, TimePoint now) {
  ByteCursor cursor(body);
  const auto sent = cursor.number<std::uint32_t>();
  const auto held = cursor.number<std::uint32_t>();
  const auto received = cursor.number<std::uint32_t>();
  const auto missed = cursor.number<std::uint32_t>();
  const std::chrono::microseconds their_time(
      static_cast<std::int64_t>(cursor.number<std::uint64_t>() & 0x000f'ffff'ffff'ffffu));
  if (!cursor.ok()) return violate("a broken echo");
  const std::uint32_t away = stamp(now) - sent;
  // One that makes no sense (an old stamp, a claim to have held it for longer) teaches nothing.
  if (held <= away && away < 60u * 1000 * 1000) {
    const Duration rtt = std::max<Duration>(std::chrono::microseconds(away - held), Duration(1));
    rtt_.add(rtt);
    clock_offset_.add(rtt, their_time + rtt / 2 - now.time_since_epoch(), now);
  }
  loss_.add(received, missed);
}

void MessageSession::take_close(std::span<const std::byte> body, TimePoint now) {
  if (peer_closed_) return violate("a second goodbye");
  ByteCursor cursor(body);
  const auto code = cursor.number<std::uint16_t>();
  const auto text = cursor.block();
  while (cursor.ok() && !cursor.at_end()) {
    const auto channel = cursor.number<std::uint8_t>();
    ending().peer_totals.emplace_back(channel, cursor.number<std::uint32_t>());
  }
  if (!cursor.ok() || text.size() > wire::kMaxReasonBytes || ending().peer_totals.size() > 256) {
    return violate("a broken goodbye");
  }
  peer_closed_ = true;
  ending().peer_error = {ErrorCode::closed_by_peer, code,
                         harmless_characters(as_text(text), {}, '?')};
  if (state_ == SessionState::closing) {
    // Both said goodbye at once: answer, and wait for the own answer.
    owes_close_ack_ = true;
    return;
  }
  state_ = SessionState::draining;
  ending().linger_until = now + settings_->timeouts.idle;
  outbox_.abandon();
  check_drained();
}

}  // namespace tickwire::detail
