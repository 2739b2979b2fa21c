// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "lib/base/bytes.hpp"
#include "lib/base/packet.hpp"

/// The layout of packets and records, byte for byte as docs/wire-format.md has it. No other file
/// knows it but handshake.cpp.
namespace tickwire::detail::wire {

inline constexpr std::uint8_t kVersion = 1;

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
/// Takes the header off the front; nothing when no correct peer sends such bytes.
[[nodiscard]] std::optional<PacketHeader> take_header(Packet& packet) noexcept;

/// What a record is. Unknown kinds with the ignorable bit are skipped, others end the connection.
enum class Kind : std::uint8_t {
  message = 0x01,       ///< data lanes: type u32, then the object
  bytes = 0x02,         ///< data lanes: the bytes
  message_meta = 0x03,  ///< as message, with a metadata block after the type
  bytes_meta = 0x04,    ///< as bytes, with a metadata block before them
  slice_first = 0x05,   ///< reliable: kind u8, size of the whole body u32, its first bytes
  slice_next = 0x06,    ///< reliable: more bytes
  hello = 0x10,         ///< control, see handshake.hpp
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
  pong = 0x33,         ///< control: stamp u32, held u32 us, datagrams received u32, missed u32
};
inline constexpr std::uint8_t kIgnorableBit = 0x80;

/// What a record counts against the credit besides its body: the memory that it takes at least.
inline constexpr std::size_t kRecordCostBytes = 32;
/// Kind and length of the longest record.
inline constexpr std::size_t kMaxRecordHeaderBytes = 6;
inline constexpr std::size_t kMaxReasonBytes = 200;

[[nodiscard]] constexpr std::size_t record_bytes(std::size_t body_bytes) noexcept {
  return 1 + varint_bytes(static_cast<std::uint32_t>(body_bytes)) + body_bytes;
}
[[nodiscard]] constexpr std::uint64_t record_cost(std::size_t body_bytes) noexcept {
  return body_bytes + kRecordCostBytes;
}

/// Writes kind and length, and returns where the body goes. Pre: the packet has the room.
/// `apart_bytes` of the body come behind the packet.
[[nodiscard]] std::byte* append_record(Packet& packet, Kind kind, std::size_t body_bytes,
                                       std::size_t apart_bytes = 0) noexcept;

struct Record {
  std::uint8_t kind = 0;
  std::span<const std::byte> body;
};

/// Reads the next record; nothing at the end, or when the cursor went bad.
[[nodiscard]] std::optional<Record> next_record(ByteCursor& cursor) noexcept;

/// A message's record body, taken apart.
struct MessageBody {
  bool is_object = false;
  std::uint32_t type = 0;
  std::span<const std::byte> metadata;
  std::span<const std::byte> payload;
};
[[nodiscard]] constexpr bool is_message(std::uint8_t kind) noexcept {
  return kind >= static_cast<std::uint8_t>(Kind::message) &&
         kind <= static_cast<std::uint8_t>(Kind::bytes_meta);
}
[[nodiscard]] std::optional<MessageBody> read_message_body(
    std::uint8_t kind, std::span<const std::byte> body) noexcept;
[[nodiscard]] Kind message_kind(const MessageBody& message) noexcept;
/// Bytes that the body takes on the wire.
[[nodiscard]] std::size_t message_body_bytes(const MessageBody& message) noexcept;
/// Writes the body. Pre: `at` has room for `message_body_bytes`.
void write_message_body(std::byte* at, const MessageBody& message) noexcept;

}  // namespace tickwire::detail::wire
