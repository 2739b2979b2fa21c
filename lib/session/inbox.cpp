// SPDX-License-Identifier: MIT
#include "lib/session/inbox.hpp"

#include <algorithm>
#include <new>

namespace tickwire::detail {
namespace {

// What the records of a packet cost; nothing when they are broken.
std::optional<std::uint64_t> records_cost(std::span<const std::byte> records) noexcept {
  ByteCursor cursor(records);
  std::uint64_t cost = 0;
  while (const auto record = wire::next_record(cursor))
    cost += wire::record_cost(record->body.size());
  if (!cursor.ok()) return std::nullopt;
  return cost;
}

// What short plain messages there are at the beginning of `records`: mostly all.
struct ShortMessages {
  std::size_t bytes = 0;
  std::uint32_t count = 0;

  [[nodiscard]] std::uint64_t cost() const noexcept {
    return bytes + count * (wire::record_cost(0) - kHeadBytes);
  }

  static constexpr std::size_t kHeadBytes = 2;  // a kind, and a length of one byte
  static constexpr std::size_t kMostBytes = 0x7F;
};

// A head like the one before is known to be correct, and how far it is to the next one as well:
// the processor need not wait for one to be read before it looks for the next.
ShortMessages short_messages(std::span<const std::byte> records, std::size_t most_bytes) noexcept {
  most_bytes = std::min(most_bytes, ShortMessages::kMostBytes);
  const std::byte* at = records.data();
  const std::byte* const end = at + records.size();
  std::uint32_t count = 0;
  std::uint32_t known_head = 0x10000;  // none
  std::size_t stride = 0;
  for (; static_cast<std::size_t>(end - at) >= ShortMessages::kHeadBytes; ++count) {
    const std::uint32_t head = load<std::uint16_t>(at);
    if (head != known_head) {
      const auto kind = static_cast<wire::Kind>(at[0]);
      if (kind != wire::Kind::message && kind != wire::Kind::bytes) break;
      const auto body_bytes = std::to_integer<std::size_t>(at[1]);
      const std::size_t least = kind == wire::Kind::message ? sizeof(std::uint32_t) : 0;
      if (body_bytes < least || body_bytes > most_bytes) break;
      known_head = head;
      stride = ShortMessages::kHeadBytes + body_bytes;
    }
    if (static_cast<std::size_t>(end - at) < stride) break;
    at += stride;
  }
  return {static_cast<std::size_t>(at - records.data()), count};
}

}  // namespace

Inbox::Inbox(const SessionSettings& settings, ReassemblyBudget& budget, BufferPool& pool,
             DropCounters& drops)
    : settings_(settings),
      budget_(budget),
      pool_(pool),
      drops_(drops),
      granted_cost_(settings.limits.receive_window_bytes) {}

Inbox::~Inbox() {
  budget_.release(reserved_bytes_);
}

Inbox::Channel& Inbox::channel(std::uint8_t index) {
  if (channels_.empty()) channels_.resize(settings_.channels.size());
  if (!channels_[index]) channels_[index] = std::make_unique<Channel>();
  return *channels_[index];
}

bool Inbox::receive(const wire::PacketHeader& header, Packet packet) {
  if (header.channel >= settings_.channels.size()) return false;
  if (header.lane == wire::PacketLane::reliable) {
    return receive_reliable(header, std::move(packet));
  }
  return receive_datagram(header, std::move(packet));
}

Inbox::Contents Inbox::look_at(std::span<const std::byte> records) const noexcept {
  const ShortMessages first = short_messages(records, settings_.limits.max_message_bytes);
  Contents found;
  found.messages = first.count;
  found.cost = first.cost();
  ByteCursor cursor(records.subspan(first.bytes));
  while (const auto record = wire::next_record(cursor)) {
    found.cost += wire::record_cost(record->body.size());
    ++found.messages;
    const auto body = wire::is_message(record->kind)
                          ? wire::read_message_body(record->kind, record->body)
                          : std::nullopt;
    found.is_all_messages = found.is_all_messages && body && !is_too_large(*body);
  }
  found.splits = cursor.ok();
  return found;
}

// Every record of a packet is counted against the credit before any is acted on; a packet that does
// not split into records is found out here too. One without a record would cost nothing.
bool Inbox::receive_reliable(const wire::PacketHeader& header, Packet packet) {
  const Contents contents = look_at(packet.bytes());
  received_cost_ += contents.cost;
  if (!contents.splits || contents.messages == 0) return false;
  if (received_cost_ > granted_cost_) return false;
  Channel& from = channel(header.channel);
  if (from.parked.empty()) {
    if (contents.is_all_messages && !from.assembly.buffer &&
        header.sequence == static_cast<std::uint16_t>(from.taken)) {
      const auto records = packet.bytes();
      push_reliable(header.channel, packet.take_buffer(), records, contents.messages);
      return true;
    }
    const Outcome outcome = take_reliable(header.channel, from, packet, header.sequence);
    if (outcome != Outcome::parked) return outcome == Outcome::done;
    ++parked_channels_;
    holds_changed_ = true;
  }
  return park(from, std::move(packet), header.sequence);
}

void Inbox::push_reliable(std::uint8_t channel_index, BufferRef block,
                          std::span<const std::byte> records, std::uint32_t messages) {
  reliable_.push_back(MessageRun::records(std::move(block), records, messages, channel_index,
                                          arrivals_++, MessageRun::Credit::spent),
                      pool_);
  count_taken(channel(channel_index), messages);
}

// The credit goes back at once, or the channels that have their memory could starve behind those
// that wait. The other end is told to hold the channel before it is told of the credit, so that no
// correct one can pile up more than a window on it. What is small does not keep its block: there
// may be a window full of it on each channel.
bool Inbox::park(Channel& on, Packet packet, std::uint16_t sequence) {
  if (is_mostly_waste(packet.size(), *packet.share().block())) {
    if (!parked_copies_) parked_copies_ = std::make_unique<SmallCopies>(pool_);
    Slice copy = parked_copies_->copy(packet.bytes());
    if (copy.buffer) packet = Packet(std::move(copy.buffer), copy.begin, copy.size);
  }
  const std::uint64_t cost = records_cost(packet.bytes()).value_or(0);
  on.parked.push_back({std::move(packet), sequence, 0});
  return_parked(on, on.parked.back(), cost);
  return on.parked_cost <= settings_.limits.receive_window_bytes;
}

void Inbox::return_parked(Channel& on, Parked& parked, std::uint64_t cost) noexcept {
  parked.returned_cost = cost;
  returned_cost_ += cost;
  on.parked_cost += cost;
}

void Inbox::take_back_parked(Channel& on, Parked& parked) noexcept {
  returned_cost_ -= parked.returned_cost;
  on.parked_cost -= parked.returned_cost;
  parked.returned_cost = 0;
}

bool Inbox::retry_parked() {
  budget_.begin_turn();
  for (std::size_t i = 0; i < channels_.size() && parked_channels_ > 0; ++i) {
    if (!channels_[i]) continue;
    Channel& from = *channels_[i];
    while (!from.parked.empty()) {
      Parked& next = from.parked.front();
      const std::size_t bytes = next.packet.size();
      std::uint64_t cost = next.returned_cost;
      take_back_parked(from, next);
      const Outcome outcome =
          take_reliable(static_cast<std::uint8_t>(i), from, next.packet, next.sequence);
      if (outcome == Outcome::violation) return false;
      if (outcome == Outcome::parked) {
        // Mostly all of it still waits. It may be long, and this comes every pass.
        if (next.packet.size() != bytes) cost = records_cost(next.packet.bytes()).value_or(0);
        return_parked(from, next, cost);
        break;
      }
      static_cast<void>(from.parked.take_front());
      if (!from.parked.empty()) continue;
      --parked_channels_;
      holds_changed_ = true;
      if (parked_channels_ == 0 && parked_copies_) parked_copies_->close();
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
    push_reliable(index, packet.share(), record.whole, 1);
    return Outcome::done;
  }
  if (record.kind == static_cast<std::uint8_t>(wire::Kind::slice_first)) {
    const Outcome outcome = begin_assembly(from, record.body);
    if (outcome == Outcome::parked) return outcome;
    returned_cost_ += cost;
    if (outcome == Outcome::violation) return outcome;
    return continue_assembly(index, from, record.body.subspan(wire::kSliceHeadBytes))
               ? Outcome::done
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
  return message.payload.size() + message.metadata.size() > settings_.limits.max_message_bytes;
}

Inbox::Outcome Inbox::begin_assembly(Channel& from, std::span<const std::byte> body) {
  ByteCursor cursor(body);
  const auto kind = cursor.number<std::uint8_t>();
  const auto total = cursor.number<std::uint32_t>();
  // Type and metadata come on top of what the limit is about.
  constexpr std::size_t extra_bytes = 16;
  if (!cursor.ok() || from.assembly.buffer || !wire::is_message(kind) || total == 0 ||
      total > settings_.limits.max_message_bytes + extra_bytes) {
    return Outcome::violation;
  }
  const std::size_t reserves = reassembly_cost(total);
  const std::size_t most = std::max(settings_.limits.max_reassembly_bytes, reassembly_cost(0));
  if (reserved_bytes_ + reserves > most || !budget_.reserve(reserves)) {
    return Outcome::parked;
  }
  try {
    // In one piece: the system gives pages to so large a block only as bytes are written to it.
    from.assembly = {pool_.allocate(total), kind, total, 0, 0, arrivals_++};
  } catch (const std::bad_alloc&) {
    budget_.release(reserves);
    return Outcome::parked;
  }
  reserved_bytes_ += reserves;
  return Outcome::done;
}

bool Inbox::continue_assembly(std::uint8_t index, Channel& from, std::span<const std::byte> piece) {
  Assembly& assembly = from.assembly;
  if (!assembly.buffer || piece.empty() || piece.size() > assembly.total - assembly.received) {
    return false;
  }
  copy_bytes(assembly.buffer.bytes() + assembly.received, piece.data(), piece.size());
  return count_piece(index, from, piece.size());
}

// False when the message is whole and makes no sense.
bool Inbox::count_piece(std::uint8_t index, Channel& from, std::size_t bytes) {
  Assembly& assembly = from.assembly;
  assembly.received += static_cast<std::uint32_t>(bytes);
  if (assembly.received < assembly.total) return true;

  Assembly whole = std::exchange(assembly, Assembly());
  const auto body = wire::read_message_body(whole.kind, {whole.buffer.bytes(), whole.total});
  if (!body) return false;
  reliable_.push_back(
      MessageRun::whole(std::move(whole.buffer), whole.total, whole.kind, index, arrivals_++),
      pool_);
  count_taken(from, 1);
  return true;
}

// Whatever is not exactly the next piece of a large message is left to `receive`, and whatever is
// wrong with that.
TailPlace Inbox::place_tail(const wire::PacketHeader& header, std::span<const std::byte> front,
                            std::size_t packet_bytes) {
  if (header.channel >= settings_.channels.size()) return {};
  ByteCursor cursor(front);
  const auto kind = static_cast<wire::Kind>(cursor.number<std::uint8_t>());
  const std::size_t body_bytes = cursor.varint();
  const std::size_t record_bytes = front.size() - cursor.remaining() + body_bytes;
  const bool is_first = kind == wire::Kind::slice_first;
  if (!cursor.ok() || (!is_first && kind != wire::Kind::slice_next)) return {};
  if (record_bytes != packet_bytes) return {};
  Channel& from = channel(header.channel);
  if (!from.parked.empty() || header.sequence != static_cast<std::uint16_t>(from.taken)) return {};
  if (received_cost_ + wire::record_cost(body_bytes) > granted_cost_) return {};
  const auto body = cursor.take_all();
  if (is_first && begin_assembly(from, body) != Outcome::done) return {};
  const std::size_t lead = is_first ? wire::kSliceHeadBytes : 0;
  Assembly& assembly = from.assembly;
  const std::size_t bytes = body_bytes - lead;
  if (!assembly.buffer || bytes == 0 || bytes > assembly.total - assembly.received) return {};
  received_cost_ += wire::record_cost(body_bytes);
  returned_cost_ += wire::record_cost(body_bytes);
  assembly.placed = static_cast<std::uint32_t>(bytes);
  placed_on_ = header.channel;
  return {packet_bytes - bytes, {assembly.buffer, assembly.received, assembly.placed}};
}

bool Inbox::receive_tail() {
  Channel& from = channel(placed_on_);
  const std::uint32_t bytes = std::exchange(from.assembly.placed, 0);
  return bytes > 0 && count_piece(placed_on_, from, bytes);
}

bool Inbox::receive_datagram(const wire::PacketHeader& header, Packet packet) {
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
  const Contents contents = look_at(packet.bytes());
  if (contents.splits && contents.is_all_messages && contents.messages > 0) {
    const auto records = packet.bytes();
    push_unreliable(header.channel, packet.take_buffer(), records, contents.messages);
    drop_unreliable_excess();
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
    push_unreliable(header.channel, packet.share(), record->whole, 1);
  }
  drop_unreliable_excess();
  return cursor.ok();
}

void Inbox::push_unreliable(std::uint8_t channel, BufferRef block,
                            std::span<const std::byte> records, std::uint32_t messages) {
  unreliable_.push_back(MessageRun::records(std::move(block), records, messages, channel,
                                            arrivals_++, MessageRun::Credit::none),
                        pool_);
  unreliable_messages_ += messages;
  unreliable_cost_ += unreliable_.back().cost();
}

void Inbox::drop_unreliable_excess() {
  while (unreliable_cost_ > settings_.limits.max_unreliable_queue.bytes &&
         unreliable_messages_ > 1) {
    MessageRun& oldest = unreliable_.front();
    unreliable_cost_ -= oldest.cost();
    --unreliable_messages_;
    {
      Event message;
      Held held;
      oldest.take(message, held);
    }
    unreliable_cost_ += oldest.cost();
    if (oldest.empty()) unreliable_.drop_front();
    ++drops_.unreliable_not_polled;
  }
}

MessageRun Inbox::take() {
  if (unreliable_.empty() ||
      (!reliable_.empty() && reliable_.front().arrival() < unreliable_.front().arrival())) {
    return reliable_.take_front();
  }
  MessageRun run = unreliable_.take_front();
  unreliable_messages_ -= run.messages();
  unreliable_cost_ -= run.cost();
  return run;
}

void Inbox::release_memory(std::size_t bytes) noexcept {
  reserved_bytes_ -= bytes;
  budget_.release(bytes);
}

void Inbox::count_taken(Channel& from, std::uint32_t messages) noexcept {
  from.taken += messages;
  owed_messages_ += messages;
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
  return returned_cost_ + settings_.limits.receive_window_bytes >=
         granted_cost_ + settings_.limits.receive_window_bytes / 4;
}

std::optional<std::uint64_t> Inbox::take_credit() noexcept {
  if (!owes_credit()) return std::nullopt;
  granted_cost_ = returned_cost_ + settings_.limits.receive_window_bytes;
  return granted_cost_;
}

void Inbox::list_unfinished(std::vector<Unfinished>& into) const {
  for (const auto& each : channels_) {
    if (each && each->assembly.buffer) {
      into.push_back({each->assembly.id, each->assembly.received});
    }
  }
}

bool Inbox::has_before(std::uint64_t arrival) const noexcept {
  return (!reliable_.empty() && reliable_.front().arrival() < arrival) ||
         (!unreliable_.empty() && unreliable_.front().arrival() < arrival);
}

void Inbox::drop_unfinished() noexcept {
  for (const auto& each : channels_) {
    if (!each) continue;
    if (each->assembly.buffer) release_memory(reassembly_cost(each->assembly.total));
    each->assembly = Assembly();
    // What waited has had its credit back.
    each->parked.clear();
    each->parked_cost = 0;
    each->told_held = false;
  }
  parked_channels_ = 0;
  parked_copies_.reset();
  holds_changed_ = false;
}

ResumePoint Inbox::rewind() {
  drop_unfinished();
  ResumePoint point;
  for (std::size_t i = 0; i < channels_.size(); ++i) {
    if (!channels_[i]) continue;
    Channel& from = *channels_[i];
    from.acknowledged = from.taken;
    if (from.taken > 0) point.taken.emplace_back(static_cast<std::uint8_t>(i), from.taken);
  }
  owed_messages_ = 0;
  granted_cost_ = returned_cost_ + settings_.limits.receive_window_bytes;
  point.spent = received_cost_;
  point.limit = granted_cost_;
  return point;
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
