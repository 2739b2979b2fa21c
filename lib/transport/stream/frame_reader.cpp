// SPDX-License-Identifier: MIT
#include "lib/transport/stream/frame_reader.hpp"

#include <cstring>

#include "lib/base/bytes.hpp"

namespace tickwire::detail {

namespace {

// Packets lie in what was read, also where their taker throws: nothing else is read over them.
class Taken {
 public:
  Taken(ReadBlock& block, std::size_t bytes) noexcept : block_(block), bytes_(bytes) {}
  ~Taken() { block_.advance(bytes_); }
  Taken(const Taken&) = delete;
  Taken& operator=(const Taken&) = delete;

 private:
  ReadBlock& block_;
  std::size_t bytes_;
};

}  // namespace

void FrameReader::take(std::size_t bytes, BufferPool& pool, ReadBlock& block, PacketTaker& taker) {
  const std::size_t to_rest = std::min(bytes, rest().size());
  have_ += static_cast<std::uint32_t>(to_rest);
  const std::size_t fresh = bytes - to_rest;
  const Taken taken(block, fresh);
  bool wanted = true;
  if (partial_ && have_ == length_) wanted = end_partial(taker);
  for (std::size_t offset = 0; wanted && !violated_ && offset < fresh;) {
    offset += take_prefix(block.fresh(offset, fresh));
    if (prefix_bytes_ < kFramePrefixBytes || !open_frame()) break;
    const std::size_t here = fresh - offset;
    if (here < length_) {
      const auto front = block.fresh(offset, fresh);
      if (!place(front, taker)) keep(front, pool);
      return;
    }
    wanted = taker.take_packet(block.packet(offset, length_));
    offset += length_;
  }
}

bool FrameReader::end_partial(PacketTaker& taker) {
  if (!std::exchange(is_placed_, false)) {
    return taker.take_packet(Packet(std::move(partial_), 0, length_));
  }
  partial_ = BufferRef();
  return taker.take_tail();
}

bool FrameReader::place(std::span<const std::byte> bytes, PacketTaker& taker) {
  if (length_ < kLeastPlacedBytes) return false;
  TailPlace place = taker.place_tail(bytes, length_);
  if (place.room.size == 0) return false;
  const auto tail = bytes.subspan(place.front_bytes);
  copy_bytes(place.room.bytes().data(), tail.data(), tail.size());
  have_ = place.room.begin + static_cast<std::uint32_t>(tail.size());
  length_ = place.room.begin + place.room.size;
  partial_ = std::move(place.room.buffer);
  is_placed_ = true;
  return true;
}

std::size_t FrameReader::take_prefix(std::span<const std::byte> bytes) noexcept {
  const std::size_t count = std::min(bytes.size(), kFramePrefixBytes - prefix_bytes_);
  std::memcpy(prefix_.data() + prefix_bytes_, bytes.data(), count);
  prefix_bytes_ += static_cast<std::uint8_t>(count);
  return count;
}

bool FrameReader::open_frame() noexcept {
  length_ = load<std::uint32_t>(prefix_.data());
  violated_ = length_ == 0 || length_ > (is_first_ ? kMaxFirstFrameBytes : kMaxFrameBytes);
  if (violated_) return false;
  prefix_bytes_ = 0;
  is_first_ = false;
  return true;
}

// The rest comes with a later read, straight to where it belongs.
void FrameReader::keep(std::span<const std::byte> bytes, BufferPool& pool) {
  partial_ = pool.allocate(length_);
  have_ = static_cast<std::uint32_t>(bytes.size());
  copy_bytes(partial_.bytes(), bytes.data(), bytes.size());
}

}  // namespace tickwire::detail
