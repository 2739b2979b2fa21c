// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <tickwire/connection.hpp>

#include "lib/session/wire.hpp"

namespace tickwire::detail {

/// The packet that reliable messages of one channel are being gathered in, as an outbox lends it:
/// most small messages go straight in, behind the one before. What that comes to, the outbox counts
/// when it takes the packet back.
class OpenBundle {
 public:
  /// What may still go in.
  struct Room {
    std::byte* begin = nullptr;
    std::size_t bytes = 0;
    std::uint64_t cost = 0;
    std::size_t max_message_bytes = 0;
  };

  OpenBundle() noexcept = default;
  /// An id other than 0 is what the next message must have, and those after it count on from there.
  OpenBundle(const Room& room, std::uint8_t channel, MessageId next_id) noexcept
      : at_(room.begin),
        next_id_(next_id),
        bytes_left_(static_cast<std::uint32_t>(room.bytes)),
        cost_left_(static_cast<std::uint32_t>(room.cost)),
        max_payload_bytes_(
            static_cast<std::uint16_t>(std::min(room.max_message_bytes, kMaxPayloadBytes))),
        channel_(channel) {}

  [[nodiscard]] bool is_lent() const noexcept { return at_ != nullptr; }
  [[nodiscard]] std::uint32_t messages() const noexcept { return messages_; }
  /// Behind the last message.
  [[nodiscard]] const std::byte* end() const noexcept { return at_; }
  [[nodiscard]] std::uint64_t cost_left() const noexcept { return cost_left_; }
  [[nodiscard]] MessageId first_id() const noexcept { return next_id_ - messages_; }

  /// Adds a message without metadata, which no filter has changed. False: that is not for here, and
  /// nothing has changed.
  [[nodiscard]] bool add(const wire::MessageBody& message, std::uint8_t channel,
                         MessageId id) noexcept;

 private:
  // With its type, its length takes at most two bytes.
  static constexpr std::size_t kMaxPayloadBytes = 16 * 1024 - 1 - sizeof(std::uint32_t);

  std::byte* at_ = nullptr;
  MessageId next_id_ = 0;
  std::uint32_t bytes_left_ = 0;
  std::uint32_t cost_left_ = 0;
  std::uint32_t messages_ = 0;
  std::uint16_t max_payload_bytes_ = 0;
  std::uint8_t channel_ = 0;
};

inline bool OpenBundle::add(const wire::MessageBody& message, std::uint8_t channel,
                            MessageId id) noexcept {
  const std::size_t payload_bytes = message.payload.size();
  if (at_ == nullptr || channel != channel_ || payload_bytes > max_payload_bytes_) return false;
  const std::size_t body_bytes = payload_bytes + (message.is_object ? sizeof(std::uint32_t) : 0);
  const std::size_t bytes = wire::record_bytes(body_bytes);
  const std::uint64_t cost = wire::record_cost(body_bytes);
  if (bytes > bytes_left_ || cost > cost_left_) return false;
  if (next_id_ != 0) {
    if (id != next_id_) return false;
    ++next_id_;
  }
  const wire::Kind kind = message.is_object ? wire::Kind::message : wire::Kind::bytes;
  wire::write_message_body(
      wire::write_record_head(at_, kind, body_bytes),
      {.is_object = message.is_object, .type = message.type, .payload = message.payload});
  at_ += bytes;
  bytes_left_ -= static_cast<std::uint32_t>(bytes);
  cost_left_ -= static_cast<std::uint32_t>(cost);
  ++messages_;
  return true;
}

}  // namespace tickwire::detail
