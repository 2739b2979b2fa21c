// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>

#include <tickwire/codec.hpp>

/// What two `Transfers` say to each other.
namespace tickwire::detail {

/// The steps of a transfer, in their order.
enum class TransferStep : std::uint8_t {
  offer,           ///< offerer: bytes (size), digest (the key), text (name)
  accept,          ///< receiver: bytes (there already), digest (of those), window, chunk
  begin,           ///< offerer: bytes (from where: what accept said, or 0), window
  acknowledge,     ///< receiver: bytes (written so far)
  end,             ///< offerer: digest (of everything)
  done,            ///< receiver: it is whole and in its place
  offerer_stops,   ///< offerer: reason, text
  receiver_stops,  ///< receiver: reason, text
};
TICKWIRE_ENUM_RANGE(TransferStep, offer, receiver_stops);

/// Why one end stops.
enum class StopReason : std::uint8_t { none, refused, cancelled, failed };
TICKWIRE_ENUM_RANGE(StopReason, none, failed);

/// One step. Both ends call a transfer by the offerer's number.
struct TransferNote {
  TransferStep step = TransferStep::offer;
  StopReason reason = StopReason::none;
  std::uint64_t id = 0;
  std::uint64_t bytes = 0;
  std::uint32_t window = 0;  ///< may be on their way or unwritten; the smaller one counts
  std::uint32_t chunk = 0;   ///< largest message that the receiver takes
  std::string digest{};      ///< 32 bytes, or none
  std::string text{};
};
template <class Archive>
void serialize(Archive& archive, TransferNote& note) {
  archive(note.step, note.reason, note.id, note.bytes, note.window, note.chunk, note.digest,
          note.text);
}
TICKWIRE_MESSAGE(TransferNote, "tickwire.transfer");

/// A correct peer's note has no more bytes than this.
inline constexpr std::size_t kMaxNoteBytes = 2048;
inline constexpr std::size_t kMaxOfferedNameBytes = 1024;
inline constexpr std::size_t kMaxReasonBytes = 200;
/// What a receiver takes in one message at least. A sender may send less.
inline constexpr std::size_t kLeastAcceptedChunkBytes = 1024;

/// In front of the bytes of each chunk, which is sent as bytes: so it is sent from where it lies.
///
/// Shape: 8 bytes that no other message of bytes begins with; the transfer; the chunk's place in
///        the whole. Little-endian.
struct ChunkHeader {
  static constexpr std::size_t bytes = 24;
  static constexpr char mark[] = "\x89tw-bulk";
  static_assert(sizeof(mark) == 9);

  std::uint64_t id = 0;
  std::uint64_t offset = 0;

  void write(std::span<std::byte> to) const {
    std::memcpy(to.data(), mark, 8);
    static_cast<void>(store_numbers(to.data() + 8, id, offset));
  }
  /// Nothing when these are the program's own bytes.
  [[nodiscard]] static std::optional<ChunkHeader> read(std::span<const std::byte> from) {
    if (from.size() < bytes || std::memcmp(from.data(), mark, 8) != 0) return std::nullopt;
    return ChunkHeader{load_number<std::uint64_t>(from.data() + 8),
                       load_number<std::uint64_t>(from.data() + 16)};
  }
};

}  // namespace tickwire::detail
