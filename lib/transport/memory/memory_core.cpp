// SPDX-License-Identifier: MIT
#include "lib/transport/memory/memory_core.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace tickwire::detail {
namespace {

struct Later {
  bool operator()(const InFlight& a, const InFlight& b) const noexcept {
    return a.due != b.due ? a.due > b.due : a.serial > b.serial;
  }
};

std::uint64_t seed_for(std::uint64_t network_seed, std::uint64_t wire_id, Side to) noexcept {
  SplitMix64 mixer(network_seed);
  return mixer.next() ^ SplitMix64(wire_id * 2 + static_cast<std::uint64_t>(to)).next();
}

// On a narrow link a whole window would fill the queue, and no datagram would ever find room there:
// what is under way besides the delay leaves three quarters of the longest wait free.
std::size_t window_bytes(const NetworkConditions& conditions) noexcept {
  constexpr std::size_t least = 4 * 1024;
  if (!conditions.bandwidth_bytes_per_second) return kMemoryWindowBytes;
  const Duration time = conditions.delay + conditions.jitter + conditions.max_queue_delay / 4;
  const double bytes = std::chrono::duration<double>(time).count() *
                       static_cast<double>(*conditions.bandwidth_bytes_per_second);
  if (bytes >= static_cast<double>(kMemoryWindowBytes)) return kMemoryWindowBytes;
  return std::max(least, static_cast<std::size_t>(bytes));
}

}  // namespace

Wire::Wire(std::uint64_t network_seed, std::uint64_t wire_id)
    : id(wire_id),
      ends{End(seed_for(network_seed, wire_id, Side::dialler)),
           End(seed_for(network_seed, wire_id, Side::acceptor))} {}

MemoryCore::MemoryCore(std::uint64_t seed, const NetworkConditions& conditions, Kind kind)
    : kind_(kind), seed_(seed), odds_{Odds(conditions), Odds(conditions)} {}

const std::shared_ptr<MemoryCore>& MemoryCore::process_wide() {
  static const auto core = std::make_shared<MemoryCore>(0, NetworkConditions{}, Kind::plain);
  return core;
}

const std::shared_ptr<MemoryCore>& MemoryCore::of(const MemoryNetwork& network) {
  return network.core_;
}

std::shared_ptr<Endpoint> MemoryCore::join(const Clock* clock, std::function<void()> wake) {
  auto endpoint = std::make_shared<Endpoint>();
  endpoint->clock = clock;
  endpoint->wake = std::move(wake);
  const std::lock_guard lock(mutex_);
  endpoint->name = "host-" + std::to_string(next_endpoint_++);
  endpoints_.push_back(endpoint);
  return endpoint;
}

void MemoryCore::leave(Endpoint& endpoint) {
  std::vector<InFlight> unread;
  std::vector<std::shared_ptr<Wire>> unanswered;
  {
    const std::lock_guard lock(mutex_);
    endpoint.present = false;
    erase_names(endpoint);
    std::erase_if(endpoints_, [&](const auto& each) { return each.get() == &endpoint; });
    unread.swap(endpoint.inbox);
    for (const InFlight& arrival : unread) {
      if (arrival.kind == InFlight::Kind::call) unanswered.push_back(arrival.wire);
      if (arrival.kind != InFlight::Kind::packet) continue;
      arrival.wire->end(arrival.to).in_flight_bytes -= arrival.size_bytes;
      ++stats_.packets_abandoned;
    }
  }
  for (const auto& wire : unanswered)
    end(wire, Side::acceptor, EndReason::refused);
}

void MemoryCore::erase_names(const Endpoint& endpoint) {
  std::erase_if(listeners_,
                [&](const auto& entry) { return entry.second.endpoint.get() == &endpoint; });
}

bool MemoryCore::listen(const std::shared_ptr<Endpoint>& endpoint, const std::string& name,
                        std::size_t listener) {
  const std::lock_guard lock(mutex_);
  return listeners_.try_emplace(name, Listener{endpoint, listener}).second;
}

void MemoryCore::stop_listening(const Endpoint& endpoint) {
  const std::lock_guard lock(mutex_);
  erase_names(endpoint);
}

void MemoryCore::wake(const Sleeper& sleeper) {
  if (sleeper && sleeper->wake) sleeper->wake();
}

