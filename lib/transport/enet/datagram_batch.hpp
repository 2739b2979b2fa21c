// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "lib/platform/segmented_send.hpp"

namespace tickwire::detail {

/// Datagrams to one peer that leave together: one behind the other, as many as are of one size by
/// one call of the system.
///
/// Memory: all in the constructor.
class DatagramBatch {
 public:
  /// What came of it.
  struct Sent {
    std::size_t failures = 0;  ///< datagrams that the system refused; where it has no room, none
    bool only_one_by_one = false;  ///< it refused them together, and then took each by itself
  };

  [[nodiscard]] std::size_t datagrams() const noexcept { return count_; }
  [[nodiscard]] bool has_room(std::size_t bytes) const noexcept {
    return count_ < kMaxSegments && bytes <= kMaxSegmentedBytes - used_bytes_;
  }
  /// Where to put another one. One call takes those of one size only: where it is a little smaller
  /// than the one before, zeros behind it fill it up. Pre: it has room, for those too; not empty.
  [[nodiscard]] std::span<std::byte> add(std::size_t bytes) noexcept;
  /// Sends and forgets all of them. Pre: `can_send_segmented(socket)`.
  [[nodiscard]] Sent send(SocketHandle socket, Ipv4Endpoint to) noexcept;

 private:
  std::unique_ptr<std::byte[]> memory_ =
      std::make_unique_for_overwrite<std::byte[]>(kMaxSegmentedBytes);
  std::array<std::uint16_t, kMaxSegments> sizes_{};
  std::size_t count_ = 0;
  std::size_t used_bytes_ = 0;
};

}  // namespace tickwire::detail
