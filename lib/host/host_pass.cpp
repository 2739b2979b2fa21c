// SPDX-License-Identifier: MIT
#include <algorithm>
#include <exception>
#include <new>
#include <tickwire/message_name.hpp>
#include <utility>

#include "lib/host/host_core.hpp"

/// One pass: sockets, timers, events, ticks, and what is queued.
namespace tickwire::detail {
namespace {

// All that goes into it is known before it is made, so that each of its members is stored once.
[[gnu::always_inline]] inline std::optional<Event> plain_event(const PlainMessage& message,
                                                               Connection from,
                                                               PackedDecodeLimits limits) {
  std::optional<Event> event(std::in_place);
  message.move_into(*event);
  event->connection = from;
  event->decode_limits = limits;
  return event;
}

// In one pass, of small messages.
constexpr std::size_t kLeastUndoneBytes = 1024 * 1024;

struct Flagged {
  bool& is_on;
  explicit Flagged(bool& flag) noexcept : is_on(flag) { is_on = true; }
  ~Flagged() { is_on = false; }
};

// Pre: as it came from its session.
bool is_unreliable(const RingEntry& entry) noexcept {
  return is_message(entry.event.type) && entry.held.credit == 0 && entry.held.reserved_bytes == 0;
}

}  // namespace

// Nearly always just one connection has events, nobody but the program looks at them, and the next
// one is a message like the one before. Then nothing else needs to be looked at.
std::optional<Event> HostCore::next_event() {
  if (!has_one_in_row()) return other_event();
  Peer& peer = *ready_.front();
  if (!peer.is_used() || !peer.in_dirty_list) return other_event();
  Session& session = *peer.session;
  const EventType type = session.plain_type();
  if (!config.events.contains(type)) return other_event();
  const bool is_object = type == EventType::object_received;
  if (is_object && session.plain_type_id() != known_type_) return other_event();
  const PlainMessage message = session.take_plain_message();
  ++stats_.events_delivered;
  ++handed_out_;
  return plain_event(message, handle(peer), decode_limits_);
}

// Not for a pass' first event.
bool HostCore::has_one_in_row() const noexcept {
  if (!pass_open_ || callbacks_ != 0 || in_service_) return false;
  if (ready_.size() != 1 || !ring_.empty() || !extensions.empty()) return false;
  return handed_out_ < config.max_events_per_pass;
}

// The event is made where the caller wants it: every path returns the same object.
[[gnu::noinline]] std::optional<Event> HostCore::other_event() {
  std::optional<Event> event(std::in_place);
  if (!find_event(*event)) event.reset();
  return event;
}

bool HostCore::find_event(Event& into) {
  if (callbacks_ > 0 || in_service_) {
    log_.write(LogLevel::warning, "The host was polled inside one of its own callbacks; ignored.");
    return false;
  }
  if (!pass_open_) begin_pass();
  while (may_hand_out() && pop_event(into)) {
    ++handed_out_;
    if (extensions.empty() || !consumed_by_extension(into)) return true;
    into = Event();
  }
  end_pass();
  return false;
}

// A kilobyte may become megabytes where filters are undone: nobody's shall hold the others up.
bool HostCore::may_hand_out() const noexcept {
  return handed_out_ < config.max_events_per_pass &&
         undone_bytes_ < std::max(config.limits.max_message_bytes, kLeastUndoneBytes);
}

void HostCore::begin_pass() {
  pass_open_ = true;
  gather_releases();
  handed_out_ = 0;
  undone_bytes_ = 0;
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
  if (!std::exchange(has_looked_, false)) service_transports();
  run_timers();
  retry_parked();
}

void HostCore::service_transports() {
  const Flagged service(in_service_);  // the program's own `authenticate` may throw
  transports_.service(now_);
}

// A program's hook that throws ends no less of it: one that does so each time would have nobody
// look at the network any more.
void HostCore::end_pass() {
  now_ = clock_.now();
  std::exception_ptr thrown;
  const auto keep_thrown = [&](auto&& call) {
    try {
      call();
    } catch (...) {
      if (!thrown) thrown = std::current_exception();
    }
  };
  keep_thrown([&] { run_ticks(); });
  keep_thrown([&] { tell_pass(); });
  flush();
  settle_releases();
  pass_open_ = false;
  if (thrown) std::rethrow_exception(thrown);
}

void HostCore::tell_pass() {
  const Callback callback(*this);
  for (std::size_t i = 0; i < extensions.size(); ++i)
    if (extensions[i] != nullptr) extensions[i]->on_pass(host_);
}

// By index: what goes with a connection may call others, which makes room for them in the list.
void HostCore::free_ended() {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < ended_.size(); ++i) {
    Peer& peer = table_[ended_[i]];
    // Readable until the pass after the one that handed its end out.
    if (*peer.ended_pass + 2 > pass_) {
      ended_[kept++] = peer.slot();
    } else {
      finish_peer(peer);
    }
  }
  ended_.resize(kept);
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

// Connections take turns, an event each, so that a flood of one delays the others by one event.
// Inlined by force, as `pop_event` is: their calls are a tenth of what a small message costs.
[[gnu::always_inline]] inline Peer* HostCore::take_ready(Event& into, Held& held) {
  while (!ready_.empty()) {
    Peer& peer = *ready_.front();
    const bool is_kept = kept_events_ > 0 && peer.is_used() && peer.has_kept_event();
    if (is_kept) {
      take_kept(peer, into, held);
    } else if (!peer.is_used() || !peer.session->take_event(into, held)) {
      peer.in_ready_list = false;
      ready_.drop_front();
      continue;
    }
    if (ready_.size() > 1) ready_.push_back(ready_.take_front());
    if (is_kept) return &peer;
    if (!is_for_program(peer, into, held)) continue;
    // While the ring holds anything this goes behind it, and is kept back from there.
    const bool waits = kept_events_ > 0 && ring_.empty() && peer.keeps_back(into.type);
    if (!waits || !keep_back(peer, into, held)) return &peer;
  }
  return nullptr;
}

// False: it cannot wait. There is always room for the end; where there is none for a message, its
// connection ends.
bool HostCore::keep_back(Peer& peer, Event& event, Held& held) {
  try {
    if (event.type != EventType::disconnected) peer.kept_back.reserve(peer.kept_back.size() + 2);
    RingEntry& kept = peer.kept_back.push_back();
    kept.event = std::exchange(event, Event());
    kept.held = std::exchange(held, {});
    ++kept_events_;
    return true;
  } catch (const std::bad_alloc&) {
    if (!is_message(event.type)) return false;
  }
  peer.session->fail({ErrorCode::out_of_resources, 0, {}});
  on_peer_changed(peer.slot());
  discard(peer, event, held);
  return true;
}

void HostCore::take_kept(Peer& peer, Event& into, Held& held) {
  RingEntry entry = peer.kept_back.take_front();
  --kept_events_;
  into = std::move(entry.event);
  held = entry.held;
  peer.tell_receiving();
}

// To before what was behind it when it was kept back.
void HostCore::return_kept() {
  for (std::size_t i = 0; kept_events_ > 0 && i < ready_.size(); ++i) {
    Peer& peer = *ready_[i];
    if (!peer.is_used() || !peer.has_kept_event()) continue;
    const std::size_t returned = peer.kept_back.size();
    ring_.push_front(peer.kept_back);
    kept_events_ -= returned;
    peer.tell_receiving();
  }
}

// Puts what waits into the ring, for something that comes behind it.
void HostCore::fill_ring() {
  return_kept();
  while (ring_.has_room()) {
    ring_.reserve_one();  // where that throws, nothing has been taken yet
    RingEntry entry;
    if (take_ready(entry.event, entry.held) == nullptr) return;
    ring_.push(std::move(entry));
  }
}

bool HostCore::is_wanted(EventType type) const noexcept {
  return config.events.contains(type) || EventRing::is_terminal(type) ||
         type == EventType::connected;
}

// Whether there is room or not: what is waited for comes last. Reliable messages are bounded by
// what they hold; unreliable ones hold nothing, and are dropped.
void HostCore::fill_all(Peer& peer) {
  while (true) {
    ring_.reserve_one();  // as above
    RingEntry entry;
    if (!peer.session->take_event(entry.event, entry.held)) return;
    if (!is_for_program(peer, entry.event, entry.held)) continue;
    if (ring_.has_room() || !is_unreliable(entry)) {
      ring_.push(std::move(entry));
    } else {
      peer.session->count_not_polled();
    }
  }
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
  if (is_wanted(event.type)) return true;
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
  if (event.type == EventType::interrupted && peer.redial) {
    peer.redial->last_error = event.error.code;
  }
  if (event.type == EventType::error && calls_again(peer, event.error)) return false;
  event.is_last = EventRing::is_terminal(event.type);
  if (event.type != EventType::error) return true;
  try {
    event.error.detail = peer.address.to_string() + ": " + event.error.message();
  } catch (const std::bad_alloc&) {
    event.error.detail.clear();  // the code is said all the same
  }
  return true;
}

// False: it is no message, and has ended the connection.
bool HostCore::undo_filters(Peer& peer, Event& event) {
  const ErrorCode code =
      filters_.undo(peer.session->filters(), config.limits.max_message_bytes, event);
  if (code == ErrorCode::none) {
    undone_bytes_ += event.bytes().size();
    return true;
  }
  peer.session->fail({code, 0,
                      code == ErrorCode::out_of_resources
                          ? "Out of memory for undoing this connection's filters."
                          : "The other end sent a message that its filters cannot have made."});
  on_peer_changed(peer.slot());
  return false;
}

// Filters are undone last: what waits for the program is as small as it was sent.
[[gnu::always_inline]] inline bool HostCore::pop_event(Event& into) {
  for (;;) {
    Held held;
    Peer* peer = nullptr;
    if (ring_.empty()) {
      peer = take_ready(into, held);
      if (peer == nullptr) return false;
    } else {
      RingEntry entry = ring_.pop();
      peer = find(entry.event.connection);
      held = entry.held;
      into = std::move(entry.event);
      if (peer != nullptr && peer->keeps_back(into.type) && keep_back(*peer, into, held)) continue;
    }
    if (peer == nullptr) break;
    if (!held.is_filtered || undo_filters(*peer, into)) {
      settle(*peer, into, held);
      break;
    }
    discard(*peer, into, held);
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
  if (event.is_last) note_end(peer, event);
}

// The wanted event, from behind whatever waits in front of it.
std::optional<Event> HostCore::take_out(Peer* peer,
                                        const std::function<bool(const RingEntry&)>& wanted) {
  if (peer != nullptr) fill_all(*peer);  // a full ring must not hide it
  auto entry = ring_.extract(wanted);
  if (!entry) return std::nullopt;
  if (peer != nullptr) settle(*peer, entry->event, entry->held);
  ++stats_.events_delivered;
  static_cast<void>(consumed_by_extension(entry->event));
  return std::move(entry->event);
}

void HostCore::note_end(Peer& peer, const Event& end) {
  if (peer.session->state() != SessionState::ended || peer.ended_pass) return;
  ended_.push_back(peer.slot());
  peer.ended_pass = pass_;
  if (end.type == EventType::disconnected) replace_lost(peer, end.error);
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
  if (in_service_ || is_flushing_) return;
  const Flagged flushing(is_flushing_);  // user data that goes with its connection may ask for more
  if (!pass_open_) now_ = clock_.now();
  scratch_slots_.swap(dirty_);
  // By index, as in `free_ended`.
  for (std::size_t i = 0; i < scratch_slots_.size(); ++i) {
    Peer& peer = table_[scratch_slots_[i]];
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

void HostCore::count_masked(Connection connection) {
  if (Peer* const peer = find(connection)) {
    peer->session->count_masked();
  } else {
    ++stats_.connections.drops.masked_events;
  }
}

void HostCore::raise(Event event) {
  if (!is_wanted(event.type)) return count_masked(event.connection);
  fill_ring();
  RingEntry entry;
  entry.event = std::move(event);
  entry.event.is_last = false;  // the connection may have more to say
  ring_.push(std::move(entry));
}

void HostCore::log_event(const Event& event) {
  const Peer* peer = find(event.connection);
  const std::string who = peer != nullptr ? peer->address.to_string() : "the host";
  switch (event.type) {
    case EventType::connected: {
      const bool lacks_resume = peer != nullptr && peer->session->lacks_resume();
      return log_.write(LogLevel::info, who + ": connected" +
                                            (lacks_resume ? "; it cannot be resumed, as the other "
                                                            "end does not ask for it or "
                                                            "HostConfig::resume_over forbids it"
                                                          : ""));
    }
    case EventType::disconnected:
      return log_.write(LogLevel::info, who + ": disconnected: " + event.error.message());
    case EventType::error:
      return log_.write(LogLevel::info, event.error.message());
    default:
      return;
  }
}

}  // namespace tickwire::detail
