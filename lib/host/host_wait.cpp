// SPDX-License-Identifier: MIT
#include <algorithm>
#include <chrono>
#include <utility>

#include "lib/base/deadline.hpp"
#include "lib/host/host_core.hpp"

/// Passes one after another, and sleep between them.
namespace tickwire::detail {
namespace {

constexpr Duration kParkedRetry = std::chrono::milliseconds(2);
// Who spins asks the poller this seldom while it guesses, whatever it finds: others wait for about
// as many half microseconds.
constexpr unsigned kLooksPerQuestion = 8;

}  // namespace

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

ErrorCode HostCore::close_and_wait(Duration timeout, const CloseReason& reason) {
  if (callbacks_ > 0) return ErrorCode::reentrant_call;
  close_all(reason);
  const TimePoint deadline = deadline_after(clock_.now(), timeout);
  while (receive_all()) {
    update();
    if (clock_.now() >= deadline) return receive_all() ? ErrorCode::timed_out : ErrorCode::none;
    if (receive_all()) sleep_until(deadline);
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
  const TimePoint until = real_time(std::min(deadline, next_due()));
  if (config.spin > Duration::zero() && spin_until(until)) return;
  mailbox->poller().wait_until(until);
  has_waited_ = true;
}

TimePoint HostCore::next_due() const {
  TimePoint due = TimePoint::max();
  if (ticker_) due = std::min(due, ticker_->due());
  if (const auto next = timers_.next()) due = std::min(due, *next);
  if (const auto next = transports_.next_deadline()) due = std::min(due, *next);
  for (const Extension* each : extensions)
    if (each != nullptr) due = std::min(due, each->wake_at());
  return due;
}

// Looks again and again, for as long as the program allows: whoever sleeps is woken some 50 us late
// on many systems. Sockets that something came from lately are read unasked; the poller knows of
// the others. False: nothing has come.
bool HostCore::spin_until(TimePoint until) {
  Poller& poller = mailbox->poller();
  const TimePoint due = next_due();
  const TimePoint end = std::min(until, deadline_after(real_now(), config.spin));
  has_waited_ = true;
  while (true) {
    now_ = clock_.now();
    if (real_now() >= end) return false;
    if (++looks_ % kLooksPerQuestion == 0 || !poller.guess()) {
      if (poller.wait_until(TimePoint::min()) || next_due() != due) return true;
      continue;
    }
    service_transports();
    if (!ring_.empty() || !ready_.empty() || !dirty_.empty()) return has_looked_ = true;
  }
}

// The poller's time for one of the host's: the same, unless the program has a clock of its own. One
// that the pass has seen come is the earliest there is, and needs no further look at a clock.
TimePoint HostCore::real_time(TimePoint when) const {
  if (when <= now_) return TimePoint::min();
  if (when == TimePoint::max() || &clock_ == &steady_clock()) return when;
  return deadline_after(std::chrono::steady_clock::now(), when - clock_.now());
}

// The poller's time for the pass' own.
TimePoint HostCore::real_now() const {
  return &clock_ == &steady_clock() ? now_ : std::chrono::steady_clock::now();
}

// Runs whole passes without handing anything out until the wanted event has come.
std::optional<Event> HostCore::pump_until(Connection connection, TimePoint deadline,
                                          const std::function<bool(const RingEntry&)>& wanted,
                                          const std::function<bool(const Session&)>& is_over) {
  while (true) {
    if (!pass_open_) begin_pass();
    Peer* const peer = find(connection);
    if (auto event = take_out(peer, wanted)) {
      end_pass();
      return event;
    }
    const bool never = peer == nullptr || is_over(*peer->session);
    end_pass();
    if (never || clock_.now() >= deadline) return std::nullopt;
    wait_for_activity(deadline);
  }
}

Result<Connection> HostCore::wait_connected(Connection connection, Duration timeout) {
  if (callbacks_ > 0) return Error{ErrorCode::reentrant_call, 0, {}};
  if (connection.host_ != &host_) return Error{ErrorCode::not_connected, 0, {}};
  const auto wanted = [&](const RingEntry& each) {
    const Event& event = each.event;
    return event.connection == connection && (event.type == EventType::connected ||
                                              (event.type == EventType::error && event.is_last));
  };
  // With neither of the two to be found, the program has been told.
  const auto is_told = [](const Session& session) {
    return session.was_open() || session.state() == SessionState::ended;
  };
  auto event = pump_until(connection, deadline_after(clock_.now(), timeout), wanted, is_told);
  if (!event) {
    const Peer* peer = find(connection);
    if (peer != nullptr && peer->session->is_open()) return connection;
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
  const auto wanted = [&](const RingEntry& each) {
    const Event& event = each.event;
    return event.type == EventType::data_sent && event.message_id == id &&
           event.connection == connection;
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

}  // namespace tickwire::detail
