// SPDX-License-Identifier: MIT
#include "lib/host/transports.hpp"

#include "lib/host/transport_factory.hpp"
#include "lib/platform/random.hpp"

namespace tickwire::detail {

Transports::Transports(TransportContext context, std::shared_ptr<MemoryNetwork> memory_network,
                       std::optional<double> connects_per_second)
    : context_(std::move(context)), memory_network_(std::move(memory_network)) {
  if (!connects_per_second) return;
  SipHash::Key key{};
  // Without random numbers a caller could choose its place in the table, and no more than that.
  static_cast<void>(fill_random(key));
  context_.connect_rate = &connect_rate_.emplace(*connects_per_second, key);
}

Result<Transport*> Transports::find(std::string_view scheme) {
  for (const Entry& entry : entries_) {
    if (entry.scheme == scheme) return entry.transport.get();
  }
  auto made = make_transport(scheme, context_, memory_network_);
  if (!made) return made.error();
  entries_.push_back({std::string(scheme), *std::move(made)});
  return entries_.back().transport.get();
}

void Transports::service(TimePoint now) {
  for (const Entry& entry : entries_)
    entry.transport->service(now);
}

void Transports::flush(TimePoint now) {
  for (const Entry& entry : entries_)
    entry.transport->flush(now);
}

void Transports::stop_listening() {
  for (const Entry& entry : entries_)
    entry.transport->stop_listening();
}

std::optional<TimePoint> Transports::next_deadline() const {
  std::optional<TimePoint> next;
  for (const Entry& entry : entries_) {
    const auto deadline = entry.transport->next_deadline();
    if (deadline && (!next || *deadline < *next)) next = deadline;
  }
  return next;
}

Result<void> Transports::reload_certificates() {
  std::vector<std::function<void()>> uses;
  for (const Entry& entry : entries_) {
    auto loaded = entry.transport->load_certificates();
    if (!loaded) return std::move(loaded).error();
    uses.push_back(*std::move(loaded));
  }
  for (const auto& use : uses)
    use();
  return {};
}

TransportCounters Transports::counters() const {
  TransportCounters sum;
  for (const Entry& entry : entries_) {
    const TransportCounters each = entry.transport->counters();
    sum.socket_errors += each.socket_errors;
    sum.malformed_datagrams += each.malformed_datagrams;
    sum.refused_full += each.refused_full;
    sum.refused_address += each.refused_address;
    sum.refused_rate += each.refused_rate;
    sum.refused_access += each.refused_access;
    sum.bad_cookies += each.bad_cookies;
  }
  return sum;
}

}  // namespace tickwire::detail
