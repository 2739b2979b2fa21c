// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <tickwire/clock.hpp>
#include <tickwire/config.hpp>
#include <tickwire/error.hpp>
#include <tickwire/stats.hpp>

#include "lib/base/packet.hpp"
#include "lib/base/ring_queue.hpp"
#include "lib/session/open_bundle.hpp"
#include "lib/session/packet_writer.hpp"
#include "lib/session/receipts.hpp"
#include "lib/session/resume.hpp"
#include "lib/session/session_settings.hpp"
#include "lib/session/wire.hpp"

namespace tickwire::detail {

/// A message to be sent.
struct OutMessage {
  wire::MessageBody body{};
  /// The block that holds the payload, when it is already counted; a large message then shares it
  /// instead of being copied.
  BufferRef payload_block{};
  MessageId id = 0;
  std::optional<std::uint64_t> replace_key{};
  /// What the payload had before filters; limits hold for that.
  std::size_t unfiltered_bytes = 0;

  [[nodiscard]] std::size_t content_bytes() const noexcept {
    return std::max(body.payload.size(), unfiltered_bytes) + body.metadata.size();
  }
};

/// All deliveries, in the order in which a channel is asked.
inline constexpr Delivery kDeliveries[] = {Delivery::reliable, Delivery::sequenced,
                                           Delivery::unreliable};

[[nodiscard]] constexpr bool may_get_lost(Delivery delivery) noexcept {
  return delivery != Delivery::reliable;
}

/// Whether the reliable messages of a channel wait for a word of the other end.
enum class Hold : std::uint8_t { off, on };

/// The sending half of a session, in three files: outbox.cpp queues, outbox_flush.cpp hands over,
/// outbox_kept.cpp settles what was handed over, or takes it back. It bundles small messages into
/// packets, cuts large ones into slices, and hands both over by channel priority, as fast as the
/// other end's credit and the transport allow.
class Outbox {
 public:
  /// What it refers to outlives it. It lends `bundle` to those who send.
  Outbox(const SessionSettings& settings, BufferPool& pool, ReceiptQueue& receipts,
         ConnectionStats& stats, OpenBundle& bundle);

  /// What the link below takes; before that nothing can be added.
  void set_packet_limits(const LinkTraits& traits) noexcept;
  /// What the other end allows: its window, and how many of the channels it has.
  void set_peer_limits(std::uint64_t credit, std::size_t max_message_bytes,
                       std::size_t channels) noexcept;
  void raise_credit(std::uint64_t limit) noexcept;
  /// From now on reliable messages are kept until they are acknowledged, for `rewind`. They count
  /// against the queue. Pre: nothing has been added; `traits` are those of the link below.
  void keep_sent(const LinkTraits& traits) noexcept;
  /// Whether such a link takes all packets that may have been made so far.
  [[nodiscard]] bool fits(const LinkTraits& traits) const noexcept;
  /// Puts what the other end has not taken back into the queue, before what waits there. False: it
  /// cannot be where it says.
  [[nodiscard]] bool rewind(const ResumePoint& point);

  /// The other end has no memory for what this channel sends; or has it again. False: no such
  /// channel.
  [[nodiscard]] bool hold(std::uint8_t channel, Hold hold);

  [[nodiscard]] std::size_t channels() const noexcept { return usable_channels_; }
  [[nodiscard]] Delivery default_delivery(std::uint8_t channel) const noexcept {
    return channel < settings_.channels.size() ? settings_.channels[channel].delivery
                                               : Delivery::reliable;
  }

