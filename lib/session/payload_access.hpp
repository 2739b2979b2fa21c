// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <tickwire/event.hpp>

#include "lib/base/buffer.hpp"

namespace tickwire::detail {

/// Fills an event's payload, and finds the block behind one again.
struct PayloadAccess {
  /// Takes over one reference to `block`, in which both spans lie. Pre: the payload is empty.
  static void fill(Payload& payload, BufferBlock* block, std::span<const std::byte> bytes,
                   std::span<const std::byte> metadata) noexcept {
    payload.block_ = block;
    payload.data_ = bytes.data();
    payload.size_ = static_cast<std::uint32_t>(bytes.size());
    payload.metadata_ = metadata.data();
    payload.metadata_size_ = static_cast<std::uint32_t>(metadata.size());
  }
  [[nodiscard]] static BufferRef share(const Payload& payload) noexcept {
    if (payload.block_ != nullptr) retain(payload.block_);
    return BufferRef(payload.block_);
  }
};

}  // namespace tickwire::detail
