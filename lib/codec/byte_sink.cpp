// SPDX-License-Identifier: MIT
#include <tickwire/byte_sink.hpp>

#include <algorithm>

#include <tickwire/copy_bytes.hpp>

namespace tickwire {

ByteBuffer::~ByteBuffer() = default;

bool ByteBuffer::grow(std::size_t least_capacity) {
  constexpr std::size_t kFirstCapacity = 256;
  const std::size_t wanted = std::max({least_capacity, 2 * capacity_, kFirstCapacity});
  auto larger = std::make_unique_for_overwrite<std::byte[]>(wanted);
  detail::copy_bytes(larger.get(), data_, size_);
  memory_ = std::move(larger);
  data_ = memory_.get();
  capacity_ = wanted;
  return true;
}

}  // namespace tickwire