  /// Queues a message. After an error nothing has changed.
  [[nodiscard]] ErrorCode add(const OutMessage& message, Delivery delivery, std::uint8_t channel,
                              TimePoint now);
  /// Takes back the packet that is lent, and counts what has gone into it.
  void take_bundle_back() {
    if (lent_.is_lent()) count_lent();
  }
  /// Hands over what may leave.
  void flush(PacketWriter& writer, TimePoint now);
  [[nodiscard]] bool empty() const noexcept { return queued_items_ == 0; }
  /// Whether a flush could hand over more as soon as the transport has room.
  [[nodiscard]] bool wants_capacity() const noexcept;
  [[nodiscard]] std::size_t queued_bytes() const noexcept { return queued_bytes_ + lent_bytes(); }
  /// What counts against the limit: besides what is queued, what is kept for `rewind`.
  [[nodiscard]] std::size_t held_bytes() const noexcept { return queued_bytes() + kept_bytes_; }
  /// What the ids take of which the other end has said nothing yet. They have the same limit.
  [[nodiscard]] std::size_t id_bytes() const noexcept { return id_bytes_; }

  /// The other end has taken this many reliable messages of a channel. False: more than were sent.
  [[nodiscard]] bool acknowledge(std::uint8_t channel, std::uint32_t taken);
  /// Reliable messages handed over on a channel, ever; complete ones.
  [[nodiscard]] std::uint32_t sent(std::uint8_t channel) const noexcept;
  /// Throws away what waits and settles every receipt.
  void abandon();

 private:
  /// What leaves as one packet, or a large message that leaves as many.
  struct Item {
    Packet bundle;  // empty: a large message
    Slice head;     // large: what comes before the payload
    Slice payload;  // large
    wire::Kind kind = wire::Kind::message;
    std::uint32_t sent_bytes = 0;  // large
    std::uint32_t messages = 0;
    std::uint64_t cost = 0;
    TimePoint queued_at{};             // or when its message replaced another
    std::optional<std::uint64_t> key;  // a single message that a newer one may replace
  };
  struct Queue {
    RingQueue<Item> items;
    RingQueue<Item> sent;           // kept until acknowledged
    std::uint32_t sent_first = 0;   // the number of the first message in it
    IdRuns ids;                     // of messages not settled yet
    std::uint32_t next_number = 0;  // of the first message (reliable) or packet that waits
    std::uint32_t acknowledged = 0;
    std::uint64_t served = 0;   // bytes by weight, on the scale of all queues of its priority
    std::uint64_t started = 0;  // what that was before it last sent
    bool is_blocked = false;    // for the rest of a flush
  };
  struct Rooms {
    std::size_t packet = 0;
    std::size_t datagram = 0;
  };
  struct Channel {
    std::array<Queue, 3> queues;  // by Delivery
    Hold hold = Hold::off;
  };

