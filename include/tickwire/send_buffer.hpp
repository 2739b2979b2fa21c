// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <tickwire/export.hpp>

namespace tickwire {

namespace detail {
struct BufferBlock;
struct SendBufferAccess;
}  // namespace detail

/// Memory of a host's for one message: filled by the program, and sent from where it lies. A flow
/// of large messages uses the same memory again and again that way, and copies nothing.
///
/// Lifetime: may outlive its host.
/// Thread:   one at a time; it may be filled and destroyed on any.
class SendBuffer {
 public:
  /// Of no bytes.
  SendBuffer() noexcept = default;
  SendBuffer(SendBuffer&& other) noexcept
      : block_(std::exchange(other.block_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  SendBuffer& operator=(SendBuffer&& other) noexcept {
    std::swap(block_, other.block_);
    std::swap(size_, other.size_);
    return *this;
  }
  TICKWIRE_API ~SendBuffer();

  /// What is in them at first is left over from earlier messages.
  [[nodiscard]] TICKWIRE_API std::span<std::byte> bytes() const noexcept;

 private:
  friend struct detail::SendBufferAccess;

  detail::BufferBlock* block_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace tickwire
