// SPDX-License-Identifier: MIT
#include "lib/session/outbox.hpp"

#include <algorithm>

namespace tickwire::detail {
namespace {

constexpr Delivery kDeliveries[] = {Delivery::reliable, Delivery::sequenced, Delivery::unreliable};
constexpr std::size_t kSealBytes = kProtectorHeadroomBytes + kProtectorTailroomBytes;
// Kind and total size in front of a large message's first bytes.
constexpr std::size_t kSliceHeadBytes = 5;

// Messages of nearly no bytes cost much more credit than room. A bundle leaves at once or not at
// all, so that it must fit into what the least window is sure to give: three quarters of it.
constexpr std::uint64_t kMaxBundleCost = 64 * 1024;

// From here on a slice's bytes are sent from where they are; below, the copy is cheaper than a
// piece of its own.
constexpr std::size_t kApartBytes = 2048;
// A packet goes whole: on a way of 64 kB/s, what comes behind one of 64 KiB waits for a second. So
// bundles are no larger than this, and slices than what the way takes just now.
constexpr std::size_t kMostBundleBytes = 8 * 1024;
constexpr std::size_t kLeastSliceBytes = 4096;

// Keeps the share of a byte exact enough at the largest weight.
constexpr std::uint64_t kServedScale = 1024;

constexpr wire::PacketLane packet_lane(Delivery delivery) noexcept {
  return static_cast<wire::PacketLane>(static_cast<int>(delivery) + 1);
}

constexpr bool may_get_lost(Delivery delivery) noexcept {
  return delivery != Delivery::reliable;
}

}  // namespace

Outbox::Outbox(Settings settings, BufferPool& pool, ReceiptQueue& receipts, ConnectionStats& stats)
    : settings_(std::move(settings)), pool_(pool), receipts_(receipts), stats_(stats) {
  channels_.resize(settings_.channels.size());
  for (std::size_t i = 0; i < channels_.size(); ++i) {
    order_.push_back(static_cast<std::uint8_t>(i));
  }
  std::stable_sort(order_.begin(), order_.end(), [&](std::uint8_t a, std::uint8_t b) {
    return settings_.channels[a].priority > settings_.channels[b].priority;
  });
}

void Outbox::set_packet_limits(const LinkTraits& traits) noexcept {
  packet_room_ = traits.max_packet_bytes - kPacketHeaderBytes - kSealBytes;
  datagram_room_ = traits.max_datagram_bytes - kPacketHeaderBytes - kSealBytes;
  gathers_ = traits.gathers;
}

void Outbox::set_peer_limits(std::uint64_t credit, std::size_t max_message_bytes,
                             std::size_t channels) noexcept {
  credit_ = credit;
  max_message_bytes_ = max_message_bytes;
  usable_channels_ = std::min(channels, channels_.size());
}

void Outbox::raise_credit(std::uint64_t limit) noexcept {
  credit_ = std::max(credit_, limit);
}

bool Outbox::hold(std::uint8_t channel, Hold hold) {
  if (channel >= channels_.size() || !channels_[channel]) return false;
  channels_[channel]->hold = hold;
  return true;
}

Delivery Outbox::default_delivery(std::uint8_t channel) const noexcept {
  return channel < settings_.channels.size() ? settings_.channels[channel].delivery
                                             : Delivery::reliable;
}

Outbox::Queue& Outbox::queue(std::uint8_t channel, Delivery delivery) {
  if (!channels_[channel]) channels_[channel] = std::make_unique<Channel>();
  return channels_[channel]->queues[static_cast<std::size_t>(delivery)];
}

std::size_t Outbox::bundle_bytes(Delivery delivery) const noexcept {
  return may_get_lost(delivery) ? datagram_room_ : std::min(packet_room_, kMostBundleBytes);
}

// What it counts in the queue.
std::size_t Outbox::whole_bytes(const Item& item) noexcept {
  return item.bundle ? item.bundle.size() : wire::record_bytes(item.head.size + item.payload.size);
}

ErrorCode Outbox::add(const OutMessage& message, Delivery delivery, std::uint8_t channel,
                      TimePoint now) {
  if (channel >= usable_channels_) return ErrorCode::no_such_channel;
  const std::size_t content = message.body.payload.size() + message.body.metadata.size();
  if (content > max_message_bytes_) return ErrorCode::message_too_large;
  const std::size_t body_bytes = wire::message_body_bytes(message.body);
  const std::size_t bytes = wire::record_bytes(body_bytes);
  if (held_bytes() + bytes > settings_.max_queue_bytes) {
    return ErrorCode::send_queue_full;
  }

  Queue& to = queue(channel, delivery);
  // One that was idle has saved nothing up.
  if (to.items.empty()) to.served = std::max(to.served, served_);
  if (may_get_lost(delivery)) {
    if (bytes > bundle_bytes(delivery)) return ErrorCode::message_too_large;
    if (message.replace_key && replace(to, message, channel)) return ErrorCode::none;
    make_unreliable_room(bytes, now);
  }
  if (message.replace_key) {
    add_keyed(to, message, now);
  } else if (bytes <= bundle_bytes(delivery)) {
    add_to_bundle(to, message, body_bytes, delivery, now);
  } else {
    add_large(to, message, now);
  }
  if (may_get_lost(delivery)) unreliable_bytes_ += bytes;
  queued_bytes_ += bytes;
  if (settings_.keeps_receipts) to.ids.push(message.id);
  ++stats_.messages_sent;
  return ErrorCode::none;
}

void Outbox::add_to_bundle(Queue& to, const OutMessage& message, std::size_t body_bytes,
                           Delivery delivery, TimePoint now) {
  const std::size_t bytes = wire::record_bytes(body_bytes);
  const Item* last = to.items.empty() ? nullptr : &to.items.back();
  if (last == nullptr || !last->bundle || last->key || last->bundle.room() < bytes ||
      last->cost + wire::record_cost(body_bytes) > kMaxBundleCost) {
    Item item;
    item.bundle = Packet(pool_, bundle_bytes(delivery));
    item.queued_at = now;
    to.items.push_back(std::move(item));
    ++queued_items_;
  }
  Item& open = to.items.back();
  wire::write_message_body(
      wire::append_record(open.bundle, wire::message_kind(message.body), body_bytes), message.body);
  ++open.messages;
  open.cost += wire::record_cost(body_bytes);
}

// Alone in its packet, so that it can be replaced; `join_keyed` makes up for that when it leaves.
void Outbox::add_keyed(Queue& to, const OutMessage& message, TimePoint now) {
  const std::size_t body_bytes = wire::message_body_bytes(message.body);
  Item item;
  item.bundle = Packet(pool_, wire::record_bytes(body_bytes));
  item.queued_at = now;
  item.key = message.replace_key;
  item.messages = 1;
  wire::write_message_body(
      wire::append_record(item.bundle, wire::message_kind(message.body), body_bytes), message.body);
  to.items.push_back(std::move(item));
  ++queued_items_;
}

// Puts the message in the place of the one that waits under its key, if one does.
bool Outbox::replace(Queue& in, const OutMessage& message, std::uint8_t channel) {
  std::uint64_t before = 0;
  for (std::size_t i = 0; i < in.items.size(); before += in.items[i].messages, ++i) {
    Item& old = in.items[i];
    if (old.key != message.replace_key) continue;
    const std::size_t body_bytes = wire::message_body_bytes(message.body);
    const std::size_t bytes = wire::record_bytes(body_bytes);
    queued_bytes_ += bytes - old.bundle.size();
    unreliable_bytes_ += bytes - old.bundle.size();
    old.bundle = Packet(pool_, bytes);
    wire::write_message_body(
        wire::append_record(old.bundle, wire::message_kind(message.body), body_bytes),
        message.body);
    ++stats_.messages_sent;
    ++stats_.drops.unreliable_replaced;
    if (settings_.keeps_receipts) {
      receipts_.add(in.ids.replace(before, message.id), 1, channel, Receipt::dropped);
    }
    return true;
  }
  return false;
}

// Gathers the keyed messages at the front into one packet: their records just follow one another.
void Outbox::join_keyed(Queue& from, Delivery delivery) {
  Item& front = from.items.front();
  if (!front.key || from.items.size() == 1) return;
  Packet joined(pool_, bundle_bytes(delivery));
  joined.append(front.bundle.bytes());
  while (from.items.size() > 1 && from.items[1].key &&
         from.items[1].bundle.size() <= joined.room()) {
    Item next = from.items.take(1);
    joined.append(next.bundle.bytes());
    front.messages += next.messages;
    --queued_items_;
  }
  front.bundle = std::move(joined);
  front.key.reset();
}

void Outbox::add_large(Queue& to, const OutMessage& message, TimePoint now) {
  Item item;
  item.kind = wire::message_kind(message.body);
  item.messages = 1;
  item.queued_at = now;

  wire::MessageBody head = message.body;
  head.payload = {};
  const auto head_bytes = static_cast<std::uint32_t>(wire::message_body_bytes(head));
  if (head_bytes > 0) {
    item.head = {pool_.allocate(head_bytes), 0, head_bytes};
    wire::write_message_body(item.head.buffer.bytes(), head);
  }
  const auto payload = message.body.payload;
  const auto payload_bytes = static_cast<std::uint32_t>(payload.size());
  if (message.payload_block) {
    item.payload = {message.payload_block,
                    static_cast<std::uint32_t>(payload.data() - message.payload_block.bytes()),
                    payload_bytes};
  } else {
    item.payload = {pool_.allocate(payload_bytes), 0, payload_bytes};
    std::memcpy(item.payload.buffer.bytes(), payload.data(), payload_bytes);
  }
  to.items.push_back(std::move(item));
  ++queued_items_;
}

// Strictly by priority.
void Outbox::flush(PacketWriter& writer, TimePoint now) {
  if (empty()) return;
  for (const std::uint8_t channel : order_) {
    if (!channels_[channel]) continue;
    for (const Delivery delivery : kDeliveries) {
      if (may_get_lost(delivery)) drop_old(channel, delivery, now);
      queue(channel, delivery).is_blocked = false;
    }
  }
  for (std::size_t begin = 0; begin < order_.size();) {
    const auto priority = settings_.channels[order_[begin]].priority;
    std::size_t end = begin;
    while (end < order_.size() && settings_.channels[order_[end]].priority == priority)
      ++end;
    flush_equals(std::span(order_).subspan(begin, end - begin), writer);
    begin = end;
  }
}

// Those of one priority share what may leave by bytes and weight, also where a flush takes little
// of it and the next goes on: the one that has had least comes next.
//
// Source: start-time fair queueing, Goyal, Vin and Cheng, SIGCOMM 1996.
void Outbox::flush_equals(std::span<const std::uint8_t> channels, PacketWriter& writer) {
  while (true) {
    Queue* next = nullptr;
    std::uint8_t its_channel = 0;
    Delivery its_delivery = Delivery::reliable;
    for (const std::uint8_t channel : channels) {
      if (!channels_[channel]) continue;
      for (const Delivery delivery : kDeliveries) {
        Queue& each = queue(channel, delivery);
        if (each.is_blocked || each.items.empty()) continue;
        if (next != nullptr && each.served >= next->served) continue;
        next = &each;
        its_channel = channel;
        its_delivery = delivery;
      }
    }
    if (next == nullptr) return;
    const std::uint64_t before = stats_.bytes_sent;
    next->is_blocked = !send_one(its_channel, its_delivery, writer);
    served_ = std::max(served_, next->served);
    next->served +=
        (stats_.bytes_sent - before) * kServedScale / settings_.channels[its_channel].weight;
  }
}

bool Outbox::send_one(std::uint8_t channel, Delivery delivery, PacketWriter& writer) {
  Queue& from = channels_[channel]->queues[static_cast<std::size_t>(delivery)];
  const Lane lane = may_get_lost(delivery) ? Lane::datagram : Lane::reliable;
  if (from.items.empty() || writer.capacity_bytes(lane) == 0) return false;
  if (!may_get_lost(delivery) && channels_[channel]->hold == Hold::on) return false;
  Item& front = from.items.front();
  if (!front.bundle) return send_slice(channel, from, writer);

  const bool lossy = may_get_lost(delivery);
  if (lossy) join_keyed(from, delivery);
  if (!lossy && spent_ + front.cost > credit_) return false;
  if (!lossy) spent_ += front.cost;
  const std::size_t bytes = front.bundle.size();
  const std::uint32_t messages = front.messages;
  if (!lossy && keeps_sent_) keep(from, front);
  writer.write(std::move(front.bundle), packet_lane(delivery), channel,
               static_cast<std::uint16_t>(from.next_number));
  from.next_number += lossy ? 1 : messages;
  static_cast<void>(from.items.take_front());
  --queued_items_;
  queued_bytes_ -= bytes;
  if (lossy) {
    unreliable_bytes_ -= bytes;
    settle(from, messages, channel, Receipt::handed_over);
  }
  return true;
}

bool Outbox::send_slice(std::uint8_t channel, Queue& from, PacketWriter& writer) {
  Item& item = from.items.front();
  const bool first = item.sent_bytes == 0;
  const std::size_t lead = first ? kSliceHeadBytes : 0;
  const std::size_t total = item.head.size + item.payload.size;
  const std::size_t left = total - item.sent_bytes;
  const std::size_t room = std::max(writer.capacity_bytes(Lane::reliable), kLeastSliceBytes);
  const std::size_t piece =
      std::min({left, room, packet_room_ - wire::kMaxRecordHeaderBytes - lead});
  const std::uint64_t cost = wire::record_cost(lead + piece);
  if (spent_ + cost > credit_) return false;
  spent_ += cost;

  const std::size_t from_head = item.sent_bytes < item.head.size
                                    ? std::min<std::size_t>(piece, item.head.size - item.sent_bytes)
                                    : 0;
  const std::size_t from_payload = piece - from_head;
  const std::size_t apart = gathers_ && from_payload >= kApartBytes ? from_payload : 0;

  Packet packet(pool_, wire::record_bytes(lead + piece) - apart);
  std::byte* at = wire::append_record(
      packet, first ? wire::Kind::slice_first : wire::Kind::slice_next, lead + piece, apart);
  if (first) {
    *at++ = static_cast<std::byte>(item.kind);
    store(at, static_cast<std::uint32_t>(total));
    at += sizeof(std::uint32_t);
  }
  if (from_head > 0) {
    std::memcpy(at, item.head.bytes().data() + item.sent_bytes, from_head);
  }
  const std::size_t payload_offset = item.sent_bytes + from_head - item.head.size;
  item.sent_bytes += static_cast<std::uint32_t>(piece);
  const auto number = static_cast<std::uint16_t>(from.next_number);
  if (apart > 0) {
    Packet body(item.payload.buffer, item.payload.begin + payload_offset, from_payload);
    writer.write_pieces(std::move(packet), std::move(body), channel, number);
  } else {
    std::memcpy(at + from_head, item.payload.bytes().data() + payload_offset, from_payload);
    writer.write(std::move(packet), wire::PacketLane::reliable, channel, number);
  }
  if (item.sent_bytes == total) {
    if (keeps_sent_) keep(from, item);
    queued_bytes_ -= wire::record_bytes(total);
    --queued_items_;
    static_cast<void>(from.items.take_front());
    ++from.next_number;
  }
  return true;
}

bool Outbox::wants_capacity() const noexcept {
  if (empty()) return false;
  for (const auto& channel : channels_) {
    if (!channel) continue;
    for (const Delivery delivery : kDeliveries) {
      const Queue& queue = channel->queues[static_cast<std::size_t>(delivery)];
      if (queue.items.empty()) continue;
      if (!may_get_lost(delivery) && channel->hold == Hold::on) continue;
      const Item& front = queue.items.front();
      if (may_get_lost(delivery) || spent_ + (front.bundle ? front.cost : 1) <= credit_) {
        return true;
      }
    }
  }
  return false;
}

void Outbox::make_unreliable_room(std::size_t bytes, TimePoint now) {
  if (unreliable_bytes_ + bytes <= settings_.unreliable_queue.bytes) return;
  for (const std::uint8_t channel : order_) {
    if (!channels_[channel]) continue;
    drop_old(channel, Delivery::sequenced, now);
    drop_old(channel, Delivery::unreliable, now);
  }
  // The oldest of all goes first, whatever its channel.
  while (unreliable_bytes_ > 0 && unreliable_bytes_ + bytes > settings_.unreliable_queue.bytes) {
    Queue* oldest = nullptr;
    std::uint8_t its_channel = 0;
    for (const std::uint8_t channel : order_) {
      if (!channels_[channel]) continue;
      for (const Delivery delivery : {Delivery::sequenced, Delivery::unreliable}) {
        Queue& each = channels_[channel]->queues[static_cast<std::size_t>(delivery)];
        if (each.items.empty()) continue;
        if (oldest == nullptr || each.items.front().queued_at < oldest->items.front().queued_at) {
          oldest = &each;
          its_channel = channel;
        }
      }
    }
    drop_front(its_channel, *oldest, stats_.drops.unreliable_queue_full);
  }
}

void Outbox::drop_old(std::uint8_t channel, Delivery delivery, TimePoint now) {
  Queue& from = channels_[channel]->queues[static_cast<std::size_t>(delivery)];
  while (!from.items.empty() &&
         now - from.items.front().queued_at > settings_.unreliable_queue.age) {
    drop_front(channel, from, stats_.drops.unreliable_too_old);
  }
}

void Outbox::drop_front(std::uint8_t channel, Queue& from, std::uint64_t& counter) {
  const Item item = from.items.take_front();
  counter += item.messages;
  --queued_items_;
  queued_bytes_ -= item.bundle.size();
  unreliable_bytes_ -= item.bundle.size();
  settle(from, item.messages, channel, Receipt::dropped);
}

void Outbox::settle(Queue& from, std::uint64_t count, std::uint8_t channel, Receipt receipt) {
  from.ids.pop(count, [&](MessageId first, std::uint64_t run) {
    receipts_.add(first, run, channel, receipt);
  });
}

bool Outbox::acknowledge(std::uint8_t channel, std::uint32_t taken) {
  if (channel >= channels_.size() || !channels_[channel]) return taken == 0;
  Queue& from = channels_[channel]->queues[static_cast<std::size_t>(Delivery::reliable)];
  const std::uint32_t fresh = taken - from.acknowledged;
  if (fresh > from.next_number - from.acknowledged) {
    // Behind what is known already: an older packet that came late.
    return static_cast<std::int32_t>(fresh) < 0;
  }
  from.acknowledged = taken;
  settle(from, fresh, channel, Receipt::acknowledged);
  drop_acknowledged(from);
  return true;
}

std::uint32_t Outbox::sent(std::uint8_t channel) const noexcept {
  if (channel >= channels_.size() || !channels_[channel]) return 0;
  return channels_[channel]->queues[static_cast<std::size_t>(Delivery::reliable)].next_number;
}

void Outbox::abandon() {
  for (std::size_t i = 0; i < channels_.size(); ++i) {
    if (!channels_[i]) continue;
    const auto channel = static_cast<std::uint8_t>(i);
    for (const Delivery delivery : kDeliveries) {
      Queue& from = channels_[i]->queues[static_cast<std::size_t>(delivery)];
      if (!may_get_lost(delivery)) {
        settle(from, from.next_number - from.acknowledged, channel, Receipt::handed_over);
        from.acknowledged = from.next_number;
        from.sent.clear();
      }
      while (!from.items.empty()) {
        const Item item = from.items.take_front();
        stats_.drops.unsent_at_close += item.messages;
        settle(from, item.messages, channel, Receipt::dropped);
      }
    }
  }
  queued_items_ = 0;
  queued_bytes_ = 0;
  kept_bytes_ = 0;
  unreliable_bytes_ = 0;
}

void Outbox::keep(Queue& from, const Item& item) {
  if (from.sent.empty()) from.sent_first = from.next_number;
  kept_bytes_ += whole_bytes(item);
  // A bundle that left early must not pin the block that it could have filled.
  const bool is_hollow = item.bundle && item.bundle.room() > 3 * item.bundle.size();
  from.sent.push_back(is_hollow ? whole_again(item, 0) : item);
}

void Outbox::drop_acknowledged(Queue& from) noexcept {
  while (!from.sent.empty()) {
    const std::uint32_t end = from.sent_first + from.sent.front().messages;
    if (static_cast<std::int32_t>(from.acknowledged - end) < 0) return;
    from.sent_first = end;
    kept_bytes_ -= whole_bytes(from.sent.front());
    static_cast<void>(from.sent.take_front());
  }
}

bool Outbox::rewind(const ResumePoint& point) {
  for (const auto& [channel, taken] : point.taken) {
    if (!acknowledge(channel, taken)) return false;
  }
  for (const auto& each : channels_) {
    if (!each) continue;
    each->hold = Hold::off;
    Queue& from = each->queues[static_cast<std::size_t>(Delivery::reliable)];
    rewind(from, from.acknowledged);
  }
  spent_ = point.spent;
  credit_ = point.limit;
  return true;
}

void Outbox::rewind(Queue& from, std::uint32_t taken) {
  RingQueue<Item> all;
  std::uint32_t skip = taken - from.sent_first;
  while (!from.sent.empty()) {
    const Item item = from.sent.take_front();
    kept_bytes_ -= whole_bytes(item);
    all.push_back(whole_again(item, std::exchange(skip, 0)));
    queued_bytes_ += whole_bytes(all.back());
    stats_.messages_sent_again += all.back().messages;
    ++queued_items_;
  }
  while (!from.items.empty()) {
    all.push_back(from.items.take_front());
    all.back().sent_bytes = 0;
  }
  from.items = std::move(all);
  from.next_number = taken;
}

// The bytes of a bundle are copied: the header in front of them may still be read by somebody.
Outbox::Item Outbox::whole_again(const Item& item, std::uint32_t messages_taken) {
  Item again = item;
  again.sent_bytes = 0;
  if (!item.bundle) return again;
  ByteCursor cursor(item.bundle.bytes());
  for (; messages_taken > 0; --messages_taken) {
    const auto record = wire::next_record(cursor);
    again.cost -= wire::record_cost(record->body.size());
    --again.messages;
  }
  again.bundle = Packet(pool_, cursor.remaining());
  again.bundle.append(cursor.take_all());
  return again;
}

}  // namespace tickwire::detail
