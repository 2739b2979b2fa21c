// SPDX-License-Identifier: MIT
#include <algorithm>
#include <chrono>
#include <tickwire/message_name.hpp>

#include "lib/base/deadline.hpp"
#include "lib/host/host_core.hpp"

/// One pass: sockets, timers, events, ticks, and what is queued.
namespace tickwire::detail {
namespace {

constexpr Duration kParkedRetry = std::chrono::milliseconds(2);

}  // namespace

// The event is made where the caller wants it: every path returns the same object.
std::optional<Event> HostCore::next_event() {
  std::optional<Event> event(std::in_place);
  if (!pop_in_row(*event) && !find_event(*event)) event.reset();
  return event;
}

// The next message where just one connection has any and nobody but the program looks at them, as
// nearly always. Not for a pass' first event.
[[gnu::always_inline]] inline bool HostCore::pop_in_row(Event& into) {
  const bool is_ready = pass_open_ && callbacks_ == 0 && !in_service_;
  const bool is_alone = ready_.size() == 1 && ring_.empty() && extensions.empty();
  if (!is_ready || !is_alone || handed_out_ >= config.max_events_per_pass) return false;
  Peer& peer = *ready_.front();
  if (!peer.is_used() || !peer.session->take_plain_message(into, config.events)) return false;
  into.connection = handle(peer);
  into.decode_limits = decode_limits_;
  const bool is_object = into.type == EventType::object_received;
  if (is_object && into.type_id != known_type_) look_up_type(peer, into.type_id);
  mark_dirty(peer);
  ++stats_.events_delivered;
  ++handed_out_;
  return true;
}

bool HostCore::find_event(Event& into) {
  if (callbacks_ > 0 || in_service_) {
    log_.write(LogLevel::warning, "The host was polled inside one of its own callbacks; ignored.");
    return false;
  }
  if (!pass_open_) begin_pass();
  while (handed_out_ < config.max_events_per_pass && pop_event(into)) {
    ++handed_out_;
    if (extensions.empty() || !consumed_by_extension(into)) return true;
    into = Event();
  }
  end_pass();
  return false;
}

void HostCore::begin_pass() {
  pass_open_ = true;
  gather_releases();
  handed_out_ = 0;
  known_type_.reset();
  ++pass_;
  free_ended();
  std::erase(extensions, nullptr);
  if (!std::exchange(has_waited_, false)) mailbox->poller().wait(Duration::zero());
  now_ = clock_.now();
  pass_began_ = now_;
  {
    const Callback callback(*this);
    mailbox->run_posted();
  }
  in_service_ = true;
  transports_.service(now_);
  in_service_ = false;
  run_timers();
  retry_parked();
}

void HostCore::end_pass() {
  now_ = clock_.now();
  run_ticks();
  {
    const Callback callback(*this);
    for (std::size_t i = 0; i < extensions.size(); ++i)
      if (extensions[i] != nullptr) extensions[i]->on_pass(host_);
  }
  flush();
  settle_releases();
  pass_open_ = false;
}

void HostCore::free_ended() {
  std::erase_if(ended_, [&](std::uint32_t slot) {
    Peer& peer = table_[slot];
    // Readable until the pass after the one that handed its end out.
    if (*peer.ended_pass + 2 > pass_) return false;
    finish_peer(peer);
    return true;
  });
}

void HostCore::run_timers() {
  while (const auto due = timers_.pop(now_)) {
    Peer& peer = table_[due->slot];
    if (!peer.is_used() || peer.timer_at != due->when) continue;
    peer.timer_at = TimePoint::max();
    peer.session->advance(now_);
    run_redial(peer);
    on_peer_changed(due->slot);
  }
}

void HostCore::run_ticks() {
  if (!ticker_) return;
  const Callback callback(*this);
  while (const auto tick = ticker_->next(now_)) {
    ++stats_.ticks_run;
    for (std::size_t i = 0; i < update_hooks.size(); ++i)
      update_hooks[i](*tick);
    for (std::size_t i = 0; i < extensions.size(); ++i)
      if (extensions[i] != nullptr) extensions[i]->on_tick(host_, *tick);
  }
}

void HostCore::retry_parked() {
  if (parked_.empty()) return shortage_.end();
  shortage_.watch(table_, now_, [&](Peer& peer) {
    peer.session->fail({ErrorCode::protocol_violation, 0,
                        "The other end began a large message and did not go on with it, while "
                        "others waited for the memory."});
    on_peer_changed(peer.slot());
  });
  scratch_slots_.swap(parked_);
  for (const std::uint32_t slot : scratch_slots_) {
    if (!table_[slot].is_used()) continue;
    table_[slot].session->retry_parked(now_);
    on_peer_changed(slot);
  }
  scratch_slots_.clear();
}

// Connections take turns, an event each, so that a flood of one delays the others by one event.
// Inlined by force, as `pop_event` is: their calls are a tenth of what a small message costs.
[[gnu::always_inline]] inline Peer* HostCore::take_ready(Event& into, Held& held) {
  while (!ready_.empty()) {
    Peer& peer = *ready_.front();
    if (!peer.is_used() || !peer.session->take_event(into, held)) {
      peer.in_ready_list = false;
      ready_.drop_front();
      continue;
    }
    if (ready_.size() > 1) ready_.push_back(ready_.take_front());
    if (is_for_program(peer, into, held)) return &peer;
  }
  return nullptr;
}

// Puts what waits into the ring, for something that comes behind it.
void HostCore::fill_ring() {
  while (ring_.has_room()) {
    RingEntry entry;
    if (take_ready(entry.event, entry.held) == nullptr) return;
    ring_.push(std::move(entry));
  }
}

bool HostCore::is_wanted(EventType type) const noexcept {
  return config.events.contains(type) || EventRing::is_terminal(type) ||
         type == EventType::connected;
}

void HostCore::fill_all(Peer& peer) {
  for (RingEntry entry; peer.session->take_event(entry.event, entry.held); entry = {})
    if (is_for_program(peer, entry.event, entry.held)) ring_.push(std::move(entry));
}

// Makes a session's event the program's. False: the program does not want to know of it, and the
// event is a fresh one again.
inline bool HostCore::is_for_program(Peer& peer, Event& event, Held& held) {
  event.connection = handle(peer);
  if (event.type == EventType::object_received) {
    // Many in a row have the same type.
    if (event.type_id != known_type_) look_up_type(peer, event.type_id);
  } else if (event.type != EventType::data_received && !is_news(peer, event)) {
    event = Event();
    return false;
  }
  if (is_wanted(event.type) && (!held.is_filtered || undo_filters(peer, event))) return true;
  discard(peer, event, held);
  return false;
}

void HostCore::discard(Peer& peer, Event& event, Held& held) {
  if (!is_wanted(event.type)) peer.session->count_masked();
  settle(peer, event, held);
  event = Event();
  held = {};
}

void HostCore::look_up_type(Peer& peer, std::uint32_t type) {
  if (find_message_name(type)) {
    known_type_ = type;
  } else {
    peer.session->count_unknown_type();
  }
}

// What becomes of an event that is no message. False: the connection is tried again instead.
bool HostCore::is_news(Peer& peer, Event& event) {
  if (event.type == EventType::connected) {
    ++(peer.direction == Direction::dialled ? stats_.dialled : stats_.accepted);
  }
  if (event.type == EventType::disconnected) replace_lost(peer, event.error);
  if (event.type != EventType::error) return true;
  if (calls_again(peer, event.error)) return false;
  event.error.detail = peer.address.to_string() + ": " + event.error.message();
  return true;
}

// False: it is no message, and has ended the connection.
bool HostCore::undo_filters(Peer& peer, Event& event) {
  if (filters_.undo(peer.session->filters(), config.limits.max_message_bytes, event)) return true;
  peer.session->fail({ErrorCode::protocol_violation, 0,
                      "The other end sent a message that its filters cannot have made."});
  on_peer_changed(peer.slot());
  return false;
}

[[gnu::always_inline]] inline bool HostCore::pop_event(Event& into) {
  if (ring_.empty()) {
    Held held;
    Peer* const peer = take_ready(into, held);
    if (peer == nullptr) return false;
    settle(*peer, into, held);
  } else {
    RingEntry entry = ring_.pop();
    if (Peer* const peer = find(entry.event.connection)) settle(*peer, entry.event, entry.held);
    into = std::move(entry.event);
  }
  into.decode_limits = decode_limits_;
  ++stats_.events_delivered;
  if (log_.wants(LogLevel::info)) log_event(into);
  return true;
}

// The program has the event now: what it held goes back to its connection.
inline void HostCore::settle(Peer& peer, const Event& event, const Held& held) {
  if (held.credit > 0 || held.reserved_bytes > 0) {
    peer.session->release(held);
    mark_dirty(peer);
  }
  if (EventRing::is_terminal(event.type)) note_end(peer);
}

void HostCore::note_end(Peer& peer) {
  if (peer.session->state() != SessionState::ended || peer.ended_pass) return;
  peer.ended_pass = pass_;
  ended_.push_back(peer.slot());
}

bool HostCore::consumed_by_extension(Event& event) {
  const Callback callback(*this);
  for (std::size_t i = 0; i < extensions.size(); ++i) {
    if (extensions[i] == nullptr) continue;
    if (extensions[i]->on_event(host_, event) == Disposition::consume) return true;
  }
  return false;
}

void HostCore::flush() {
  if (in_service_) return;
  if (!pass_open_) now_ = clock_.now();
  scratch_slots_.swap(dirty_);
  for (const std::uint32_t slot : scratch_slots_) {
    Peer& peer = table_[slot];
    peer.in_dirty_list = false;
    if (!peer.is_used()) continue;
    peer.flush(now_);
    mend_link(peer);
    const Session& session = *peer.session;
    if (session.state() == SessionState::ended && !session.was_open() && !peer.link &&
        peer.direction == Direction::accepted) {
      finish_peer(peer);
      continue;
    }
    schedule(peer);
    mark_ready(peer);  // receipts of what has just left
    if (session.wants_capacity()) mark_dirty(peer);
  }
  scratch_slots_.clear();
  transports_.flush(now_);
}

void HostCore::raise(Event event) {
  fill_ring();
  RingEntry entry;
  entry.event = std::move(event);
  ring_.push(std::move(entry));
}

void HostCore::update() {
  while (const auto event = next_event()) {
    const Callback callback(*this);
    listeners->dispatch(*event);
  }
}

ErrorCode HostCore::run() {
  if (callbacks_ > 0 || running) return ErrorCode::reentrant_call;
  running = true;
  const struct Guard {
    bool& running;
    ~Guard() { running = false; }
  } guard{running};
  while (!mailbox->take_stop()) {
    update();
    sleep_until(TimePoint::max());
  }
  return ErrorCode::none;
}

std::optional<Event> HostCore::wait_for(Duration timeout) {
  const bool was_open = pass_open_;
  if (auto event = next_event()) return event;
  // What the pass has read of the clock is as good as one more reading.
  const TimePoint deadline = deadline_after(was_open ? now_ : pass_began_, timeout);
  if (callbacks_ > 0 || now_ >= deadline) return std::nullopt;
  sleep_until(deadline);
  return next_event();
}

// Until something arrives, or is due.
void HostCore::sleep_until(TimePoint deadline) {
  if (ring_.empty() && ready_.empty()) wait_for_activity(deadline);
}

// Right behind a pass' end.
void HostCore::wait_for_activity(TimePoint deadline) {
  // Memory for a large message may come free without a sound.
  if (!parked_.empty()) deadline = std::min(deadline, now_ + kParkedRetry);
  if (ticker_) deadline = std::min(deadline, ticker_->due());
  if (const auto next = timers_.next()) deadline = std::min(deadline, *next);
  if (const auto next = transports_.next_deadline()) deadline = std::min(deadline, *next);
  for (const Extension* each : extensions)
    if (each != nullptr) deadline = std::min(deadline, each->wake_at());
  wait_spinning(mailbox->poller(), real_time(deadline), config.spin);
  has_waited_ = true;
}

// The poller's time for one of the host's: the same, unless the program has a clock of its own. One
// that the pass has seen come is the earliest there is, and needs no further look at a clock.
TimePoint HostCore::real_time(TimePoint when) const {
  if (when <= now_) return TimePoint::min();
  if (when == TimePoint::max() || &clock_ == &steady_clock()) return when;
  return deadline_after(std::chrono::steady_clock::now(), when - clock_.now());
}

// Runs whole passes without handing anything out until the wanted event has come.
std::optional<Event> HostCore::pump_until(Connection connection, TimePoint deadline,
                                          const std::function<bool(const Event&)>& wanted,
                                          const std::function<bool(const Session&)>& is_over) {
  while (true) {
    if (!pass_open_) begin_pass();
    // A full ring must not hide it.
    Peer* peer = find(connection);
    if (peer != nullptr) fill_all(*peer);
    if (auto entry = ring_.extract(wanted)) {
      if (peer != nullptr) settle(*peer, entry->event, entry->held);
      ++stats_.events_delivered;
      static_cast<void>(consumed_by_extension(entry->event));
      end_pass();
      return std::move(entry->event);
    }
    const bool never = peer == nullptr || is_over(*peer->session);
    end_pass();
    if (never || clock_.now() >= deadline) return std::nullopt;
    wait_for_activity(deadline);
  }
}

Result<Connection> HostCore::wait_connected(Connection connection, Duration timeout) {
  if (callbacks_ > 0) return Error{ErrorCode::reentrant_call, 0, {}};
  const auto wanted = [&](const Event& each) {
    return each.connection == connection &&
           (each.type == EventType::connected || each.type == EventType::error);
  };
  // With neither of the two to be found, the program has been told.
  const auto is_told = [](const Session& session) {
    return session.was_open() || session.state() == SessionState::ended;
  };
  auto event = pump_until(connection, deadline_after(clock_.now(), timeout), wanted, is_told);
  if (!event) {
    if (connection.is_open()) return connection;
    const Peer* peer = find(connection);
    if (peer == nullptr || is_told(*peer->session)) return Error{ErrorCode::not_connected, 0, {}};
    return Error{ErrorCode::timed_out, 0, "The connection is not up yet."};
  }
  if (event->type == EventType::error) return std::move(event->error);
  return connection;
}

Result<void> HostCore::may_wait_sent() const {
  if (callbacks_ > 0) return Error{ErrorCode::reentrant_call, 0, {}};
  if (!config.events.contains(EventType::data_sent)) {
    return Error{ErrorCode::not_supported, 0,
                 "HostConfig::events leaves data_sent out, so nothing can wait for it."};
  }
  return {};
}

Result<MessageId> HostCore::wait_sent(Connection connection, MessageId id, Duration timeout) {
  const auto wanted = [&](const Event& each) {
    return each.type == EventType::data_sent && each.message_id == id &&
           each.connection == connection;
  };
  const auto is_over = [](const Session& session) {
    return session.state() == SessionState::draining || session.state() == SessionState::ended;
  };
  const auto event = pump_until(connection, deadline_after(clock_.now(), timeout), wanted, is_over);
  const Peer* peer = find(connection);
  const bool ended = peer == nullptr || is_over(*peer->session);
  if (!event && !ended) {
    return Error{ErrorCode::timed_out, 0, "The message is not acknowledged yet."};
  }
  if (!event || event->receipt == Receipt::dropped) {
    return Error{ErrorCode::connection_lost, 0, "The message never left."};
  }
  // Handed over is as far as a reliable message gets when its connection ends.
  if (ended && event->receipt == Receipt::handed_over) {
    return Error{ErrorCode::connection_lost, 0,
                 "The connection ended before the message was acknowledged."};
  }
  return id;
}

void HostCore::log_event(const Event& event) {
  const Peer* peer = find(event.connection);
  const std::string who = peer != nullptr ? peer->address.to_string() : "the host";
  switch (event.type) {
    case EventType::connected:
      return log_.write(LogLevel::info, who + ": connected");
    case EventType::disconnected:
      return log_.write(LogLevel::info, who + ": disconnected: " + event.error.message());
    case EventType::error:
      return log_.write(LogLevel::info, event.error.message());
    default:
      return;
  }
}

}  // namespace tickwire::detail
