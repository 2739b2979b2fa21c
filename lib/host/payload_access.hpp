// SPDX-License-Identifier: MIT
#pragma once

#include <tickwire/event.hpp>

#include "lib/session/inbox.hpp"

namespace tickwire::detail {

/// Makes an event's payload of a received message, and finds the block behind one again.
struct PayloadAccess {
  [[nodiscard]] static Payload make(InboxMessage message) noexcept {
    Payload payload;
    payload.data_ = message.payload.data();
    payload.size_ = static_cast<std::uint32_t>(message.payload.size());
    payload.metadata_ = message.metadata.data();
    payload.metadata_size_ = static_cast<std::uint32_t>(message.metadata.size());
    payload.block_ = message.buffer.detach();
    return payload;
  }
  [[nodiscard]] static BufferRef share(const Payload& payload) noexcept {
    if (payload.block_ != nullptr) retain(payload.block_);
    return BufferRef(payload.block_);
  }
};

}  // namespace tickwire::detail
