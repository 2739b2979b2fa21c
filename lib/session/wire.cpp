// SPDX-License-Identifier: MIT
#include "lib/session/wire.hpp"

namespace tickwire::detail::wire {
namespace {

constexpr std::uint8_t kLaneBits = 0x03;
constexpr std::uint8_t kAcknowledgedBit = 0x04;
constexpr std::size_t kShortHeaderBytes = 4;

constexpr bool has_metadata(std::uint8_t kind) noexcept {
  return kind == static_cast<std::uint8_t>(Kind::message_meta) ||
         kind == static_cast<std::uint8_t>(Kind::bytes_meta);
}

constexpr bool is_object(std::uint8_t kind) noexcept {
  return kind == static_cast<std::uint8_t>(Kind::message) ||
         kind == static_cast<std::uint8_t>(Kind::message_meta);
}

}  // namespace

void prepend_header(Packet& packet, const PacketHeader& header) noexcept {
  auto flags = static_cast<std::uint8_t>(header.lane);
  if (header.acknowledged) {
    flags |= kAcknowledgedBit;
    store(packet.prepend(sizeof(std::uint32_t)), *header.acknowledged);
  }
  std::byte* at = packet.prepend(kShortHeaderBytes);
  at[0] = std::byte{flags};
  at[1] = std::byte{header.channel};
  store(at + 2, header.sequence);
}

std::optional<PacketHeader> take_header(Packet& packet) noexcept {
  ByteCursor cursor(packet.bytes());
  const auto flags = cursor.number<std::uint8_t>();
  PacketHeader header;
  header.lane = static_cast<PacketLane>(flags & kLaneBits);
  header.channel = cursor.number<std::uint8_t>();
  header.sequence = cursor.number<std::uint16_t>();
  if ((flags & kAcknowledgedBit) != 0) header.acknowledged = cursor.number<std::uint32_t>();
  if (!cursor.ok() || (flags & ~(kLaneBits | kAcknowledgedBit)) != 0) return std::nullopt;
  if (header.lane == PacketLane::control &&
      (header.channel != 0 || header.sequence != 0 || header.acknowledged)) {
    return std::nullopt;
  }
  packet.drop_front(packet.size() - cursor.remaining());
  return header;
}

std::byte* append_record(Packet& packet, Kind kind, std::size_t body_bytes,
                         std::size_t apart_bytes) noexcept {
  std::byte* at = packet.append(record_bytes(body_bytes) - apart_bytes);
  *at++ = static_cast<std::byte>(kind);
  return store_varint(at, static_cast<std::uint32_t>(body_bytes));
}

std::optional<Record> next_record(ByteCursor& cursor) noexcept {
  if (cursor.at_end()) return std::nullopt;
  Record record;
  record.kind = cursor.number<std::uint8_t>();
  record.body = cursor.block();
  if (!cursor.ok()) return std::nullopt;
  return record;
}

std::optional<MessageBody> read_message_body(std::uint8_t kind,
                                             std::span<const std::byte> body) noexcept {
  ByteCursor cursor(body);
  MessageBody message;
  message.is_object = is_object(kind);
  if (message.is_object) message.type = cursor.number<std::uint32_t>();
  if (has_metadata(kind)) message.metadata = cursor.block();
  message.payload = cursor.take_all();
  if (!cursor.ok()) return std::nullopt;
  return message;
}

Kind message_kind(const MessageBody& message) noexcept {
  if (message.metadata.empty()) return message.is_object ? Kind::message : Kind::bytes;
  return message.is_object ? Kind::message_meta : Kind::bytes_meta;
}

std::size_t message_body_bytes(const MessageBody& message) noexcept {
  std::size_t count = message.payload.size();
  if (message.is_object) count += sizeof(std::uint32_t);
  if (!message.metadata.empty()) {
    const auto size = static_cast<std::uint32_t>(message.metadata.size());
    count += varint_bytes(size) + size;
  }
  return count;
}

void write_message_body(std::byte* at, const MessageBody& message) noexcept {
  if (message.is_object) {
    store(at, message.type);
    at += sizeof(std::uint32_t);
  }
  if (!message.metadata.empty()) {
    at = store_varint(at, static_cast<std::uint32_t>(message.metadata.size()));
    std::memcpy(at, message.metadata.data(), message.metadata.size());
    at += message.metadata.size();
  }
  if (!message.payload.empty()) std::memcpy(at, message.payload.data(), message.payload.size());
}

}  // namespace tickwire::detail::wire