MemoryCore::Sleeper MemoryCore::disturb(const std::shared_ptr<Endpoint>& endpoint,
                                        const Endpoint* caller) {
  // A host that is awake reads `next_deadline` before it sleeps, and one wake-up is enough.
  if (endpoint.get() == caller || !endpoint->present || endpoint->woken) return nullptr;
  endpoint->woken = true;
  return endpoint;
}

MemoryCore::Sleeper MemoryCore::push(InFlight arrival, const Endpoint* caller) {
  const std::shared_ptr<Endpoint> endpoint = arrival.wire->end(arrival.to).endpoint;
  if (!endpoint->present) return nullptr;
  arrival.serial = next_serial_++;
  endpoint->inbox.push_back(std::move(arrival));
  std::push_heap(endpoint->inbox.begin(), endpoint->inbox.end(), Later());
  return disturb(endpoint, caller);
}

void MemoryCore::retire(const Wire& wire) {
  if (!wire.ends[0].open && !wire.ends[1].open) wires_.erase(wire.id);
}

std::shared_ptr<Wire> MemoryCore::dial(const std::shared_ptr<Endpoint>& endpoint,
                                       const std::vector<Address>& candidates) {
  Sleeper sleeper;
  std::shared_ptr<Wire> wire;
  {
    const std::lock_guard lock(mutex_);
    wire = std::make_shared<Wire>(seed_, next_wire_++);
    Wire::End& here = wire->end(Side::dialler);
    here.endpoint = endpoint;
    here.open = true;
    here.inbound.hold_until(endpoint->held_until);

    auto found = listeners_.end();
    for (const Address& candidate : candidates) {
      wire->listen_address = candidate;
      found = listeners_.find(candidate.host);
      if (found != listeners_.end()) break;
    }
    wires_.emplace(wire->id, wire);

    InFlight first;
    first.wire = wire;
    if (found == listeners_.end()) {
      first.kind = InFlight::Kind::end;
      first.reason = EndReason::no_one;
      const Duration way_there = odds_to(Side::acceptor).conditions.delay;
      first.due = here.inbound.notice(odds_to(Side::dialler), endpoint->clock->now() + way_there);
    } else {
      Wire::End& there = wire->end(Side::acceptor);
      there.endpoint = found->second.endpoint;
      there.inbound.hold_until(there.endpoint->held_until);
      wire->listener = found->second.listener;
      first.kind = InFlight::Kind::call;
      first.to = Side::acceptor;
      first.due = there.inbound.notice(odds_to(Side::acceptor), there.endpoint->clock->now());
      there.inbound.hold_until(first.due);
    }
    sleeper = push(std::move(first), endpoint.get());
  }
  wake(sleeper);
  return wire;
}

void MemoryCore::answer(const std::shared_ptr<Wire>& wire) {
  Sleeper sleeper;
  {
    const std::lock_guard lock(mutex_);
    Wire::End& caller = wire->end(Side::dialler);
    if (!caller.open || !caller.endpoint->present) return;
    InFlight arrival;
    arrival.wire = wire;
    arrival.kind = InFlight::Kind::answer;
    arrival.due = caller.inbound.notice(odds_to(Side::dialler), caller.endpoint->clock->now());
    caller.inbound.hold_until(arrival.due);
    sleeper = push(std::move(arrival), wire->end(Side::acceptor).endpoint.get());
  }
  wake(sleeper);
}

void MemoryCore::end(const std::shared_ptr<Wire>& wire, Side from, EndReason reason) {
  Sleeper sleeper;
  {
    const std::lock_guard lock(mutex_);
    wire->end(from).open = false;
    Wire::End& to = wire->end(other(from));
    if (to.open && to.endpoint->present) {
      const Odds& odds = odds_to(other(from));
      const TimePoint now = to.endpoint->clock->now();
      InFlight arrival;
      arrival.wire = wire;
      arrival.to = other(from);
      arrival.kind = InFlight::Kind::end;
      arrival.reason = reason;
      arrival.due =
          reason == EndReason::closed ? to.inbound.last(odds, now) : to.inbound.notice(odds, now);
      sleeper = push(std::move(arrival), wire->end(from).endpoint.get());
    }
    retire(*wire);
  }
  wake(sleeper);
}

