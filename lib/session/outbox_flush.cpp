// SPDX-License-Identifier: MIT
#include <algorithm>

#include "lib/session/outbox.hpp"

/// Which messages leave, in which order and in what pieces.
namespace tickwire::detail {
namespace {

// From here on a slice's bytes are sent from where they are; below, the copy is cheaper than a
// piece of its own.
constexpr std::size_t kApartBytes = 2048;
// A packet goes whole: on a way of 64 kB/s, what comes behind one of 64 KiB waits for a second. So
// where a way has no room for half of the largest, bundles are no larger than this, and slices than
// what it takes just then.
constexpr std::size_t kSmallBundleBytes = 8 * 1024;
constexpr std::size_t kLeastSliceBytes = 4096;

// Keeps the share of a byte exact enough at the largest weight.
constexpr std::uint64_t kServedScale = 1024;

constexpr wire::PacketLane packet_lane(Delivery delivery) noexcept {
  return static_cast<wire::PacketLane>(static_cast<int>(delivery) + 1);
}

}  // namespace

// Gathers the keyed messages at the front into one packet: their records just follow one another.
void Outbox::join_keyed(Queue& from, Delivery delivery, TimePoint now) {
  Item& front = from.items.front();
  if (!front.key || from.items.size() == 1) return;
  Packet joined(pool_, bundle_bytes(delivery));
  joined.append(front.bundle.bytes());
  while (from.items.size() > 1 && from.items[1].key && !is_too_old(from.items[1], now) &&
         from.items[1].bundle.size() <= joined.room()) {
    Item next = from.items.take(1);
    joined.append(next.bundle.bytes());
    front.messages += next.messages;
    --queued_items_;
  }
  front.bundle = std::move(joined);
  front.key.reset();
}

void Outbox::flush(PacketWriter& writer, TimePoint now) {
  if (empty()) return;
  take_bundle_back();
  const bool is_narrow = writer.capacity_bytes(Lane::reliable) < packet_room_ / 2;
  bundle_room_ = is_narrow ? std::min(packet_room_, kSmallBundleBytes) : packet_room_;
  if (is_one_queue()) {
    flush_last(writer, now);
  } else {
    flush_all(writer, now);
  }
}

// With nothing beside it, its turn is always next.
void Outbox::flush_last(PacketWriter& writer, TimePoint now) {
  if (may_get_lost(last_delivery_)) drop_old(last_channel_, last_delivery_, now);
  while (serve(last_channel_, last_delivery_, writer, now)) {
  }
}

// Strictly by priority.
void Outbox::flush_all(PacketWriter& writer, TimePoint now) {
  for (const std::uint8_t channel : by_priority()) {
    if (!channels_[channel]) continue;
    for (const Delivery delivery : kDeliveries) {
      if (may_get_lost(delivery)) drop_old(channel, delivery, now);
      queue(channel, delivery).is_blocked = false;
    }
  }
  for (auto left = by_priority(); !left.empty();) {
    const auto priority = settings_.channels[left.front()].priority;
    const auto lower = std::find_if(left.begin(), left.end(), [&](std::uint8_t channel) {
      return settings_.channels[channel].priority != priority;
    });
    const auto equals = static_cast<std::size_t>(lower - left.begin());
    flush_equals(left.first(equals), writer, now);
    left = left.subspan(equals);
  }
}

// Those of one priority share what may leave by bytes and weight, also where a flush takes little
// of it and the next goes on: the one that has had least comes next.
//
// Source: start-time fair queueing, Goyal, Vin and Cheng, SIGCOMM 1996.
void Outbox::flush_equals(std::span<const std::uint8_t> channels, PacketWriter& writer,
                          TimePoint now) {
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
    next->is_blocked = !serve(its_channel, its_delivery, writer, now);
  }
}

// Sends one packet, and counts it as the queue's share. False: nothing can leave now.
bool Outbox::serve(std::uint8_t channel, Delivery delivery, PacketWriter& writer, TimePoint now) {
  Queue& from = channels_[channel]->queues[static_cast<std::size_t>(delivery)];
  const std::uint64_t before = stats_.bytes_sent;
  if (!send_one(channel, delivery, writer, now)) return false;
  from.started = from.served;
  from.served += (stats_.bytes_sent - before) * kServedScale / settings_.channels[channel].weight;
  return true;
}

// How far those of a channel's priority have come.
std::uint64_t Outbox::progress_beside(std::uint8_t channel) const noexcept {
  std::uint64_t furthest = 0;
  const auto look_at = [&](std::size_t one) {
    for (const Queue& each : channels_[one]->queues)
      furthest = std::max(furthest, each.started);
  };
  if (used_channels_ == 1) {
    look_at(channel);
    return furthest;
  }
  const auto priority = settings_.channels[channel].priority;
  for (std::size_t i = 0; i < channels_.size(); ++i)
    if (channels_[i] && settings_.channels[i].priority == priority) look_at(i);
  return furthest;
}

bool Outbox::send_one(std::uint8_t channel, Delivery delivery, PacketWriter& writer,
                      TimePoint now) {
  Queue& from = channels_[channel]->queues[static_cast<std::size_t>(delivery)];
  const bool lossy = may_get_lost(delivery);
  const Lane lane = lossy ? Lane::datagram : Lane::reliable;
  if (from.items.empty() || writer.capacity_bytes(lane) == 0) return false;
  if (lossy) {
    // Behind one that has replaced another there may be older ones.
    drop_old(channel, delivery, now);
    if (from.items.empty()) return false;
  }
  if (!lossy && channels_[channel]->hold == Hold::on) return false;
  Item& front = from.items.front();
  if (!front.bundle) return send_slice(channel, from, writer);

  if (lossy) join_keyed(from, delivery, now);
  if (!lossy && spent_ + front.cost > credit_) return false;
  const std::size_t bytes = front.bundle.size();
  const std::uint32_t messages = front.messages;
  if (!lossy && keeps_sent_) keep(from, front);
  if (!lossy) spent_ += front.cost;
  writer.write(std::move(front.bundle), packet_lane(delivery), channel,
               static_cast<std::uint16_t>(from.next_number));
  from.next_number += lossy ? 1 : messages;
  from.items.drop_front();
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
  const std::size_t lead = first ? wire::kSliceHeadBytes : 0;
  const std::size_t total = item.head.size + item.payload.size;
  const std::size_t left = total - item.sent_bytes;
  std::size_t room = packet_room_ - wire::kMaxRecordHeaderBytes - lead;
  if (bundle_room_ < packet_room_) {
    room = std::min(room, std::max(writer.capacity_bytes(Lane::reliable), kLeastSliceBytes));
  }
  const std::size_t piece = std::min(left, room);
  const std::uint64_t cost = wire::record_cost(lead + piece);
  if (spent_ + cost > credit_) return false;

  const std::size_t from_head = item.sent_bytes < item.head.size
                                    ? std::min<std::size_t>(piece, item.head.size - item.sent_bytes)
                                    : 0;
  const std::size_t from_payload = piece - from_head;
  const std::size_t apart = gathers_ && from_payload >= kApartBytes ? from_payload : 0;

  Packet packet(pool_, wire::record_bytes(lead + piece) - apart);
  spent_ += cost;
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
    copy_bytes(at + from_head, item.payload.bytes().data() + payload_offset, from_payload);
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

}  // namespace tickwire::detail
