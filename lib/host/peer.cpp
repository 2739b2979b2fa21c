// SPDX-License-Identifier: MIT
#include "lib/host/peer.hpp"

#include <algorithm>
#include <new>

namespace tickwire::detail {
namespace {

class LinkSink final : public PacketSink {
 public:
  explicit LinkSink(Link& link) noexcept : link_(link) {}
  [[nodiscard]] std::size_t capacity_bytes(Lane lane) const noexcept override {
    return link_.capacity_bytes(lane);
  }
  void send(Packet packet, Lane lane, std::uint8_t channel) override {
    link_.send(std::move(packet), lane, channel);
  }
  void send_pieces(Packet head, Packet body, Lane lane, std::uint8_t channel) override {
    link_.send_pieces(std::move(head), std::move(body), lane, channel);
  }

 private:
  Link& link_;
};

}  // namespace

void Peer::on_link_up() {
  verified_subject = link->verified_subject();
  session->link_up(link->traits());
  owner_.on_peer_changed(slot_);
}

// Nothing that comes from the network makes a pass throw.
template <class Call>
bool Peer::within_memory(Call&& call) {
  try {
    call();
    return true;
  } catch (const std::bad_alloc&) {
    session->fail({ErrorCode::out_of_resources, 0, {}});  // a text would need memory
    return false;
  }
}

void Peer::on_packet(Packet packet, TimePoint now) {
  within_memory([&] { session->receive(std::move(packet), now); });
  if (session->asks_to_resume() != nullptr) return owner_.on_resume_asked(slot_);
  owner_.on_peer_changed(slot_);
}

TailPlace Peer::place_tail(std::span<const std::byte> front, std::size_t packet_bytes,
                           TimePoint now) {
  TailPlace place;
  within_memory([&] { place = session->place_tail(front, packet_bytes, now); });
  if (place.room.size > 0) owner_.on_peer_changed(slot_);
  return place;
}

void Peer::on_tail(TimePoint now) {
  within_memory([&] { session->receive_tail(now); });
  owner_.on_peer_changed(slot_);
}

void Peer::on_progress(TimePoint now) {
  session->progress(now);
}

void Peer::on_end_of_stream(TimePoint now) {
  session->end_of_stream(now);
  owner_.on_peer_changed(slot_);
}

void Peer::on_link_down(Error error) {
  link.reset();
  if (!session->was_open() && session->state() != SessionState::ended) {
    owner_.on_opening_failed(*this, error);
  }
  if (redial && session->state() == SessionState::interrupted) redial->last_error = error.code;
  session->link_down(std::move(error), owner_.now());
  owner_.on_peer_changed(slot_);
}

void Peer::resume(const ResumeWords& words, TimePoint now) {
  within_memory([&] { session->resume(words, link->traits(), now); });
}

void Peer::flush(TimePoint now) {
  if (!link) return;
  LinkSink sink(*link);
  const bool had_memory = within_memory([&] { session->flush(sink, now); });
  link->set_reading(session->wants_input() ? Reading::on : Reading::paused);
  // Last words that there is no memory for are left unsaid: nobody would come back to say them.
  const bool is_speechless = !had_memory && session->state() == SessionState::ended;
  if (!session->wants_link_closed() && !is_speechless) return;
  link->close();
  link.reset();
}

// Receipts and `writable` pass what waits.
bool Peer::keeps_back(EventType type) const noexcept {
  switch (type) {
    case EventType::object_received:
    case EventType::data_received:
      return (receiving_ == Receiving::paused && !ended_pass) || !kept_back.empty();
    case EventType::interrupted:
    case EventType::resumed:
    case EventType::disconnected:
      return !kept_back.empty();
    default:
      return false;
  }
}

std::optional<CallStatus> Peer::call_status() const noexcept {
  const SessionState state = session->state();
  const bool is_calling =
      session->was_open() ? state == SessionState::interrupted : state != SessionState::ended;
  if (direction == Direction::accepted || !is_calling) return std::nullopt;
  if (!redial) return CallStatus();
  // What was up is only called again.
  const std::size_t first = session->was_open() ? 1 : 0;
  return CallStatus{std::max(redial->attempts, first), redial->due, redial->last_error};
}

void Peer::reset() noexcept {
  link.reset();
  session.reset();
  kept_back = {};
  receiving_ = Receiving::on;
  address = {};
  user_data.reset();
  redial.reset();
  verified_subject.clear();
  listener.reset();
  ended_pass.reset();
  timer_at = TimePoint::max();
  has_place = true;
  turned_away = TurnedAway::no;
  ++generation;
}

}  // namespace tickwire::detail