void MemoryCore::send(const std::shared_ptr<Wire>& wire, Side from, BufferRef bytes,
                      std::size_t size_bytes, Lane lane, std::uint8_t channel) {
  InFlight packet;
  packet.wire = wire;
  packet.bytes = std::move(bytes);
  packet.size_bytes = static_cast<std::uint32_t>(size_bytes);
  packet.to = other(from);
  packet.lane = lane;
  Sleeper sleeper;
  {
    const std::lock_guard lock(mutex_);
    ++stats_.packets_sent;
    stats_.bytes_sent += size_bytes;
    sleeper = carry(wire, from, std::move(packet), channel);
  }
  wake(sleeper);
}

MemoryCore::Sleeper MemoryCore::carry(const std::shared_ptr<Wire>& wire, Side from, InFlight packet,
                                      std::uint8_t channel) {
  Wire::End& to = wire->end(other(from));
  if (!to.open || !to.endpoint->present) {
    ++stats_.packets_abandoned;
    return nullptr;
  }
  const Endpoint* caller = wire->end(from).endpoint.get();
  const TimePoint now = to.endpoint->clock->now();
  to.window_bytes = window_bytes(odds_to(packet.to).conditions);
  if (packet.lane == Lane::datagram) return carry_datagram(to, std::move(packet), now, caller);
  packet.due =
      to.inbound.reliable(odds_to(packet.to), now, packet.size_bytes, packet.lane, channel);
  if (packet.due > now) ++stats_.packets_delayed;
  to.in_flight_bytes += packet.size_bytes;
  return push(std::move(packet), caller);
}

void MemoryCore::count_dropped(DatagramFate::Outcome outcome) {
  switch (outcome) {
    case DatagramFate::Outcome::lost:
      ++stats_.datagrams_lost;
      break;
    case DatagramFate::Outcome::spoilt:
      ++stats_.datagrams_spoilt;
      break;
    default:
      ++stats_.datagrams_queue_full;
  }
}

MemoryCore::Sleeper MemoryCore::carry_datagram(Wire::End& to, InFlight packet, TimePoint now,
                                               const Endpoint* caller) {
  const DatagramFate fate = to.inbound.datagram(odds_to(packet.to), now, packet.size_bytes);
  if (now < to.endpoint->outage_end) {
    ++stats_.datagrams_cut;
    return nullptr;
  }
  if (fate.outcome != DatagramFate::Outcome::arrives) {
    count_dropped(fate.outcome);
    return nullptr;
  }
  if (fate.held_back) ++stats_.datagrams_reordered;
  if (fate.due > now) ++stats_.packets_delayed;
  to.in_flight_bytes += packet.size_bytes;
  packet.due = fate.due;
  if (!fate.copy_due) return push(std::move(packet), caller);

  ++stats_.datagrams_duplicated;
  to.in_flight_bytes += packet.size_bytes;
  InFlight copy = packet;
  copy.due = *fate.copy_due;
  const Sleeper sleeper = push(std::move(packet), caller);
  const Sleeper again = push(std::move(copy), caller);
  return sleeper ? sleeper : again;
}

std::uint64_t MemoryCore::begin_service(Endpoint& endpoint) {
  const std::lock_guard lock(mutex_);
  endpoint.woken = false;
  return next_serial_;
}

std::optional<InFlight> MemoryCore::take(Endpoint& endpoint, TimePoint now,
                                         std::uint64_t before_serial) {
  for (;;) {
    InFlight arrival;
    Sleeper sleeper;
    bool admitted = false;
    {
      const std::lock_guard lock(mutex_);
      std::vector<InFlight>& inbox = endpoint.inbox;
      if (inbox.empty() || inbox.front().due > now || inbox.front().serial >= before_serial) {
        return std::nullopt;
      }
      std::pop_heap(inbox.begin(), inbox.end(), Later());
      arrival = std::move(inbox.back());
      inbox.pop_back();
      admitted = admit(arrival, sleeper);
    }
    wake(sleeper);
    if (admitted) return arrival;
  }
}

