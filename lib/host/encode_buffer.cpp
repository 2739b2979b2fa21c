// SPDX-License-Identifier: MIT
#include "lib/host/encode_buffer.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include <tickwire/copy_bytes.hpp>

namespace tickwire::detail {
namespace {

constexpr std::size_t kFirstBytes = 2048;
constexpr std::size_t kMostBytes = std::numeric_limits<std::uint32_t>::max();

}  // namespace

// What a queue may hold is counted in bytes: no block goes there that is much larger than they are.
BufferRef EncodeBuffer::take_large() noexcept {
  if (!is_large()) return {};
  last_large_bytes_ = size_;
  if (capacity_ > size_ + size_ / 4) return {};
  size_ = 0;
  return use({});
}

bool EncodeBuffer::grow(std::size_t least_capacity) {
  if (least_capacity > kMostBytes) return false;
  std::size_t wanted = std::max({least_capacity, 2 * capacity_, kFirstBytes});
  if (wanted >= kLargeBytes && least_capacity <= last_large_bytes_) wanted = last_large_bytes_;
  BufferRef larger = pool_.allocate(std::min(wanted, kMostBytes));
  if (size_ > 0) copy_bytes(larger.bytes(), data_, size_);
  use(std::move(larger));
  return true;
}

BufferRef EncodeBuffer::use(BufferRef block) noexcept {
  data_ = block ? block.bytes() : nullptr;
  capacity_ = block ? block.capacity() : 0;
  return std::exchange(block_, std::move(block));
}

}  // namespace tickwire::detail
