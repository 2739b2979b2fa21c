// SPDX-License-Identifier: MIT
#include <algorithm>
#include <utility>

#include "lib/transport/enet/enet_datagram.hpp"
#include "lib/transport/enet/enet_endpoint.hpp"

/// Who knocks, and how to knock: all that an endpoint does before a peer is up.
namespace tickwire::detail {

Admission EnetEndpoint::inspect(std::span<const std::byte> datagram, Ipv4Endpoint from) noexcept {
  if (const auto words = read_cookie_datagram(datagram)) {
    if (!exchange_cookies(*words, from)) ++shared_.counters.malformed_datagrams;
    return Admission::drop;
  }
  const DatagramVerdict verdict = inspect_datagram(datagram);
  if (verdict.kind == DatagramKind::traffic) {
    weigh(datagram);
    return Admission::admit;
  }
  if (verdict.kind == DatagramKind::connect && accepting_) {
    return admit({from, verdict.connect_data, verdict.connect_id});
  }
  ++shared_.counters.malformed_datagrams;
  return Admission::drop;
}

// Returns whether the datagram was expected here. A second answer is one of our own questions' and
// no drop to be counted.
bool EnetEndpoint::exchange_cookies(const CookieDatagram& words, Ipv4Endpoint from) noexcept {
  if (words.kind == CookieDatagram::Kind::answer) return call_ && call_->take(words, from);
  if (!accepting_) return false;
  if (gate_->refuses(from)) {
    ++shared_.counters.refused_access;
    return true;
  }
  const CookieBytes answer = write_cookie_datagram(gate_->answer(words, from, now_));
  if (words.is_probe) {
    if (probes()) host_->send_probe(from, answer);
  } else if (!host_->send_datagram(from, answer)) {
    ++shared_.counters.socket_errors;
  }
  return true;
}

Admission EnetEndpoint::admit(const ConnectAttempt& attempt) noexcept {
  TransportCounters& counters = shared_.counters;
  if (!gate_->is_proven(attempt, now_)) {
    ++counters.bad_cookies;
    return Admission::drop;
  }
  // It may have its cookie from before.
  if (gate_->refuses(attempt.from)) {
    ++counters.refused_access;
    return Admission::drop;
  }
  // Before the look at all slots, which would tell a repeated CONNECT apart: it is dropped, too.
  if (gate_->is_too_often(attempt, now_)) {
    ++counters.refused_rate;
    return Admission::drop;
  }
  const Census census = host_->census(attempt);
  door_steps_ += census.steps;
  switch (gate_->consider(attempt, census, now_)) {
    case Entry::known:
      // ENet would look for it among all slots once more, and then do nothing: it repeats its
      // answer by itself until that is acknowledged.
      return Admission::drop;
    case Entry::crowded:
      ++counters.refused_address;
      return Admission::drop;
    case Entry::full:
      ++counters.refused_full;
      return Admission::drop;
    case Entry::too_often:
      ++counters.refused_rate;
      return Admission::drop;
    case Entry::admit:
      break;
  }
  give_slot(census);
  return Admission::admit;
}

void EnetEndpoint::give_slot(const Census& census) noexcept {
  // Who calls again has given up its earlier call; a cookie is good for one half-open peer.
  if (census.half_open) host_->reset(*census.half_open);
  const std::size_t index = host_->expect_caller();
  door_steps_ += index + host_->peers();  // and ENet looks at all
  slots_[index].half_open_until = now_ + shared_.context.handshake;
  half_open_until_ =
      std::min(half_open_until_.value_or(TimePoint::max()), slots_[index].half_open_until);
  occupied_ = true;
}

void EnetEndpoint::end_half_open() {
  half_open_until_.reset();
  for (std::size_t index = 0; index < slots_.size(); ++index) {
    if (host_->phase(index) != PeerPhase::half_open) continue;
    const TimePoint until = slots_[index].half_open_until;
    if (now_ >= until) {
      host_->reset(index);
    } else {
      half_open_until_ = std::min(half_open_until_.value_or(until), until);
    }
  }
}

void EnetEndpoint::ask(TimePoint now) {
  const CookieBytes question = call_->question();
  for (const Ipv4Endpoint& each : call_->due(now)) {
    if (probes()) host_->send_probe(each, question);
    if (!host_->send_datagram(each, question)) ++shared_.counters.socket_errors;
  }
}

void EnetEndpoint::knock() {
  if (host_->phase(0) == PeerPhase::connecting && call_->starts_over(now_)) host_->reset(0);
  ask(now_);
  const auto knock = call_->knock(now_);
  if (!knock) return;
  const std::uint32_t mtu = probes() && knock->probe_passed ? kLargeMtuBytes : kMtuBytes;
  if (auto called = host_->connect(knock->at, knock->cookie, mtu); !called) {
    return went_down(0, called.error());
  }
  slots_[0].link->peer_ = knock->at;
  occupied_ = true;
}

bool EnetEndpoint::is_asking() const {
  return call_ && call_->is_asking();
}

std::optional<TimePoint> EnetEndpoint::door_deadline() const {
  const auto question = call_ ? call_->next_deadline() : std::nullopt;
  if (!question) return half_open_until_;
  return std::min(*question, half_open_until_.value_or(*question));
}

}  // namespace tickwire::detail