bool MemoryCore::admit(const InFlight& arrival, Sleeper& sleeper) {
  Wire& wire = *arrival.wire;
  Wire::End& here = wire.end(arrival.to);
  switch (arrival.kind) {
    case InFlight::Kind::call:
      here.open = !wire.severed && wire.end(Side::dialler).open;
      return here.open;
    case InFlight::Kind::answer:
      return here.open;
    case InFlight::Kind::packet: {
      const std::size_t before = here.in_flight_bytes;
      const std::size_t after = before - arrival.size_bytes;
      here.in_flight_bytes = after;
      // Half a window of room is worth a wake-up; less would bring one for every packet.
      const std::size_t half = here.window_bytes / 2;
      if (before >= half && after < half) {
        sleeper = disturb(wire.end(other(arrival.to)).endpoint, here.endpoint.get());
      }
      if (!here.open) {
        ++stats_.packets_abandoned;
        return false;
      }
      ++stats_.packets_delivered;
      stats_.bytes_delivered += arrival.size_bytes;
      return true;
    }
    case InFlight::Kind::end:
      if (!here.open) return false;
      here.open = false;
      retire(wire);
      return true;
  }
  return false;
}

std::optional<TimePoint> MemoryCore::next_due(const Endpoint& endpoint) const {
  const std::lock_guard lock(mutex_);
  if (endpoint.inbox.empty()) return std::nullopt;
  return endpoint.inbox.front().due;
}

void MemoryCore::set_conditions(NetworkDirection direction, const Odds& odds) {
  const std::lock_guard lock(mutex_);
  const Side receiver =
      direction == NetworkDirection::from_dialler ? Side::acceptor : Side::dialler;
  odds_[static_cast<std::size_t>(receiver)] = odds;
}

void MemoryCore::cut_datagrams(Endpoint& endpoint, TimePoint now) {
  const auto falls = [&](const InFlight& arrival) {
    if (arrival.kind != InFlight::Kind::packet || arrival.lane != Lane::datagram) return false;
    if (arrival.due <= now) return false;
    arrival.wire->end(arrival.to).in_flight_bytes -= arrival.size_bytes;
    ++stats_.datagrams_cut;
    return true;
  };
  std::erase_if(endpoint.inbox, falls);
}

void MemoryCore::drop_everything(Duration time) {
  const std::lock_guard lock(mutex_);
  for (const auto& endpoint : endpoints_) {
    const TimePoint now = endpoint->clock->now();
    endpoint->outage_end = std::max(endpoint->outage_end, now + time);
    cut_datagrams(*endpoint, now);
    hold(*endpoint, now, endpoint->outage_end);
  }
  hold_wires();
}

void MemoryCore::stall(Duration time) {
  const std::lock_guard lock(mutex_);
  for (const auto& endpoint : endpoints_) {
    const TimePoint now = endpoint->clock->now();
    hold(*endpoint, now, now + time);
  }
  hold_wires();
}

// What has not arrived yet does so then at the earliest.
void MemoryCore::hold(Endpoint& endpoint, TimePoint now, TimePoint until) {
  endpoint.held_until = std::max(endpoint.held_until, until);
  for (InFlight& arrival : endpoint.inbox)
    if (arrival.due > now) arrival.due = std::max(arrival.due, endpoint.held_until);
  std::make_heap(endpoint.inbox.begin(), endpoint.inbox.end(), Later());
}

void MemoryCore::hold_wires() {
  for (const auto& [id, wire] : wires_) {
    for (Wire::End& end : wire->ends)
      if (end.endpoint) end.inbound.hold_until(end.endpoint->held_until);
  }
}

void MemoryCore::sever_all() {
  std::vector<Sleeper> sleepers;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, wire] : wires_) {
      if (wire->severed) continue;
      wire->severed = true;
      ++stats_.links_severed;
      for (const Side side : {Side::dialler, Side::acceptor}) {
        Wire::End& end = wire->end(side);
        if (!end.open || !end.endpoint->present) continue;
        InFlight arrival;
        arrival.due = end.endpoint->clock->now();
        arrival.wire = wire;
        arrival.to = side;
        arrival.kind = InFlight::Kind::end;
        arrival.reason = EndReason::severed;
        if (Sleeper sleeper = push(std::move(arrival), nullptr))
          sleepers.push_back(std::move(sleeper));
      }
    }
  }
  for (const Sleeper& sleeper : sleepers)
    wake(sleeper);
}

NetworkStats MemoryCore::stats() const {
  const std::lock_guard lock(mutex_);
  NetworkStats stats = stats_;
  for (const auto& endpoint : endpoints_) {
    for (const InFlight& arrival : endpoint->inbox)
      stats.packets_in_flight += arrival.kind == InFlight::Kind::packet ? 1 : 0;
  }
  stats.open_links = wires_.size();
  return stats;
}

}  // namespace tickwire::detail
