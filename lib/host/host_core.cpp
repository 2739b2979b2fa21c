// SPDX-License-Identifier: MIT
#include "lib/host/host_core.hpp"

#include <algorithm>
#include <bit>
#include <tickwire/filter.hpp>

#include <tickwire/access_list.hpp>

#include "lib/base/ip_network.hpp"
#include "lib/host/config_check.hpp"
#include "lib/platform/large_page_memory.hpp"
#include "lib/platform/random.hpp"

namespace tickwire::detail {
namespace {

void add_to(DropCounters& sum, const DropCounters& more) {
  sum.stale_sequenced += more.stale_sequenced;
  sum.duplicate_datagrams += more.duplicate_datagrams;
  sum.unreliable_not_polled += more.unreliable_not_polled;
  sum.unreliable_queue_full += more.unreliable_queue_full;
  sum.unreliable_too_old += more.unreliable_too_old;
  sum.unreliable_replaced += more.unreliable_replaced;
  sum.unsent_at_close += more.unsent_at_close;
  sum.refused_too_large += more.refused_too_large;
  sum.refused_queue_full += more.refused_queue_full;
  sum.refused_not_open += more.refused_not_open;
  sum.refused_invalid += more.refused_invalid;
  sum.unknown_records += more.unknown_records;
  sum.masked_events += more.masked_events;
  sum.undecryptable_packets += more.undecryptable_packets;
  sum.early_packets += more.early_packets;
}

void add_to(ConnectionStats& sum, const ConnectionStats& more) {
  sum.bytes_sent += more.bytes_sent;
  sum.bytes_received += more.bytes_received;
  sum.packets_sent += more.packets_sent;
  sum.packets_received += more.packets_received;
  sum.messages_sent += more.messages_sent;
  sum.messages_received += more.messages_received;
  sum.unknown_types_received += more.unknown_types_received;
  sum.queued_bytes += more.queued_bytes;
  sum.interruptions += more.interruptions;
  sum.messages_sent_again += more.messages_sent_again;
  add_to(sum.drops, more.drops);
}

// What to refuse when this one is to be kept out.
std::string refused_network(const Address& address) {
  constexpr std::uint8_t subscriber_bits = 64;
  if (address.scheme == "memory") return "memory://" + address.host;
  const auto ip = IpAddress::parse(address.host);
  if (!ip || ip->family == IpFamily::v4) return address.host;
  return IpNetwork{ip->masked(subscriber_bits), subscriber_bits}.to_string();
}

std::shared_ptr<const SessionSettings> session_settings(const HostConfig& config) {
  auto settings = std::make_shared<SessionSettings>();
  settings->self = {config.application,
                    config.schema,
                    {},
                    static_cast<std::uint32_t>(config.limits.receive_window_bytes),
                    static_cast<std::uint32_t>(config.limits.max_message_bytes),
                    static_cast<std::uint8_t>(config.channels.size()),
                    {}};
  for (const auto& filter : config.filters)
    settings->self.filters.push_back({std::string(filter->name()), filter->need()});
  settings->channels = config.channels;
  settings->limits = config.limits;
  settings->timeouts = config.timeouts;
  settings->events = config.events;
  settings->resume_over = config.resume_over;
  settings->random = [](std::span<std::byte> bytes) { return fill_random(bytes); };
  return settings;
}

}  // namespace

HostCore::HostCore(Host& host, HostConfig given)
    : config(checked(std::move(given))),
      host_(host),
      clock_(config.clock != nullptr ? *config.clock : steady_clock()),
      log_(config.log),
      pool_(config.memory != nullptr ? config.memory : default_memory()),
      encode_buffer_(*pool_),
      filters_(config.filters, *pool_),
      reassembly_(config.limits.max_host_reassembly_bytes),
      session_settings_(session_settings(config)),
      table_(*this, config.limits.max_connections, kRefusalSlots),
      ring_(config.event_capacity),
      // A program that may stand still for `idle` must not be ended for one stall.
      shortage_(3 * config.timeouts.idle),
      transports_({.clock = &clock_,
                   .pool = &*pool_,
                   .poller = &mailbox->poller(),
                   .handler = this,
                   .wake = [box = mailbox] { box->wake(); },
                   .channels = config.channels.size(),
                   .max_links = config.limits.max_connections + kRefusalSlots,
                   .idle = deadly_silence(config.timeouts),
                   .handshake = config.timeouts.handshake,
                   .linger = config.timeouts.linger,
                   .max_links_per_address = config.limits.max_connections_per_address,
                   .enet = config.enet,
                   .access = config.access.get()},
                  config.memory_network, config.limits.max_connects_per_address_per_second),
      now_(clock_.now()) {
  if (config.tick_rate_hz) ticker_.emplace(*config.tick_rate_hz, now_, config.max_catch_up_ticks);
}

HostCore::~HostCore() {
  const Callback callback(*this);
  mailbox->shut();
  drop_program();
  settle_releases();
  // Links end before the transports that they belong to.
  table_.for_each([](Peer& peer) {
    if (peer.link && peer.session->ends_with_link()) peer.link->close();
    peer.link.reset();
  });
}

// What is the program's may use its connections as it goes: it goes while all is there.
void HostCore::drop_program() {
  std::vector<std::any> data;
  table_.for_each([&](Peer& peer) {
    data.push_back(std::exchange(peer.user_data, {}));
    if (peer.redial) data.push_back(std::exchange(peer.redial->options.user_data, {}));
  });
  data.clear();
  std::exchange(update_hooks, {}).clear();
  listeners->clear();
}

ErrorCode HostCore::close(Connection connection, const CloseReason& reason) {
  Peer* peer = find(connection);
  if (peer == nullptr) return ErrorCode::not_connected;
  call_no_more(*peer);
  if (peer->session->state() == SessionState::ended) return ErrorCode::not_connected;
  peer->session->close(reason, clock_.now());
  on_peer_changed(peer->slot());
  return ErrorCode::none;
}

ErrorCode HostCore::blacklist(Connection connection, std::optional<Duration> time) {
  Peer* peer = find(connection);
  if (peer == nullptr || peer->session->state() == SessionState::ended) {
    return ErrorCode::not_connected;
  }
  if (!config.access) return ErrorCode::not_supported;
  // Who was dialled by name has numbers as long as there is a link.
  const Address at = peer->link ? peer->link->peer() : peer->address;
  const std::string network = refused_network(at);
  const auto added =
      time ? config.access->refuse_for(network, *time) : config.access->refuse(network);
  if (!added) return added.error().code;
  log_.write(LogLevel::info, at.to_string() + ": refused from now on: " + network);
  return close(connection, "refused");
}

void HostCore::close_all(const CloseReason& reason) {
  stop_listening();
  const TimePoint now = clock_.now();
  table_.for_each([&](Peer& peer) {
    call_no_more(peer);
    peer.session->close(reason, now);
    on_peer_changed(peer.slot());
  });
}

ErrorCode HostCore::set_receiving(Connection connection, Receiving receiving) {
  Peer* peer = find(connection);
  if (peer == nullptr) return ErrorCode::not_connected;
  peer->set_receiving(receiving);
  mark_ready(*peer);
  return ErrorCode::none;
}

bool HostCore::receive_all() {
  bool has_any = false;
  table_.for_each([&](Peer& peer) {
    if (peer.ended_pass) return;
    has_any = true;
    peer.set_receiving(Receiving::on);
    mark_ready(peer);
  });
  return has_any;
}

std::vector<Connection> HostCore::connections() {
  std::vector<Connection> open;
  table_.for_each([&](Peer& peer) {
    if (peer.session->is_open()) open.push_back(handle(peer));
  });
  return open;
}

std::size_t HostCore::open_connections() noexcept {
  std::size_t count = 0;
  table_.for_each([&](Peer& peer) { count += peer.session->is_open() ? 1 : 0; });
  return count;
}

HostStats HostCore::stats() {
  HostStats all = stats_;
  table_.for_each([&](Peer& peer) { add_to(all.connections, peer.session->stats()); });
  const TransportCounters counters = transports_.counters();
  all.transport_errors = counters.socket_errors;
  all.malformed_datagrams = counters.malformed_datagrams;
  all.refused_full += counters.refused_full;
  all.refused_address += counters.refused_address;
  all.refused_rate = counters.refused_rate;
  all.refused_access = counters.refused_access;
  all.bad_cookies = counters.bad_cookies;
  all.ticks_skipped = ticker_ ? ticker_->skipped() : 0;
  all.open_connections = open_connections();
  return all;
}

void HostCore::report(Error error) {
  log_.write(LogLevel::error, error.message());
  RingEntry entry;
  entry.event.type = EventType::error;
  entry.event.error = std::move(error);
  ring_.push(std::move(entry));
}

void HostCore::on_peer_changed(std::uint32_t slot) {
  Peer& peer = table_[slot];
  mark_dirty(peer);
  mark_ready(peer);
  if (peer.session->has_parked() &&
      std::find(parked_.begin(), parked_.end(), slot) == parked_.end()) {
    parked_.push_back(slot);
  }
}

// In the lists that it may come into, each once: nothing that becomes of it fails there for want of
// memory.
void HostCore::make_room_for(const Peer& peer) {
  const std::size_t slots = std::bit_ceil(std::size_t{peer.slot()} + 1);
  ready_.reserve(slots);
  for (auto* list : {&dirty_, &scratch_slots_, &parked_, &ended_})
    list->reserve(slots);
  timers_.reserve(slots);
}

void HostCore::mark_ready(Peer& peer) {
  if (peer.in_ready_list || !(peer.session->has_event() || peer.has_kept_event())) return;
  ready_.push_back(&peer);
  peer.in_ready_list = true;
}

void HostCore::schedule(Peer& peer) {
  TimePoint deadline = peer.session->next_deadline();
  if (peer.redial && peer.redial->due) deadline = std::min(deadline, *peer.redial->due);
  if (peer.redial && peer.redial->give_up_at) {
    deadline = std::min(deadline, *peer.redial->give_up_at);
  }
  if (deadline >= peer.timer_at) return;
  timers_.set(deadline, peer.slot());
  peer.timer_at = deadline;
}

// Its last event is out, or it never had one: the slot is free for the next.
void HostCore::finish_peer(Peer& peer) {
  add_to(stats_.connections, peer.session->stats());
  if (peer.session->was_refused()) {
    stats_.refused_full += peer.turned_away == TurnedAway::full ? 1 : 0;
    stats_.refused_address += peer.turned_away == TurnedAway::crowded ? 1 : 0;
  }
  if (peer.direction == Direction::accepted && !peer.session->was_open()) {
    ++(peer.session->was_refused() ? stats_.handshakes_refused : stats_.handshakes_failed);
  }
  kept_events_ -= peer.kept_back.size();
  timers_.remove(peer.slot());
  // What is the program's goes last, when all is in order: it may use the host as it goes.
  const Callback callback(*this);
  const std::any user_data = std::exchange(peer.user_data, {});
  const std::unique_ptr<Redial> redial = std::move(peer.redial);
  table_.give_back(peer);
}

}  // namespace tickwire::detail
