// SPDX-License-Identifier: MIT
#include "lib/session/inbox.hpp"

#include <algorithm>

namespace tickwire::detail {
namespace {

// A large message's memory is committed at most this far ahead of its bytes, or twice over.
constexpr std::size_t kCommitAheadBytes = 1024 * 1024;

// What the records of a packet cost; nothing when they are broken.
std::optional<std::uint64_t> records_cost(std::span<const std::byte> records) noexcept {
  ByteCursor cursor(records);
  std::uint64_t cost = 0;
  while (const auto record = wire::next_record(cursor))
    cost += wire::record_cost(record->body.size());
  if (!cursor.ok()) return std::nullopt;
  return cost;
}

}  // namespace

Inbox::Inbox(const Settings& settings, ReassemblyBudget& budget, BufferPool& pool,
             DropCounters& drops)
    : settings_(settings),
      budget_(budget),
      pool_(pool),
      drops_(drops),
      channels_(settings.channels),
      granted_cost_(settings.window_bytes) {}

Inbox::~Inbox() {
  budget_.release(reserved_bytes_);
}

Inbox::Channel& Inbox::channel(std::uint8_t index) {
  if (!channels_[index]) channels_[index] = std::make_unique<Channel>();
  return *channels_[index];
}

bool Inbox::receive(const wire::PacketHeader& header, Packet packet) {
  if (header.channel >= channels_.size()) return false;
  if (header.lane == wire::PacketLane::reliable) {
    return receive_reliable(header, std::move(packet));
  }
  return receive_datagram(header, packet);
}

// Counts every record of a packet against the credit before any is acted on; a packet that does
// not split into records is found out here too.
bool Inbox::charge(std::span<const std::byte> records) noexcept {
  const auto cost = records_cost(records);
  received_cost_ += cost.value_or(0);
  return cost && received_cost_ <= granted_cost_;
}

bool Inbox::receive_reliable(const wire::PacketHeader& header, Packet packet) {
  if (!charge(packet.bytes())) return false;
  Channel& from = channel(header.channel);
  if (from.parked.empty()) {
    const Outcome outcome = take_reliable(header.channel, from, packet, header.sequence);
    if (outcome != Outcome::parked) return outcome == Outcome::done;
    ++parked_channels_;
    holds_changed_ = true;
  }
  return park(from, std::move(packet), header.sequence);
}

// The credit goes back at once, or the channels that have their memory could starve behind those
// that wait. The other end is told to hold the channel before it is told of the credit, so that no
// correct one can pile up more than a window on it.
bool Inbox::park(Channel& on, Packet packet, std::uint16_t sequence) {
  on.parked.push_back({std::move(packet), sequence, 0});
  return_parked(on, on.parked.back());
  return on.parked_cost <= settings_.window_bytes;
}

void Inbox::return_parked(Channel& on, Parked& parked) noexcept {
  parked.returned_cost = records_cost(parked.packet.bytes()).value_or(0);
  returned_cost_ += parked.returned_cost;
  on.parked_cost += parked.returned_cost;
}

void Inbox::take_back_parked(Channel& on, Parked& parked) noexcept {
  returned_cost_ -= parked.returned_cost;
  on.parked_cost -= parked.returned_cost;
  parked.returned_cost = 0;
}

bool Inbox::retry_parked() {
  for (std::size_t i = 0; i < channels_.size() && parked_channels_ > 0; ++i) {
    if (!channels_[i]) continue;
    Channel& from = *channels_[i];
    while (!from.parked.empty()) {
      Parked& next = from.parked.front();
      take_back_parked(from, next);
      const Outcome outcome =
          take_reliable(static_cast<std::uint8_t>(i), from, next.packet, next.sequence);
      if (outcome == Outcome::violation) return false;
      if (outcome == Outcome::parked) {
        return_parked(from, next);
        break;
      }
      static_cast<void>(from.parked.take_front());
      if (!from.parked.empty()) continue;
      --parked_channels_;
      holds_changed_ = true;
    }
  }
  return true;
}

// Takes records off the packet's front; one that must wait stays there with all behind it.
Inbox::Outcome Inbox::take_reliable(std::uint8_t index, Channel& from, Packet& packet,
                                    std::uint16_t sequence) {
  // A parked packet begins with a later message than its header says.
  if (from.parked.empty() && sequence != static_cast<std::uint16_t>(from.taken)) {
    return Outcome::violation;
  }
  ByteCursor cursor(packet.bytes());
  while (const auto record = wire::next_record(cursor)) {
    const Outcome outcome = take_record(index, from, packet, *record);
    if (outcome != Outcome::done) return outcome;
    packet.drop_front(packet.size() - cursor.remaining());
  }
  return cursor.ok() ? Outcome::done : Outcome::violation;
}

Inbox::Outcome Inbox::take_record(std::uint8_t index, Channel& from, const Packet& packet,
                                  const wire::Record& record) {
  const std::uint64_t cost = wire::record_cost(record.body.size());
  if (wire::is_message(record.kind)) {
    const auto body = wire::read_message_body(record.kind, record.body);
    if (!body || from.assembly.buffer || is_too_large(*body)) return Outcome::violation;
    count_taken(from);
    reliable_.push_back({body->is_object, index, body->type, packet.share(), body->payload,
                         body->metadata, cost, 0, arrivals_++});
    return Outcome::done;
  }
  if (record.kind == static_cast<std::uint8_t>(wire::Kind::slice_first)) {
    const Outcome outcome = begin_assembly(from, record.body);
    if (outcome == Outcome::parked) return outcome;
    returned_cost_ += cost;
    if (outcome == Outcome::violation) return outcome;
    return continue_assembly(index, from, record.body.subspan(5)) ? Outcome::done
                                                                  : Outcome::violation;
  }
  returned_cost_ += cost;
  if (record.kind == static_cast<std::uint8_t>(wire::Kind::slice_next)) {
    return continue_assembly(index, from, record.body) ? Outcome::done : Outcome::violation;
  }
  if ((record.kind & wire::kIgnorableBit) == 0) return Outcome::violation;
  ++drops_.unknown_records;
  return Outcome::done;
}

bool Inbox::is_too_large(const wire::MessageBody& message) const noexcept {
  return message.payload.size() + message.metadata.size() > settings_.max_message_bytes;
}

Inbox::Outcome Inbox::begin_assembly(Channel& from, std::span<const std::byte> body) {
  ByteCursor cursor(body);
  const auto kind = cursor.number<std::uint8_t>();
  const auto total = cursor.number<std::uint32_t>();
  // Type and metadata come on top of what the limit is about.
  constexpr std::size_t extra_bytes = 16;
  if (!cursor.ok() || from.assembly.buffer || !wire::is_message(kind) || total == 0 ||
      total > settings_.max_message_bytes + extra_bytes) {
    return Outcome::violation;
  }
  if (reserved_bytes_ + total > settings_.max_reassembly_bytes || !budget_.reserve(total)) {
    return Outcome::parked;
  }
  reserved_bytes_ += total;
  from.assembly = {pool_.allocate(std::min<std::size_t>(total, kCommitAheadBytes)), kind, total, 0};
  return Outcome::done;
}

bool Inbox::continue_assembly(std::uint8_t index, Channel& from, std::span<const std::byte> piece) {
  Assembly& assembly = from.assembly;
  if (!assembly.buffer || piece.empty() || piece.size() > assembly.total - assembly.received) {
    return false;
  }
  make_room(assembly, assembly.received + piece.size());
  std::memcpy(assembly.buffer.bytes() + assembly.received, piece.data(), piece.size());
  assembly.received += static_cast<std::uint32_t>(piece.size());
  if (assembly.received < assembly.total) return true;

  const Assembly whole = std::exchange(assembly, Assembly());
  const auto body = wire::read_message_body(whole.kind, {whole.buffer.bytes(), whole.total});
  if (!body) return false;
  count_taken(from);
  reliable_.push_back({body->is_object, index, body->type, whole.buffer, body->payload,
                       body->metadata, 0, whole.total, arrivals_++});
  return true;
}

void Inbox::make_room(Assembly& assembly, std::size_t bytes) {
  if (bytes <= assembly.buffer.capacity()) return;
  const std::size_t wider = std::min<std::size_t>(
      assembly.total, std::max(bytes, assembly.buffer.capacity() + assembly.buffer.capacity()));
  BufferRef buffer = pool_.allocate(wider);
  std::memcpy(buffer.bytes(), assembly.buffer.bytes(), assembly.received);
  assembly.buffer = std::move(buffer);
}

bool Inbox::receive_datagram(const wire::PacketHeader& header, const Packet& packet) {
  Channel& from = channel(header.channel);
  const bool sequenced = header.lane == wire::PacketLane::sequenced;
  const Arrival arrival = from.windows[sequenced ? 0 : 1].accept(header.sequence);
  if (arrival == Arrival::duplicate) {
    ++drops_.duplicate_datagrams;
    return true;
  }
  if (sequenced && arrival == Arrival::late) {
    ++drops_.stale_sequenced;
    return true;
  }
  ByteCursor cursor(packet.bytes());
  while (const auto record = wire::next_record(cursor)) {
    if (!wire::is_message(record->kind)) {
      if ((record->kind & wire::kIgnorableBit) == 0) return false;
      ++drops_.unknown_records;
      continue;
    }
    const auto body = wire::read_message_body(record->kind, record->body);
    if (!body || is_too_large(*body)) return false;
    push_unreliable({body->is_object, header.channel, body->type, packet.share(), body->payload,
                     body->metadata, 0, 0, arrivals_++});
  }
  return cursor.ok();
}

void Inbox::push_unreliable(InboxMessage message) {
  unreliable_bytes_ += wire::record_cost(message.payload.size() + message.metadata.size());
  unreliable_.push_back(std::move(message));
  while (unreliable_bytes_ > settings_.max_unreliable_bytes && unreliable_.size() > 1) {
    const InboxMessage oldest = unreliable_.take_front();
    unreliable_bytes_ -= wire::record_cost(oldest.payload.size() + oldest.metadata.size());
    ++drops_.unreliable_not_polled;
  }
}

InboxMessage Inbox::take() {
  if (unreliable_.empty() ||
      (!reliable_.empty() && reliable_.front().arrival < unreliable_.front().arrival)) {
    return reliable_.take_front();
  }
  InboxMessage message = unreliable_.take_front();
  unreliable_bytes_ -= wire::record_cost(message.payload.size() + message.metadata.size());
  return message;
}

void Inbox::release(std::uint64_t credit, std::size_t reserved_bytes) noexcept {
  returned_cost_ += credit;
  reserved_bytes_ -= reserved_bytes;
  budget_.release(reserved_bytes);
}

void Inbox::count_taken(Channel& from) noexcept {
  ++from.taken;
  ++owed_messages_;
}

std::uint32_t Inbox::taken(std::uint8_t index) const noexcept {
  return index < channels_.size() && channels_[index] ? channels_[index]->taken : 0;
}

std::optional<std::uint32_t> Inbox::show_acknowledgement(std::uint8_t index) const noexcept {
  if (index >= channels_.size() || !channels_[index]) return std::nullopt;
  const Channel& from = *channels_[index];
  if (from.acknowledged == from.taken) return std::nullopt;
  return from.taken;
}

std::optional<std::uint32_t> Inbox::take_acknowledgement(std::uint8_t index) noexcept {
  const auto taken = show_acknowledgement(index);
  if (!taken) return std::nullopt;
  Channel& from = *channels_[index];
  owed_messages_ -= from.taken - from.acknowledged;
  from.acknowledged = from.taken;
  return taken;
}

bool Inbox::owes_credit() const noexcept {
  // What was given back for parked packets is taken back when they go on: the limit told may be
  // ahead for a while.
  return returned_cost_ + settings_.window_bytes >= granted_cost_ + settings_.window_bytes / 4;
}

std::optional<std::uint64_t> Inbox::take_credit() noexcept {
  if (!owes_credit()) return std::nullopt;
  granted_cost_ = returned_cost_ + settings_.window_bytes;
  return granted_cost_;
}

std::uint32_t Inbox::datagrams_received() const noexcept {
  std::uint32_t sum = 0;
  for (const auto& each : channels_) {
    if (each) sum += each->windows[0].received() + each->windows[1].received();
  }
  return sum;
}

std::uint32_t Inbox::datagrams_missed() const noexcept {
  std::uint32_t sum = 0;
  for (const auto& each : channels_) {
    if (each) sum += each->windows[0].missed() + each->windows[1].missed();
  }
  return sum;
}

}  // namespace tickwire::detail
