// SPDX-License-Identifier: MIT
#include <utility>

#include "lib/session/outbox.hpp"

/// What becomes of messages that were handed over: acknowledged, kept for another link, given up.
namespace tickwire::detail {

// What it counts in the queue.
std::size_t Outbox::whole_bytes(const Item& item) noexcept {
  return item.bundle ? item.bundle.size() : wire::record_bytes(item.head.size + item.payload.size);
}

void Outbox::settle(Queue& from, std::uint64_t count, std::uint8_t channel, Receipt receipt) {
  change_ids(from, [&](IdRuns& ids) {
    ids.pop(count, [&](MessageId first, std::uint64_t run) {
      receipts_.add(first, run, channel, receipt);
    });
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
  take_bundle_back();
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
  const bool is_first = from.sent.empty();
  // A bundle that left early must not pin the block that it could have filled.
  const bool is_hollow = item.bundle && item.bundle.room() > 3 * item.bundle.size();
  from.sent.push_back(is_hollow ? whole_again(item, 0) : item);
  if (is_first) from.sent_first = from.next_number;
  kept_bytes_ += whole_bytes(item);
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
  take_bundle_back();
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

// All that needs memory comes first: nothing is taken from one place before it is in the other.
void Outbox::rewind(Queue& from, std::uint32_t taken) {
  RingQueue<Item> all;
  all.reserve(from.sent.size() + from.items.size());
  std::uint32_t skip = taken - from.sent_first;
  for (std::size_t i = 0; i < from.sent.size(); ++i)
    all.push_back(whole_again(from.sent[i], std::exchange(skip, 0)));
  for (std::size_t i = 0; i < all.size(); ++i) {
    queued_bytes_ += whole_bytes(all[i]);
    stats_.messages_sent_again += all[i].messages;
    ++queued_items_;
  }
  for (; !from.sent.empty(); from.sent.drop_front())
    kept_bytes_ -= whole_bytes(from.sent.front());
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