  [[nodiscard]] Queue& queue(std::uint8_t channel, Delivery delivery) {
    if (channels_.empty()) channels_.resize(settings_.channels.size());
    if (!channels_[channel]) {
      channels_[channel] = std::make_unique<Channel>();
      ++used_channels_;
    }
    return channels_[channel]->queues[static_cast<std::size_t>(delivery)];
  }
  /// Whether all that waits is in the queue that was added to last, as nearly always.
  [[nodiscard]] bool is_one_queue() const noexcept {
    const auto& channel = channels_[last_channel_];
    return channel &&
           channel->queues[static_cast<std::size_t>(last_delivery_)].items.size() == queued_items_;
  }
  [[nodiscard]] bool add_to_open_bundle(Queue& to, const OutMessage& message,
                                        std::size_t body_bytes, std::size_t record_bytes) noexcept;
  /// Counts what `change` has made of them, also where it throws.
  template <class F>
  void change_ids(Queue& of, F&& change) {
    struct Count {
      std::size_t& bytes;
      const IdRuns& ids;
      ~Count() { bytes += ids.bytes(); }
    };
    id_bytes_ -= of.ids.bytes();
    const Count count{id_bytes_, of.ids};
    change(of.ids);
  }
  void open_bundle(Queue& to, Delivery delivery, TimePoint now);
  void lend_bundle(Queue& of, std::uint8_t channel, MessageId last_id) noexcept;
  [[nodiscard]] std::size_t lent_bytes() const noexcept;
  void count_lent();
  void add_keyed(Queue& to, const OutMessage& message, TimePoint now);
  [[nodiscard]] bool replace(Queue& in, const OutMessage& message, std::uint8_t channel,
                             TimePoint now);
  [[nodiscard]] Packet packet_of(const OutMessage& message);
  void join_keyed(Queue& from, Delivery delivery, TimePoint now);
  void add_large(Queue& to, const OutMessage& message, TimePoint now);
  [[nodiscard]] std::uint64_t progress_beside(std::uint8_t channel) const noexcept;
  void flush_last(PacketWriter& writer, TimePoint now);
  void flush_all(PacketWriter& writer, TimePoint now);
  void flush_equals(std::span<const std::uint8_t> channels, PacketWriter& writer, TimePoint now);
  [[nodiscard]] bool serve(std::uint8_t channel, Delivery delivery, PacketWriter& writer,
                           TimePoint now);
  [[nodiscard]] bool send_one(std::uint8_t channel, Delivery delivery, PacketWriter& writer,
                              TimePoint now);
  [[nodiscard]] bool send_slice(std::uint8_t channel, Queue& from, PacketWriter& writer);
  void drop_old(std::uint8_t channel, Delivery delivery, TimePoint now);
  void drop_front(std::uint8_t channel, Queue& from, std::uint64_t& counter);
  void make_unreliable_room(std::size_t bytes, TimePoint now);
  void settle(Queue& from, std::uint64_t count, std::uint8_t channel, Receipt receipt);
  void keep(Queue& from, const Item& item);
  void drop_acknowledged(Queue& from) noexcept;
  void rewind(Queue& from, std::uint32_t taken);
  [[nodiscard]] Item whole_again(const Item& item, std::uint32_t messages_taken);
  /// Channel numbers, highest priority first.
  [[nodiscard]] std::span<const std::uint8_t> by_priority() const noexcept;
  [[nodiscard]] std::size_t bundle_bytes(Delivery delivery) const noexcept {
    return may_get_lost(delivery) ? datagram_room_ : bundle_room_;
  }
  [[nodiscard]] Rooms rooms_of(const LinkTraits& traits) const noexcept;
  [[nodiscard]] bool is_too_old(const Item& item, TimePoint now) const noexcept {
    return now - item.queued_at > settings_.limits.max_unreliable_queue.age;
  }
  [[nodiscard]] static std::size_t whole_bytes(const Item& item) noexcept;

  const SessionSettings& settings_;
  BufferPool& pool_;
  ReceiptQueue& receipts_;
  ConnectionStats& stats_;
  OpenBundle& lent_;  // the last packet of the queue that was added to last
  std::vector<std::unique_ptr<Channel>> channels_;  // all and each made when first used
  std::unique_ptr<std::uint8_t[]> order_;           // of the channels; none: as they are numbered
  std::size_t max_message_bytes_ = 0;
  std::size_t packet_room_ = 0;
  std::size_t bundle_room_ = 0;  // less where the way is slow
  std::size_t datagram_room_ = 0;
  bool gathers_ = false;
  bool keeps_sent_ = false;
  std::uint8_t usable_channels_ = 0;
  std::uint8_t used_channels_ = 0;
  std::uint8_t last_channel_ = 0;
  Delivery last_delivery_ = Delivery::reliable;
  std::size_t queued_items_ = 0;
  std::size_t queued_bytes_ = 0;
  std::size_t unreliable_bytes_ = 0;
  std::size_t kept_bytes_ = 0;  // sent, and neither acknowledged nor forgotten
  std::size_t id_bytes_ = 0;    // of messages not settled yet
  std::uint64_t spent_ = 0;     // credit used so far
  std::uint64_t credit_ = 0;    // what may be used in all
};

}  // namespace tickwire::detail
