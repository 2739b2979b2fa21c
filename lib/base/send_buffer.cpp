// SPDX-License-Identifier: MIT
#include <tickwire/send_buffer.hpp>

#include "lib/base/buffer.hpp"

namespace tickwire {

SendBuffer::~SendBuffer() {
  if (block_ != nullptr) detail::release(block_);
}

std::span<std::byte> SendBuffer::bytes() const noexcept {
  if (block_ == nullptr) return {};
  return {block_->bytes(), size_};
}

}  // namespace tickwire
