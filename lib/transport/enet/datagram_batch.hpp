// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace tickwire::detail {

/// Datagrams to one peer that are to leave together, one behind the other.
///
/// Memory: all in the constructor.
class DatagramBatch {
 public:
  static constexpr std::size_t kMaxDatagrams = 64;
  static constexpr std::size_t kMaxBytes = 65'507;

  /// Some of them that the system may take in one call: all have the same size, but the last one
  /// may be shorter.
  struct Block {
    std::span<const std::byte> bytes;
    std::size_t datagram_bytes = 0;

    /// Takes the first one out. Pre: there is one.
    [[nodiscard]] std::span<const std::byte> take_datagram() noexcept;
  };

  [[nodiscard]] std::size_t datagrams() const noexcept { return count_; }
  [[nodiscard]] bool has_room(std::size_t bytes) const noexcept {
    return count_ < kMaxDatagrams && bytes <= kMaxBytes - used_bytes_;
  }
  /// Where to put another one, which is good until `clear`. Pre: it has room, and the datagram is
  /// not empty.
  [[nodiscard]] std::span<std::byte> add(std::size_t bytes) noexcept;
  /// Takes the foremost out, as many as go together; none when none is left.
  [[nodiscard]] Block take_block() noexcept;
  void clear() noexcept;

 private:
  std::unique_ptr<std::byte[]> memory_ = std::make_unique_for_overwrite<std::byte[]>(kMaxBytes);
  std::array<std::uint16_t, kMaxDatagrams> sizes_{};
  std::size_t count_ = 0;
  std::size_t used_bytes_ = 0;
  std::size_t taken_ = 0;
  std::size_t taken_bytes_ = 0;
};

}  // namespace tickwire::detail
