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

  /// Adds a message without metadata, which no filter has changed, all but its payload; returns
  /// where that is to be copied to. Null: it is not for here, and nothing has changed.
  [[nodiscard]] std::byte* add(wire::Kind kind, std::uint32_t type, std::size_t payload_bytes,
                               std::uint8_t channel, MessageId id) noexcept;

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

// Where nothing is lent, there is no room.
inline std::byte* OpenBundle::add(wire::Kind kind, std::uint32_t type, std::size_t payload_bytes,
                                  std::uint8_t channel, MessageId id) noexcept {
  if (channel != channel_ || payload_bytes > max_payload_bytes_) return nullptr;
  const bool is_object = kind == wire::Kind::message;
  const std::size_t body_bytes = payload_bytes + (is_object ? sizeof(type) : 0);
  const std::size_t length_bytes = body_bytes < 0x80 ? 1 : 2;
  const std::size_t bytes = 1 + length_bytes + body_bytes;
  const std::uint64_t cost = wire::record_cost(body_bytes);
  if (bytes > bytes_left_ || cost > cost_left_) return nullptr;
  if (next_id_ != 0) {
    if (id != next_id_) return nullptr;
    ++next_id_;
  }
  std::byte* const begin = at_;
  at_ += bytes;
  bytes_left_ -= static_cast<std::uint32_t>(bytes);
  cost_left_ -= static_cast<std::uint32_t>(cost);
  ++messages_;
  begin[0] = static_cast<std::byte>(kind);
  begin[1] = static_cast<std::byte>(length_bytes == 1 ? body_bytes : body_bytes | 0x80);
  if (length_bytes == 2) begin[2] = static_cast<std::byte>(body_bytes >> 7);
  std::byte* const body = begin + 1 + length_bytes;
  if (!is_object) return body;
  store(body, type);
  return body + sizeof(type);
}

}  // namespace tickwire::detail
