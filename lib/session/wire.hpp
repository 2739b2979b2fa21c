// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include "lib/base/bytes.hpp"
#include "lib/base/packet.hpp"

/// The layout of packets and records, byte for byte as docs/wire-format.md has it. No other file
/// knows it but handshake.cpp.
namespace tickwire::detail::wire {

inline constexpr std::uint8_t kVersion = 2;

/// What a packet's records belong to.
enum class PacketLane : std::uint8_t { control = 0, reliable = 1, sequenced = 2, unreliable = 3 };

struct PacketHeader {
  PacketLane lane = PacketLane::control;
  std::uint8_t channel = 0;
  /// Reliable: the number of the first message, modulo 65,536. Sequenced and unreliable: the number
  /// of the packet within its channel and lane. Control: 0.
  std::uint16_t sequence = 0;
  /// Reliable messages of this channel taken so far from the other end, modulo 2^32.
  std::optional<std::uint32_t> acknowledged;
};

/// Writes the header before the packet's records.
void prepend_header(Packet& packet, const PacketHeader& header) noexcept;
/// Reads the header; nothing when no correct peer sends such bytes.
[[nodiscard]] std::optional<PacketHeader> read_header(ByteCursor& cursor) noexcept;
/// The same, and takes it off the front.
[[nodiscard]] std::optional<PacketHeader> take_header(Packet& packet) noexcept;

/// What a record is. Unknown kinds with the ignorable bit are skipped, others end the connection.
enum class Kind : std::uint8_t {
  message = 0x01,       ///< data lanes: type u32, then the object
  bytes = 0x02,         ///< data lanes: the bytes
  message_meta = 0x03,  ///< as message, with a metadata block after the type
  bytes_meta = 0x04,    ///< as bytes, with a metadata block before them
  slice_first = 0x05,   ///< reliable: kind u8, size of the whole body u32, its first bytes
  slice_next = 0x06,    ///< reliable: more bytes
  // 0x09 to 0x0C: the first four, with a payload that filters have changed.
  hello = 0x10,  ///< control, see handshake.hpp
  welcome = 0x11,
  refuse = 0x12,
  ready = 0x13,
  handshake_data = 0x14,  ///< control: opaque bytes for the protector
  close = 0x20,           ///< control: code u16, text block, then per used channel: u8, u32 sent
  close_ack = 0x21,
  acknowledge = 0x30,  ///< control: per channel: u8, messages taken u32
  credit = 0x31,       ///< control: u64, the limit of what may be sent in all
  ping = 0x32,         ///< control: stamp u32
  hold = 0x34,         ///< control: u8 channel, send nothing reliable on it
  resume = 0x35,       ///< control: u8 channel, go on
  pong = 0x33,  ///< control: stamp u32, held u32 us, datagrams received u32, missed u32, clock u64
};
inline constexpr std::uint8_t kIgnorableBit = 0x80;
inline constexpr std::uint8_t kFilteredBit = 0x08;  // of the four kinds of messages

/// What a record counts against the credit besides its body: the memory that it takes at least.
inline constexpr std::size_t kRecordCostBytes = 32;
/// Kind and length of the longest record.
inline constexpr std::size_t kMaxRecordHeaderBytes = 6;
/// Kind and size of the whole message in front of its first slice.
inline constexpr std::size_t kSliceHeadBytes = 5;
inline constexpr std::size_t kMaxReasonBytes = 200;

[[nodiscard]] constexpr std::size_t record_bytes(std::size_t body_bytes) noexcept {
  return 1 + varint_bytes(static_cast<std::uint32_t>(body_bytes)) + body_bytes;
}
[[nodiscard]] constexpr std::uint64_t record_cost(std::size_t body_bytes) noexcept {
  return body_bytes + kRecordCostBytes;
}

/// Writes kind and length, and returns where the body goes.
[[nodiscard]] inline std::byte* write_record_head(std::byte* at, Kind kind,
                                                  std::size_t body_bytes) noexcept {
  *at++ = static_cast<std::byte>(kind);
  return store_varint(at, static_cast<std::uint32_t>(body_bytes));
}
/// The same at a packet's end. Pre: it has the room. `apart_bytes` of the body come behind it.
[[nodiscard]] inline std::byte* append_record(Packet& packet, Kind kind, std::size_t body_bytes,
                                              std::size_t apart_bytes = 0) noexcept {
  return write_record_head(packet.append(record_bytes(body_bytes) - apart_bytes), kind, body_bytes);
}

struct Record {
  std::uint8_t kind = 0;
  std::span<const std::byte> body;
  std::span<const std::byte> whole;  ///< with kind and length
};

/// Reads the next record; nothing at the end, or when the cursor went bad.
[[nodiscard]] inline std::optional<Record> next_record(ByteCursor& cursor) noexcept {
  if (cursor.at_end()) return std::nullopt;
  const std::byte* const begin = cursor.here();
  Record record;
  record.kind = cursor.number<std::uint8_t>();
  record.body = cursor.block();
  if (!cursor.ok()) return std::nullopt;
  record.whole = {begin, record.body.data() + record.body.size()};
  return record;
}

/// A message's record body, taken apart.
struct MessageBody {
  bool is_object = false;
  bool is_filtered = false;
  std::uint32_t type = 0;
  std::span<const std::byte> metadata{};
  std::span<const std::byte> payload{};
};
[[nodiscard]] constexpr Kind unfiltered(std::uint8_t kind) noexcept {
  return static_cast<Kind>(kind & ~kFilteredBit);
}
[[nodiscard]] constexpr bool is_message(std::uint8_t kind) noexcept {
  return unfiltered(kind) >= Kind::message && unfiltered(kind) <= Kind::bytes_meta;
}
[[nodiscard]] constexpr bool has_metadata(std::uint8_t kind) noexcept {
  return unfiltered(kind) == Kind::message_meta || unfiltered(kind) == Kind::bytes_meta;
}
[[nodiscard]] constexpr bool is_object(std::uint8_t kind) noexcept {
  return unfiltered(kind) == Kind::message || unfiltered(kind) == Kind::message_meta;
}
[[nodiscard]] inline std::optional<MessageBody> read_message_body(
    std::uint8_t kind, std::span<const std::byte> body) noexcept {
  ByteCursor cursor(body);
  MessageBody message;
  message.is_object = is_object(kind);
  message.is_filtered = (kind & kFilteredBit) != 0;
  if (message.is_object) message.type = cursor.number<std::uint32_t>();
  if (has_metadata(kind)) message.metadata = cursor.block();
  message.payload = cursor.take_all();
  if (!cursor.ok()) return std::nullopt;
  return message;
}
/// The same of a body that was read before, and was correct.
[[nodiscard]] inline MessageBody read_correct_body(std::uint8_t kind,
                                                   std::span<const std::byte> body) noexcept {
  MessageBody message;
  message.is_object = is_object(kind);
  message.is_filtered = (kind & kFilteredBit) != 0;
  const std::byte* at = body.data();
  const std::byte* const end = at + body.size();
  if (message.is_object) {
    message.type = load<std::uint32_t>(at);
    at += sizeof(std::uint32_t);
  }
  if (has_metadata(kind)) {
    const std::uint32_t bytes = load_varint(at);
    message.metadata = {at, bytes};
    at += bytes;
  }
  message.payload = {at, end};
  return message;
}
[[nodiscard]] inline Kind message_kind(const MessageBody& message) noexcept {
  const Kind plain = message.metadata.empty() ? message.is_object ? Kind::message : Kind::bytes
                     : message.is_object      ? Kind::message_meta
                                              : Kind::bytes_meta;
  return static_cast<Kind>(static_cast<std::uint8_t>(plain) |
                           (message.is_filtered ? kFilteredBit : 0));
}
/// Bytes that the body takes on the wire.
[[nodiscard]] inline std::size_t message_body_bytes(const MessageBody& message) noexcept {
  std::size_t count = message.payload.size();
  if (message.is_object) count += sizeof(std::uint32_t);
  if (!message.metadata.empty()) {
    const auto size = static_cast<std::uint32_t>(message.metadata.size());
    count += varint_bytes(size) + size;
  }
  return count;
}
/// Writes the body. Pre: `at` has room for `message_body_bytes`.
inline void write_message_body(std::byte* at, const MessageBody& message) noexcept {
  if (message.is_object) {
    store(at, message.type);
    at += sizeof(std::uint32_t);
  }
  if (!message.metadata.empty()) {
    at = store_varint(at, static_cast<std::uint32_t>(message.metadata.size()));
    std::memcpy(at, message.metadata.data(), message.metadata.size());
    at += message.metadata.size();
  }
  copy_bytes(at, message.payload.data(), message.payload.size());
}

}  // namespace tickwire::detail::wire
