// SPDX-License-Identifier: MIT
#include "lib/session/outbox.hpp"

#include <algorithm>
#include <numeric>

namespace tickwire::detail {
namespace {

constexpr std::size_t kSealBytes = kProtectorHeadroomBytes + kProtectorTailroomBytes;

// Messages of nearly no bytes cost much more credit than room. A bundle leaves at once or not at
// all, so that it must fit into what the least window is sure to give: three quarters of it.
constexpr std::uint64_t kMaxBundleCost = 64 * 1024;

}  // namespace

Outbox::Outbox(const SessionSettings& settings, BufferPool& pool, ReceiptQueue& receipts,
               ConnectionStats& stats, OpenBundle& bundle)
    : settings_(settings), pool_(pool), receipts_(receipts), stats_(stats), lent_(bundle) {
  const auto is_before = [&](std::uint8_t a, std::uint8_t b) {
    return settings_.channels[a].priority > settings_.channels[b].priority;
  };
  const auto numbered = by_priority();
  if (std::is_sorted(numbered.begin(), numbered.end(), is_before)) return;
  auto order = std::make_unique<std::uint8_t[]>(numbered.size());
  std::copy(numbered.begin(), numbered.end(), order.get());
  std::stable_sort(order.get(), order.get() + numbered.size(), is_before);
  order_ = std::move(order);
}

std::span<const std::uint8_t> Outbox::by_priority() const noexcept {
  static constexpr auto numbers = [] {
    std::array<std::uint8_t, kMaxChannels> all{};
    std::iota(all.begin(), all.end(), std::uint8_t{0});
    return all;
  }();
  return {order_ ? order_.get() : numbers.data(), settings_.channels.size()};
}

// What is kept may have to leave again over another link. The next stream takes as much as this
// one. Of links that lose datagrams the next may take less, so that from the beginning no packet is
// larger than all of them take.
Outbox::Rooms Outbox::rooms_of(const LinkTraits& traits) const noexcept {
  const bool must_fit_all = keeps_sent_ && traits.loses_datagrams;
  const auto room = [&](std::size_t bytes) {
    return (must_fit_all ? std::min(bytes, kLeastLossyPacketBytes) : bytes) - kPacketHeaderBytes -
           kSealBytes;
  };
  return {room(traits.max_packet_bytes), room(traits.max_datagram_bytes)};
}

void Outbox::set_packet_limits(const LinkTraits& traits) noexcept {
  const Rooms rooms = rooms_of(traits);
  packet_room_ = rooms.packet;
  bundle_room_ = rooms.packet;
  datagram_room_ = rooms.datagram;
  gathers_ = traits.gathers;
}

bool Outbox::fits(const LinkTraits& traits) const noexcept {
  const Rooms rooms = rooms_of(traits);
  return rooms.packet >= packet_room_ && rooms.datagram >= datagram_room_;
}

void Outbox::keep_sent(const LinkTraits& traits) noexcept {
  keeps_sent_ = true;
  set_packet_limits(traits);
}

void Outbox::set_peer_limits(std::uint64_t credit, std::size_t max_message_bytes,
                             std::size_t channels) noexcept {
  credit_ = credit;
  max_message_bytes_ = max_message_bytes;
  usable_channels_ = static_cast<std::uint8_t>(std::min(channels, settings_.channels.size()));
}

void Outbox::raise_credit(std::uint64_t limit) noexcept {
  credit_ = std::max(credit_, limit);
}

bool Outbox::hold(std::uint8_t channel, Hold hold) {
  if (channel >= channels_.size() || !channels_[channel]) return false;
  channels_[channel]->hold = hold;
  return true;
}

// Behind the others of the packet that is being filled, when it has the room.
inline bool Outbox::add_to_open_bundle(Queue& to, const OutMessage& message, std::size_t body_bytes,
                                       std::size_t record_bytes) noexcept {
  if (to.items.empty()) return false;
  Item& open = to.items.back();
  const std::uint64_t cost = wire::record_cost(body_bytes);
  const bool is_full = open.messages > 0 && open.cost + cost > kMaxBundleCost;
  if (open.bundle.room() < record_bytes || is_full || open.key) return false;
  wire::write_message_body(wire::write_record_head(open.bundle.append(record_bytes),
                                                   wire::message_kind(message.body), body_bytes),
                           message.body);
  ++open.messages;
  open.cost += cost;
  return true;
}

ErrorCode Outbox::add(const OutMessage& message, Delivery delivery, std::uint8_t channel,
                      TimePoint now) {
  take_bundle_back();
  if (channel >= usable_channels_) return ErrorCode::no_such_channel;
  if (message.content_bytes() > max_message_bytes_) return ErrorCode::message_too_large;
  const std::size_t body_bytes = wire::message_body_bytes(message.body);
  const std::size_t bytes = wire::record_bytes(body_bytes);
  const std::size_t most = settings_.limits.max_send_queue_bytes;
  if (held_bytes() + bytes > most || id_bytes_ > most) {
    return ErrorCode::send_queue_full;
  }

  const bool wants_receipt = settings_.events.contains(EventType::data_sent);
  Queue& to = queue(channel, delivery);
  if (wants_receipt) to.ids.reserve_run();
  last_channel_ = channel;
  last_delivery_ = delivery;
  // One that was idle has saved nothing up.
  if (to.items.empty()) to.served = std::max(to.served, progress_beside(channel));
  if (may_get_lost(delivery)) {
    if (bytes > bundle_bytes(delivery)) return ErrorCode::message_too_large;
    if (message.replace_key && replace(to, message, channel, now)) return ErrorCode::none;
    make_unreliable_room(bytes, now);
  }
  if (message.replace_key) {
    add_keyed(to, message, now);
  } else if (bytes > bundle_bytes(delivery)) {
    add_large(to, message, now);
  } else if (!add_to_open_bundle(to, message, body_bytes, bytes)) {
    open_bundle(to, delivery, now);
    static_cast<void>(add_to_open_bundle(to, message, body_bytes, bytes));
  }
  if (may_get_lost(delivery)) unreliable_bytes_ += bytes;
  queued_bytes_ += bytes;
  if (wants_receipt) change_ids(to, [&](IdRuns& ids) { ids.push(message.id); });
  ++stats_.messages_sent;
  if (!may_get_lost(delivery)) lend_bundle(to, channel, message.id);
  return ErrorCode::none;
}

void Outbox::lend_bundle(Queue& of, std::uint8_t channel, MessageId last_id) noexcept {
  const Item& last = of.items.back();
  if (!last.bundle || default_delivery(channel) != Delivery::reliable) return;
  const std::size_t left = settings_.limits.max_send_queue_bytes - held_bytes();
  const OpenBundle::Room room{
      .begin = last.bundle.bytes().data() + last.bundle.size(),
      .bytes = std::min(last.bundle.room(), left),
      .cost = kMaxBundleCost - std::min(last.cost, kMaxBundleCost),
      .max_message_bytes = max_message_bytes_,
  };
  const bool is_counted = settings_.events.contains(EventType::data_sent);
  lent_ = OpenBundle(room, channel, is_counted ? last_id + 1 : 0);
}

std::size_t Outbox::lent_bytes() const noexcept {
  if (lent_.messages() == 0) return 0;
  const Channel& channel = *channels_[last_channel_];
  const Packet& bundle =
      channel.queues[static_cast<std::size_t>(last_delivery_)].items.back().bundle;
  return static_cast<std::size_t>(lent_.end() - bundle.bytes().data()) - bundle.size();
}

void Outbox::count_lent() {
  const std::uint32_t messages = lent_.messages();
  if (messages > 0) {
    Queue& to = queue(last_channel_, last_delivery_);
    Item& last = to.items.back();
    const std::size_t bytes = lent_bytes();
    static_cast<void>(last.bundle.append(bytes));
    last.messages += messages;
    last.cost = kMaxBundleCost - lent_.cost_left();
    queued_bytes_ += bytes;
    stats_.messages_sent += messages;
    if (settings_.events.contains(EventType::data_sent))
      change_ids(to, [&](IdRuns& ids) { ids.push(lent_.first_id(), messages); });
  }
  lent_ = {};
}

void Outbox::open_bundle(Queue& to, Delivery delivery, TimePoint now) {
  Packet bundle(pool_, bundle_bytes(delivery));
  Item& item = to.items.push_back();
  item.bundle = std::move(bundle);
  item.queued_at = now;
  ++queued_items_;
}

// Alone in its packet, so that it can be replaced; `join_keyed` makes up for that when it leaves.
void Outbox::add_keyed(Queue& to, const OutMessage& message, TimePoint now) {
  Item item;
  item.bundle = packet_of(message);
  item.queued_at = now;
  item.key = message.replace_key;
  item.messages = 1;
  to.items.push_back(std::move(item));
  ++queued_items_;
}

// A message alone in its packet.
Packet Outbox::packet_of(const OutMessage& message) {
  const std::size_t body_bytes = wire::message_body_bytes(message.body);
  Packet packet(pool_, wire::record_bytes(body_bytes));
  wire::write_message_body(
      wire::append_record(packet, wire::message_kind(message.body), body_bytes), message.body);
  return packet;
}

// Puts the message in the place of the one that waits under its key, if one does. It is as old as
// what it says. All that may fail for want of memory comes first.
bool Outbox::replace(Queue& in, const OutMessage& message, std::uint8_t channel, TimePoint now) {
  std::uint64_t before = 0;
  for (std::size_t i = 0; i < in.items.size(); before += in.items[i].messages, ++i) {
    Item& old = in.items[i];
    if (old.key != message.replace_key) continue;
    Packet packet = packet_of(message);
    if (settings_.events.contains(EventType::data_sent)) {
      receipts_.reserve_range();
      change_ids(in, [&](IdRuns& ids) {
        receipts_.add(ids.replace(before, message.id), 1, channel, Receipt::dropped);
      });
    }
    queued_bytes_ += packet.size() - old.bundle.size();
    unreliable_bytes_ += packet.size() - old.bundle.size();
    old.bundle = std::move(packet);
    old.queued_at = now;
    ++stats_.messages_sent;
    ++stats_.drops.unreliable_replaced;
    return true;
  }
  return false;
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
    copy_bytes(item.payload.buffer.bytes(), payload.data(), payload_bytes);
  }
  to.items.push_back(std::move(item));
  ++queued_items_;
}

void Outbox::make_unreliable_room(std::size_t bytes, TimePoint now) {
  if (unreliable_bytes_ + bytes <= settings_.limits.max_unreliable_queue.bytes) return;
  for (const std::uint8_t channel : by_priority()) {
    if (!channels_[channel]) continue;
    drop_old(channel, Delivery::sequenced, now);
    drop_old(channel, Delivery::unreliable, now);
  }
  // The oldest of all goes first, whatever its channel.
  while (unreliable_bytes_ > 0 &&
         unreliable_bytes_ + bytes > settings_.limits.max_unreliable_queue.bytes) {
    Queue* oldest = nullptr;
    std::uint8_t its_channel = 0;
    for (const std::uint8_t channel : by_priority()) {
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
    if (oldest == nullptr) return;
    drop_front(its_channel, *oldest, stats_.drops.unreliable_queue_full);
  }
}

void Outbox::drop_old(std::uint8_t channel, Delivery delivery, TimePoint now) {
  Queue& from = channels_[channel]->queues[static_cast<std::size_t>(delivery)];
  while (!from.items.empty() && is_too_old(from.items.front(), now)) {
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

}  // namespace tickwire::detail
