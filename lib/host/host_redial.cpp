// SPDX-License-Identifier: MIT
#include <algorithm>
#include <exception>
#include <new>

#include "lib/host/host_core.hpp"
#include "lib/platform/random.hpp"

/// How connections get another link: those that call again, and those that are come back to.
namespace tickwire::detail {
namespace {

double random_share() noexcept {
  std::uint32_t number = 0;
  if (!fill_random(std::as_writable_bytes(std::span(&number, 1)))) return 0.5;
  return static_cast<double>(number) / 4294967295.0;
}

}  // namespace

void HostCore::call_later(Peer& peer, Duration delay) {
  peer.redial->due = now_ + delay;
  ++peer.redial->attempts;
}

// Also where the end of a call, or of the connection, has not been handed out yet.
void HostCore::call_no_more(Peer& peer) noexcept {
  if (peer.redial) peer.redial->options.reconnect.reset();
}

Duration HostCore::next_delay(const Peer& peer) const {
  const auto policy = peer.redial->options.reconnect.value_or(ReconnectPolicy());
  return redial_delay(policy, peer.redial->attempts, random_share());
}

// The link of an interrupted connection goes, and another is called for: at once at first.
void HostCore::mend_link(Peer& peer) {
  if (peer.session->gives_up_link()) peer.link.reset();
  if (!peer.redial) return;
  Redial& redial = *peer.redial;
  if (peer.session->state() == SessionState::open) {
    redial.attempts = 0;
    redial.last_error = ErrorCode::none;
    redial.give_up_at.reset();
    return;
  }
  if (!peer.session->wants_call() || peer.link || redial.due || redial.is_resolving) return;
  redial.give_up_at.reset();
  call_later(peer, redial.attempts == 0 ? Duration::zero() : next_delay(peer));
}

// A call back ends by itself, looking up the name included; once the name is known it has its time
// again.
void HostCore::give_time(Peer& peer) {
  if (!peer.redial || !peer.session->wants_call()) return;
  peer.redial->give_up_at = now_ + peer.redial->options.timeout.value_or(config.timeouts.connect);
}

void HostCore::run_redial(Peer& peer) {
  if (!peer.redial) return;
  Redial& redial = *peer.redial;
  // After a stall the answer may have come in this very pass.
  if (peer.session->state() != SessionState::interrupted) redial.give_up_at.reset();
  if (redial.give_up_at && now_ >= *redial.give_up_at) {
    redial.give_up_at.reset();
    redial.last_error = ErrorCode::connect_timed_out;
    peer.link.reset();
    peer.session->link_down({ErrorCode::connect_timed_out, 0, {}}, now_);
  }
  if (!redial.due || now_ < *redial.due) return;
  redial.due.reset();
  if (peer.session->state() == SessionState::ended) return;
  give_time(peer);
  const TlsConfig& tls = redial.options.tls ? *redial.options.tls : config.tls;
  try {
    if (auto called = call(peer, tls); !called) call_failed(peer, std::move(called).error());
  } catch (const std::bad_alloc&) {
    call_failed(peer, {ErrorCode::out_of_resources, 0, {}});
  }
}

// Before it was under way. One that calls back tries again, see `mend_link`.
void HostCore::call_failed(Peer& peer, Error error) {
  if (peer.redial) peer.redial->last_error = error.code;
  if (!peer.session->was_open()) peer.session->fail(std::move(error));
}

// A call has failed: another one in its place, if the program wants that, and if there is memory
// for it. Its handle stays.
bool HostCore::calls_again(Peer& peer, const Error& error) {
  if (!peer.redial || !peer.redial->options.reconnect || !may_pass(error.code)) return false;
  Redial& redial = *peer.redial;
  const ReconnectPolicy& policy = *redial.options.reconnect;
  if (!policy.retry_first_call && redial.attempts == 0) return false;
  if (policy.max_attempts && redial.attempts >= *policy.max_attempts) return false;
  const Duration delay = next_delay(peer);
  const Duration timeout = redial.options.timeout.value_or(config.timeouts.connect);
  try {
    auto session = make_session(peer.address.scheme,
                                {.direction = Direction::dialled,
                                 .name = redial.options.name,
                                 .connect_timeout = delay + timeout,
                                 .ticket = redial.options.ticket},
                                now_);
    log_.write(LogLevel::info, error.message() + " Another call follows.");
    mark_dirty(peer);
    peer.session = std::move(session);
  } catch (const std::bad_alloc&) {
    return false;
  }
  peer.link.reset();
  peer.tell_receiving();
  redial.last_error = error.code;
  call_later(peer, delay);
  return true;
}

// A connection was lost: a new one to the same place, if the program wants that. The event that
// says so is on its way out: what the program's own parts throw here must not take it along.
void HostCore::replace_lost(Peer& lost, const Error& error) {
  if (!lost.redial || !lost.redial->options.reconnect || !was_lost(error.code)) return;
  if (lost.redial->options.reconnect->max_attempts == std::size_t{0}) return;
  const auto fail = [&](ErrorCode code, const char* words) {
    report({code, 0, lost.address.to_string() + ": it is not called again: " + words});
  };
  try {
    call_in_place_of(lost, error.code);
  } catch (const std::bad_alloc&) {
    fail(ErrorCode::out_of_resources, "there is no memory for it.");
  } catch (const std::exception& exception) {
    fail(ErrorCode::exception_thrown, exception.what());
  } catch (...) {
    fail(ErrorCode::exception_thrown, "something that is no std::exception was thrown.");
  }
}

void HostCore::call_in_place_of(Peer& lost, ErrorCode why) {
  const ConnectOptions& options = lost.redial->options;
  const Duration delay = redial_delay(*options.reconnect, 0, random_share());
  FreshPeer peer(table_, table_.take_place_of(lost));
  make_room_for(*peer);
  prepare_dialled(*peer, lost.address, options, delay);
  if (options.login) {
    if (auto offered = offer_login(*peer, *options.login); !offered) report(offered.error());
  }
  call_later(*peer, delay);
  peer->redial->last_error = why;
  mark_dirty(*peer);
  lost.redial->successor = handle(peer.keep());
}

void HostCore::on_resume_asked(std::uint32_t slot) {
  Peer& caller = table_[slot];
  const ResumeWords& words = *caller.session->asks_to_resume();
  Peer* const old = words.token ? table_.at(words.token->slot()) : nullptr;
  if (old == nullptr || !old->session->knows(*words.token) ||
      old->verified_subject != caller.verified_subject) {
    caller.turned_away = TurnedAway::no;
    caller.session->refuse(ErrorCode::not_resumable);
    return on_peer_changed(slot);
  }
  old->link = std::move(caller.link);
  old->link->set_handler(*old);
  old->address = caller.address;
  old->listener = caller.listener;
  old->resume(words, now_);
  table_.give_back(caller);
  on_peer_changed(old->slot());
}

}  // namespace tickwire::detail
