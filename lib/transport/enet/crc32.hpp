// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <tickwire/copy_bytes.hpp>

#include "lib/platform/crc32_fold.hpp"

namespace tickwire::detail {

/// The CRC-32 of Ethernet and zip, eight bytes at a time, or many where the processor helps: ENet's
/// own takes one, and was half the cost of a bulk transfer over loopback.
///
/// Source: Kounavis and Berry, "A systematic approach to building high performance software-based
///         CRC generators", 2005.
class Crc32 {
 public:
  void add(std::span<const std::byte> all) noexcept {
    const auto bytes = all.subspan(fold_crc32(all, state_));
    const std::byte* at = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= 8; at += 8, left -= 8) {
      const std::uint32_t low = state_ ^ read(at);
      const std::uint32_t high = read(at + 4);
      state_ = kTables[7][low & 0xff] ^ kTables[6][low >> 8 & 0xff] ^ kTables[5][low >> 16 & 0xff] ^
               kTables[4][low >> 24] ^ kTables[3][high & 0xff] ^ kTables[2][high >> 8 & 0xff] ^
               kTables[1][high >> 16 & 0xff] ^ kTables[0][high >> 24];
    }
    if (left >= 4) {
      const std::uint32_t low = state_ ^ read(at);
      state_ = kTables[3][low & 0xff] ^ kTables[2][low >> 8 & 0xff] ^ kTables[1][low >> 16 & 0xff] ^
               kTables[0][low >> 24];
      at += 4;
      left -= 4;
    }
    for (; left != 0; ++at, --left) {
      state_ = state_ >> 8 ^ kTables[0][(state_ ^ std::to_integer<std::uint32_t>(*at)) & 0xff];
    }
  }
  [[nodiscard]] std::uint32_t value() const noexcept { return ~state_; }

 private:
  using Table = std::array<std::uint32_t, 256>;

  static constexpr std::array<Table, 8> make_tables() {
    std::array<Table, 8> tables{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
      std::uint32_t rest = byte;
      for (int bit = 0; bit < 8; ++bit)
        rest = rest >> 1 ^ (0xedb88320u & (0u - (rest & 1u)));
      tables[0][byte] = rest;
    }
    for (std::size_t table = 1; table < tables.size(); ++table) {
      for (std::size_t byte = 0; byte < 256; ++byte) {
        const std::uint32_t rest = tables[table - 1][byte];
        tables[table][byte] = rest >> 8 ^ tables[0][rest & 0xff];
      }
    }
    return tables;
  }

  static std::uint32_t read(const std::byte* at) noexcept {
    return std::to_integer<std::uint32_t>(at[0]) | std::to_integer<std::uint32_t>(at[1]) << 8 |
           std::to_integer<std::uint32_t>(at[2]) << 16 |
           std::to_integer<std::uint32_t>(at[3]) << 24;
  }

  static const std::array<Table, 8> kTables;

  std::uint32_t state_ = 0xffffffffu;
};

inline constexpr std::array<Crc32::Table, 8> Crc32::kTables = Crc32::make_tables();

/// The same of a short datagram, without the tables: behind a call of the system's they would have
/// to come through the caches again, and cost three times as much.
class ShortCrc32 {
 public:
  /// Whether it can be had of so many bytes.
  [[nodiscard]] static bool serves(std::size_t bytes) noexcept {
    return bytes >= kLeastBytes && bytes <= kMostBytes && folds_crc32();
  }
  /// Pre: so many are served.
  explicit ShortCrc32(std::size_t bytes) noexcept
      : begin_((kFoldedLaneBytes - bytes % kFoldedLaneBytes) % kFoldedLaneBytes), end_(begin_) {
    std::memset(lanes_, 0, kFoldedLaneBytes);
  }
  void add(std::span<const std::byte> bytes) noexcept {
    copy_bytes(lanes_ + end_, bytes.data(), bytes.size());
    end_ += bytes.size();
  }
  /// Pre: all has been added; asked for once.
  [[nodiscard]] std::uint32_t value() noexcept {
    // What a state of all ones does to the first bytes.
    for (std::size_t i = begin_; i < begin_ + kLeastBytes; ++i)
      lanes_[i] = ~lanes_[i];
    return ~fold_crc32_lanes({lanes_, end_});
  }

 private:
  static constexpr std::size_t kLeastBytes = 4;
  static constexpr std::size_t kMostBytes = 256;

  std::byte lanes_[kMostBytes];  // zeros and the bytes
  std::size_t begin_;
  std::size_t end_;
};

}  // namespace tickwire::detail
