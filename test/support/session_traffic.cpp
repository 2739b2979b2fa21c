// SPDX-License-Identifier: MIT
#include "test/support/session_traffic.hpp"

#include <algorithm>

namespace tickwire::test {
namespace {

constexpr detail::LinkTraits kTraits{1200, 1200, true};

std::string content(const std::string& name, MessageId id, std::size_t size_bytes) {
  std::string text = name + "#" + std::to_string(id) + ":";
  auto state = static_cast<std::uint32_t>(id * 2654435761u);
  while (text.size() < size_bytes) {
    state = state * 1664525u + 1013904223u;
    text += static_cast<char>(state >> 24);
  }
  return text;
}

std::size_t place_of(const std::vector<TrafficEnd::Said>& said, const std::string& text) {
  for (std::size_t i = 0; i < said.size(); ++i) {
    if (said[i].text == text) return i;
  }
  return said.size();
}

}  // namespace

TrafficEnd::TrafficEnd(SessionPlan settings, TimePoint now, std::string name)
    : name_(std::move(name)), host_limit_bytes_(settings.limits.max_host_reassembly_bytes) {
  pool.emplace(&memory);
  budget.emplace(host_limit_bytes_);
  session.emplace(std::make_shared<detail::SessionSettings>(settings), settings.start, **pool,
                  *budget, now);
  session->link_up(kTraits);
}

TrafficEnd::~TrafficEnd() = default;

void TrafficEnd::expect(bool holds, const std::string& promise) {
  if (!holds && breach.empty()) breach = name_ + ": " + promise;
}

void TrafficEnd::send(detail::Packet packet, detail::Lane lane, std::uint8_t channel) {
  expect(packet.size() <= kTraits.max_packet_bytes, "a packet is no larger than its link allows");
  const auto bytes = packet.bytes();
  outgoing.push_back({{bytes.begin(), bytes.end()}, lane, channel});
}

void TrafficEnd::say(Delivery delivery, std::uint8_t channel, std::size_t size_bytes,
                     TimePoint now) {
  const MessageId id = last_id_ + 1;
  const std::string text = content(name_, id, size_bytes);
  detail::OutMessage message;
  message.body.payload = detail::as_bytes(text);
  message.id = id;
  const bool was_open = session->is_open();
  const ErrorCode code = session->send(message, delivery, channel, now);
  expect(was_open || code == ErrorCode::not_connected, "nothing is taken unless it is open");
  if (code != ErrorCode::none) return;
  last_id_ = id;
  said[{delivery, channel}].push_back({id, text});
}

void TrafficEnd::take_events(TimePoint now, std::size_t count) {
  for (; count > 0 && session->has_event(); --count) {
    Event event;
    detail::Held held;
    expect(session->take_event(event, held), "an event that it has is there");
    expect(ended == 0, "nothing follows the end");
    switch (event.type) {
      case EventType::connected:
        expect(++connected == 1, "it comes up once");
        break;
      case EventType::object_received:
      case EventType::data_received:
        expect(connected == 1, "messages come from what is up");
        hear(event, held);
        session->release(held);
        break;
      case EventType::data_sent:
        expect(connected == 1, "receipts come from what is up");
        expect(event.receipt != Receipt::none, "a receipt says something");
        expect(receipts.emplace(event.message_id, event.receipt).second,
               "a message has one receipt");
        break;
      case EventType::disconnected:
      case EventType::error:
        expect((event.type == EventType::disconnected) == (connected == 1),
               "what was up ends in 'disconnected', what was not in 'error'");
        ++ended;
        end = std::move(event.error);
        break;
      case EventType::writable:
        expect(connected == 1 && session->is_open(), "only what is up can be written to");
        break;
      default:
        expect(false, "a session tells no other events");
    }
  }
  session->retry_parked(now);
}

void TrafficEnd::hear(const Event& event, const detail::Held& held) {
  const std::string text(detail::as_text(event.bytes()));
  // Reliable messages hold credit or reassembly memory, the others nothing.
  if (held.credit != 0 || held.reserved_bytes != 0) {
    heard_reliable[event.channel].push_back(text);
  } else {
    heard_lossy[{Delivery::unreliable, event.channel}].push_back(text);
  }
}

void TrafficEnd::receive(std::vector<std::byte> bytes, TimePoint now) {
  detail::Packet packet(**pool, bytes.size());
  packet.append(bytes);
  session->receive(std::move(packet), now);
}

void TrafficEnd::check_settled() {
  for (const auto& [stream, messages] : said) {
    for (const Said& each : messages)
      expect(receipts.contains(each.id), "message " + std::to_string(each.id) + " has a receipt");
  }
  expect(session->stats().queued_bytes == 0, "nothing is queued after the end");
  session.reset();
  expect(budget->reserve(host_limit_bytes_), "reassembly memory is given back");
  pool.reset();
  expect(memory.bytes_out() == 0, "packet memory is given back");
}

SessionTraffic::SessionTraffic(const SessionPlan& dialled, const SessionPlan& accepted,
                               std::uint64_t seed)
    : dice(seed), dialler(dialled, now, "d"), acceptor(accepted, now, "a") {}

void SessionTraffic::step(Duration by, std::size_t events) {
  for (const std::size_t index : {0u, 1u}) {
    TrafficEnd& each = end(index);
    each.session->flush(each, now);
    carry(each, wires_[index]);
  }
  deliver(wires_[0], acceptor);
  deliver(wires_[1], dialler);
  for (const std::size_t index : {0u, 1u}) {
    end(index).session->advance(now);
    end(index).take_events(now, events);
  }
  now += by;
}

void SessionTraffic::carry(TrafficEnd& from, Wire& wire) {
  for (; !from.outgoing.empty(); from.outgoing.pop_front()) {
    TrafficEnd::Flying& packet = from.outgoing.front();
    if (habits.is_cut) continue;
    const auto late = static_cast<std::size_t>(habits.max_delay.count());
    const TimePoint due = now + Duration(static_cast<Duration::rep>(dice.below(late + 1)));
    if (packet.lane != detail::Lane::datagram) {
      auto& line = wire.lines[{packet.lane, packet.channel}];
      line.push_back({line.empty() ? due : std::max(due, line.back().due), packet.bytes});
      continue;
    }
    if (dice.below(100) < habits.loss_percent) continue;
    if (dice.below(100) < habits.duplicate_percent) wire.datagrams.push_back({due, packet.bytes});
    wire.datagrams.push_back({due, std::move(packet.bytes)});
  }
}

void SessionTraffic::deliver(Wire& wire, TrafficEnd& to) {
  if (habits.is_cut) return;
  // Datagrams overtake at will, channels one another.
  for (std::size_t i = wire.datagrams.size(); i-- > 0;) {
    if (wire.datagrams[i].due > now) continue;
    to.receive(std::move(wire.datagrams[i].bytes), now);
    wire.datagrams.erase(wire.datagrams.begin() + static_cast<std::ptrdiff_t>(i));
  }
  const bool backwards = dice.one_in(2);
  std::vector<std::deque<Arrival>*> lines;
  for (auto& [key, line] : wire.lines)
    lines.push_back(&line);
  if (backwards) std::reverse(lines.begin(), lines.end());
  for (std::deque<Arrival>* line : lines) {
    for (; !line->empty() && line->front().due <= now; line->pop_front())
      to.receive(std::move(line->front().bytes), now);
  }
}

void SessionTraffic::connect() {
  for (int i = 0; i < 2000 && dialler.ended + acceptor.ended == 0; ++i) {
    if (dialler.connected == 1 && acceptor.connected == 1) return;
    step(std::chrono::milliseconds(5), 10);
  }
}

void SessionTraffic::compare() {
  compare(dialler, acceptor);
  compare(acceptor, dialler);
}

void SessionTraffic::compare(TrafficEnd& from, TrafficEnd& to) {
  for (const auto& [channel, heard] : to.heard_reliable) {
    const auto& said = from.said[{Delivery::reliable, channel}];
    to.expect(heard.size() <= said.size(), "no reliable message comes twice");
    for (std::size_t i = 0; i < std::min(heard.size(), said.size()); ++i)
      to.expect(heard[i] == said[i].text, "reliable messages come whole and in order");
  }
  for (const auto& [stream, said] : from.said) {
    if (stream.first != Delivery::reliable) continue;
    const auto& heard = to.heard_reliable[stream.second];
    for (std::size_t i = heard.size(); i < said.size(); ++i) {
      const auto receipt = from.receipts.find(said[i].id);
      from.expect(receipt == from.receipts.end() || receipt->second != Receipt::acknowledged,
                  "what is acknowledged has been taken");
    }
  }
  for (const auto& [stream, heard] : to.heard_lossy) {
    const auto& sequenced = from.said[{Delivery::sequenced, stream.second}];
    const auto& unreliable = from.said[{Delivery::unreliable, stream.second}];
    std::size_t next = 0;
    for (const std::string& text : heard) {
      const std::size_t place = place_of(sequenced, text);
      if (place == sequenced.size()) {
        to.expect(place_of(unreliable, text) < unreliable.size(), "what is heard was said");
        continue;
      }
      to.expect(place >= next, "a sequenced message is never older than one before it");
      next = place + 1;
    }
  }
}

void SessionTraffic::finish() {
  for (TrafficEnd* each : {&dialler, &acceptor})
    each->check_settled();
}

std::string SessionTraffic::breach() const {
  return !dialler.breach.empty() ? dialler.breach : acceptor.breach;
}

}  // namespace tickwire::test
