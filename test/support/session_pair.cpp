// SPDX-License-Identifier: MIT
#include "test/support/session_pair.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <stdexcept>

#include "test/support/placed_tail.hpp"

namespace tickwire::test {

void CapturingSink::send(detail::Packet packet, detail::Lane lane, std::uint8_t channel) {
  // One that is overfull has less than no room.
  if (packet.room() > std::numeric_limits<std::int32_t>::max())
    throw std::logic_error("A packet has no room for what was written into it.");
  bytes_sent += packet.size();
  if (fills_up) capacity -= std::min(capacity, packet.size());
  packets.push_back({std::move(packet), lane, channel});
}

// Joined again: what travels is the same.
void CapturingSink::send_pieces(detail::Packet head, detail::Packet body, detail::Lane lane,
                                std::uint8_t channel) {
  bodies.push_back(body.bytes().data());
  detail::Packet joined(*pool_, head.size() + body.size());
  joined.append(head.bytes());
  joined.append(body.bytes());
  send(std::move(joined), lane, channel);
}

SessionEnd::SessionEnd(const SessionPlan& plan, TimePoint start,
                       std::pmr::memory_resource* resource)
    : pool(resource),
      budget(plan.limits.max_host_reassembly_bytes),
      session(std::make_shared<detail::SessionSettings>(plan), plan.start, *pool, budget, start),
      now(start) {}

void SessionEnd::take_events() {
  for (detail::Held held;; held = {}) {
    Event event;
    if (!take_short(event)) {
      if (!session.take_event(event, held)) break;
      session.release(held);
    }
    SeenEvent seen;
    seen.type = event.type;
    seen.channel = event.channel;
    seen.text = detail::as_text(event.bytes());
    seen.type_id = event.type_id;
    seen.id = event.message_id;
    seen.receipt = event.receipt;
    seen.error = event.error;
    events.push_back(std::move(seen));
  }
  session.retry_parked(now);
}

bool SessionEnd::take_short(Event& into) {
  if (!takes_short_ways || session.plain_type() == EventType{}) return false;
  session.take_plain_message().move_into(into);
  ++taken_short;
  return true;
}

bool SessionEnd::send_short(const detail::wire::MessageBody& message, Delivery delivery,
                            std::uint8_t channel) {
  if (!takes_short_ways || delivery != Delivery::reliable) return false;
  const auto kind = message.is_object ? detail::wire::Kind::message : detail::wire::Kind::bytes;
  std::byte* const at =
      session.send_behind_last(kind, message.type, message.payload.size(), channel, last_id + 1);
  if (at == nullptr) return false;
  std::copy(message.payload.begin(), message.payload.end(), at);
  ++sent_short;
  return true;
}

ErrorCode SessionEnd::send(std::string_view text, Delivery delivery, std::uint8_t channel) {
  detail::OutMessage message;
  message.body.is_object = true;
  message.body.type = 77;
  message.body.payload = detail::as_bytes(text);
  message.id = last_id + 1;
  const ErrorCode code = send_short(message.body, delivery, channel)
                             ? ErrorCode::none
                             : session.send(message, delivery, channel, now);
  if (code == ErrorCode::none) ++last_id;
  return code;
}

std::size_t SessionEnd::count(EventType type) const {
  return static_cast<std::size_t>(std::count_if(
      events.begin(), events.end(), [&](const SeenEvent& event) { return event.type == type; }));
}

std::vector<std::string> SessionEnd::texts() const {
  std::vector<std::string> texts;
  for (const SeenEvent& event : events) {
    if (event.type == EventType::object_received) texts.push_back(event.text);
  }
  return texts;
}

SessionPlan SessionPair::settings(Direction direction) {
  SessionPlan settings;
  settings.start.direction = direction;
  settings.channels.resize(8);
  settings.self.application = "test/1";
  settings.self.receive_window_bytes =
      static_cast<std::uint32_t>(settings.limits.receive_window_bytes);
  settings.self.max_message_bytes = static_cast<std::uint32_t>(settings.limits.max_message_bytes);
  settings.self.channels = 8;
  settings.start.connect_timeout = settings.timeouts.connect;
  return settings;
}

SessionPair::SessionPair()
    : SessionPair(settings(Direction::dialled), settings(Direction::accepted)) {}

SessionPair::SessionPair(SessionPlan dialled, SessionPlan accepted, const detail::LinkTraits& link)
    : dialler(std::move(dialled), now), acceptor(std::move(accepted), now) {
  dialler.session.link_up(link);
  acceptor.session.link_up(link);
}

void SessionPair::deliver(SessionEnd& from, SessionEnd& to) {
  while (!from.sink.packets.empty()) {
    InFlight next = from.sink.packets.take_front();
    if (passes && !passes(next)) continue;
    if (receive_in_place(to.session, std::move(next.packet), front_bytes, now)) ++placed;
  }
}

void SessionPair::pump() {
  dialler.now = now;
  acceptor.now = now;
  dialler.session.flush(dialler.sink, now);
  acceptor.session.flush(acceptor.sink, now);
  deliver(dialler, acceptor);
  deliver(acceptor, dialler);
  dialler.session.advance(now);
  acceptor.session.advance(now);
  dialler.take_events();
  acceptor.take_events();
}

void SessionPair::connect() {
  for (int i = 0; i < 4; ++i)
    pump();
}

void SessionPair::advance(Duration duration, Duration step) {
  const TimePoint end = now + duration;
  while (now < end) {
    now += std::min<Duration>(step, end - now);
    pump();
  }
}

}  // namespace tickwire::test
