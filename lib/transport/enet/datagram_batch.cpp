// SPDX-License-Identifier: MIT
#include "lib/transport/enet/datagram_batch.hpp"

#include <algorithm>
#include <cassert>

namespace tickwire::detail {

std::span<const std::byte> DatagramBatch::Block::take_datagram() noexcept {
  const auto first = bytes.first(std::min(datagram_bytes, bytes.size()));
  bytes = bytes.subspan(first.size());
  return first;
}

std::span<std::byte> DatagramBatch::add(std::size_t bytes) noexcept {
  assert(has_room(bytes) && bytes != 0);
  const std::span room(memory_.get() + used_bytes_, bytes);
  sizes_[count_++] = static_cast<std::uint16_t>(bytes);
  used_bytes_ += bytes;
  return room;
}

DatagramBatch::Block DatagramBatch::take_block() noexcept {
  if (taken_ == count_) return {};
  const std::byte* const begin = memory_.get() + taken_bytes_;
  const std::size_t datagram_bytes = sizes_[taken_];
  std::size_t bytes = 0;
  std::size_t last = datagram_bytes;
  for (; taken_ < count_ && last == datagram_bytes && sizes_[taken_] <= last; ++taken_) {
    last = sizes_[taken_];
    bytes += last;
  }
  taken_bytes_ += bytes;
  return {{begin, bytes}, datagram_bytes};
}

void DatagramBatch::clear() noexcept {
  count_ = taken_ = 0;
  used_bytes_ = taken_bytes_ = 0;
}

}  // namespace tickwire::detail
