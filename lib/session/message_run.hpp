// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <tickwire/event.hpp>

#include "lib/base/buffer.hpp"
#include "lib/base/prefetch.hpp"
#include "lib/session/payload_access.hpp"
#include "lib/session/wire.hpp"

namespace tickwire::detail {

/// What a message that came in slices counts in memory. What is small takes more than its bytes,
/// and uses up no credit while it waits.
[[nodiscard]] constexpr std::size_t reassembly_cost(std::size_t body_bytes) noexcept {
  constexpr std::size_t least = 1024;
  return std::max<std::size_t>(wire::record_cost(body_bytes), least);
}

/// What an event holds of its session until the program has taken it; nothing for an event that is
/// not a session's.
struct Held {
  std::uint64_t credit = 0;        ///< to give back to the other end
  std::size_t reserved_bytes = 0;  ///< of the reassembly budget
  bool is_filtered = false;        ///< the payload is what filters have made of it
};

/// A message that has used up credit, and that nothing came with.
struct PlainMessage {
  EventType type;  ///< what it becomes
  std::uint8_t channel;
  std::uint32_t type_id;  ///< of an object
  BufferBlock* block;     ///< with one reference for the message
  std::span<const std::byte> payload;
  std::uint64_t credit;  ///< to give back to the other end

  /// Pre: a fresh event.
  void move_into(Event& event) const noexcept {
    event.type = type;
    event.channel = channel;
    event.type_id = type_id;
    PayloadAccess::fill(event.payload, block, payload, {});
  }
};

/// Messages that arrived one behind the other, checked, and left where they are until the program
/// takes them: some records of a packet, or one large message in a block of its own.
///
/// Memory: holds one reference to the block for each message, so that handing one over costs none.
class MessageRun {
 public:
  /// Whether its messages use up credit, which goes back when they are taken.
  enum class Credit : std::uint8_t { none, spent };

  MessageRun() noexcept = default;
  /// Records that are messages, every one of them. Pre: they lie in `block`, and are `messages`, at
  /// least one, all correct.
  [[nodiscard]] static MessageRun records(BufferRef block, std::span<const std::byte> records,
                                          std::uint32_t messages, std::uint8_t channel,
                                          std::uint64_t arrival, Credit credit) noexcept;
  /// The body of a record, which begins its block. Pre: correct.
  [[nodiscard]] static MessageRun whole(BufferRef block, std::size_t bytes, std::uint8_t kind,
                                        std::uint8_t channel, std::uint64_t arrival) noexcept;
  MessageRun(MessageRun&& other) noexcept { take_over(other); }
  MessageRun& operator=(MessageRun&& other) noexcept {
    if (this == &other) return *this;
    drop();
    take_over(other);
    return *this;
  }
  ~MessageRun() { drop(); }

  [[nodiscard]] bool empty() const noexcept { return left_ == 0; }
  /// Orders runs by when they came.
  [[nodiscard]] std::uint64_t arrival() const noexcept { return arrival_; }
  [[nodiscard]] std::uint32_t messages() const noexcept { return left_; }
  /// What its records count: their bytes, and the memory that each takes at least.
  [[nodiscard]] std::size_t cost() const noexcept {
    return static_cast<std::size_t>(place_.end - place_.begin) + left_ * wire::kRecordCostBytes;
  }
  /// Where it lies. Pre: not empty.
  [[nodiscard]] const BufferBlock* block() const noexcept { return place_.block; }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
    return {place_.begin, place_.end};
  }
  /// Goes on in a copy of its bytes. Pre: not empty.
  void move_to(Slice copy) noexcept;
  /// Moves the next message into a fresh event, and what it holds into `held`. Pre: not empty.
  void take(Event& into, Held& held) noexcept;

  /// What the next message becomes when it is a `PlainMessage`; no type of event otherwise.
  /// Pre: not empty.
  [[nodiscard]] EventType plain_type() const noexcept {
    if (kind_ != 0 || credit_ != Credit::spent) return EventType{};
    const auto kind = static_cast<wire::Kind>(*place_.begin);
    return kind == wire::Kind::message ? EventType::object_received
           : kind == wire::Kind::bytes ? EventType::data_received
                                       : EventType{};
  }
  /// Of an object that is one; 0 of bytes.
  [[nodiscard]] std::uint32_t plain_type_id() const noexcept {
    const std::byte* at = place_.begin + 1;
    static_cast<void>(load_varint(at));
    const bool is_object = static_cast<wire::Kind>(*place_.begin) == wire::Kind::message;
    return is_object ? load<std::uint32_t>(at) : 0;
  }
  /// Pre: it is one.
  [[nodiscard]] PlainMessage take_plain() noexcept;

 private:
  // A stretch of a block.
  struct Place {
    BufferBlock* block = nullptr;
    const std::byte* begin = nullptr;
    const std::byte* end = nullptr;
  };

  // A host reads all its sockets before the program takes the first message: what a message begins
  // with may have left the processor's nearest caches.
  static void prefetch_next(const std::byte* begin) noexcept {
    prefetch(begin);
    prefetch(begin + kCacheLineBytes);
  }
  void drop() noexcept {
    if (left_ > 0) release(place_.block, left_);
  }
  void take_over(MessageRun& other) noexcept {
    place_ = other.place_;
    left_ = std::exchange(other.left_, 0);
    channel_ = other.channel_;
    kind_ = other.kind_;
    credit_ = other.credit_;
    arrival_ = other.arrival_;
  }

  Place place_;  // of what is left
  std::uint32_t left_ = 0;
  std::uint8_t channel_ = 0;
  std::uint8_t kind_ = 0;  // of a whole body; 0: records
  Credit credit_ = Credit::none;
  std::uint64_t arrival_ = 0;
};

inline PlainMessage MessageRun::take_plain() noexcept {
  const std::byte* at = place_.begin;
  const bool is_object = static_cast<wire::Kind>(*at++) == wire::Kind::message;
  const std::uint32_t bytes = load_varint(at);
  const std::byte* const end = at + bytes;
  const std::uint32_t type_id = is_object ? load<std::uint32_t>(at) : 0;
  if (is_object) at += sizeof(type_id);
  place_.begin = end;
  --left_;
  const EventType type = is_object ? EventType::object_received : EventType::data_received;
  return {type, channel_, type_id, place_.block, {at, end}, wire::record_cost(bytes)};
}

inline void MessageRun::take(Event& into, Held& held) noexcept {
  std::uint8_t kind = kind_;
  std::span<const std::byte> record{place_.begin, place_.end};
  if (kind == 0) {
    const std::byte* at = place_.begin;
    kind = std::to_integer<std::uint8_t>(*at++);
    const std::uint32_t bytes = load_varint(at);
    record = {at, bytes};
    place_.begin = at + bytes;
    prefetch_next(at + bytes);
    if (credit_ == Credit::spent) held.credit = wire::record_cost(bytes);
  } else {
    held.reserved_bytes = reassembly_cost(record.size());
  }
  const wire::MessageBody body = wire::read_correct_body(kind, record);
  held.is_filtered = body.is_filtered;
  into.type = body.is_object ? EventType::object_received : EventType::data_received;
  into.channel = channel_;
  into.type_id = body.type;
  PayloadAccess::fill(into.payload, place_.block, body.payload, body.metadata);
  --left_;
}

}  // namespace tickwire::detail
