// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include <tickwire/send_buffer.hpp>

#include "lib/base/buffer.hpp"

namespace tickwire::detail {

/// Makes a send buffer of a block, and finds the block again.
struct SendBufferAccess {
  /// Pre: the block has the room.
  [[nodiscard]] static SendBuffer make(BufferRef block, std::size_t bytes) noexcept {
    SendBuffer made;
    made.block_ = block.detach();
    made.size_ = bytes;
    return made;
  }
  [[nodiscard]] static BufferRef share(const SendBuffer& buffer) noexcept {
    if (buffer.block_ != nullptr) retain(buffer.block_);
    return BufferRef(buffer.block_);
  }
};

}  // namespace tickwire::detail
