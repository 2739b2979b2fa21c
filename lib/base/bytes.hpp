// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace tickwire::detail {

/// Little-endian numbers at an address of any alignment.
template <std::unsigned_integral T>
inline void store(std::byte* at, T value) noexcept {
  auto bytes = std::bit_cast<std::array<std::byte, sizeof(T)>>(value);
  if constexpr (std::endian::native == std::endian::big) std::reverse(bytes.begin(), bytes.end());
  std::memcpy(at, bytes.data(), bytes.size());
}

template <std::unsigned_integral T>
[[nodiscard]] inline T load(const std::byte* at) noexcept {
  std::array<std::byte, sizeof(T)> bytes;
  std::memcpy(bytes.data(), at, bytes.size());
  if constexpr (std::endian::native == std::endian::big) std::reverse(bytes.begin(), bytes.end());
  return std::bit_cast<T>(bytes);
}

/// Bytes that `value` takes as a varint: 7 bits each, lowest first, the top bit set on all but the
/// last (LEB128).
[[nodiscard]] constexpr std::size_t varint_bytes(std::uint32_t value) noexcept {
  if (value < 0x80) return 1;
  std::size_t count = 2;
  for (value >>= 14; value != 0; value >>= 7)
    ++count;
  return count;
}

/// Writes a varint and returns where it ends.
inline std::byte* store_varint(std::byte* at, std::uint32_t value) noexcept {
  for (; value >= 0x80; value >>= 7)
    *at++ = static_cast<std::byte>(value | 0x80);
  *at++ = static_cast<std::byte>(value);
  return at;
}

/// Reads a varint and moves `at` behind it. Pre: it is correct.
[[nodiscard]] inline std::uint32_t load_varint(const std::byte*& at) noexcept {
  auto byte = std::to_integer<std::uint32_t>(*at++);
  std::uint32_t value = byte & 0x7f;
  for (unsigned shift = 7; byte >= 0x80; shift += 7) {
    byte = std::to_integer<std::uint32_t>(*at++);
    value |= (byte & 0x7f) << shift;
  }
  return value;
}

[[nodiscard]] inline std::span<const std::byte> as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

[[nodiscard]] inline std::string_view as_text(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Reads forward over bytes from the network. The first read past the end makes it bad, and takes
/// it to the end; reads give zeros from then on, so that one check there is enough.
class ByteCursor {
 public:
  explicit ByteCursor(std::span<const std::byte> bytes) noexcept
      : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] bool at_end() const noexcept { return at_ == end_; }
  [[nodiscard]] std::size_t remaining() const noexcept {
    return static_cast<std::size_t>(end_ - at_);
  }
  [[nodiscard]] const std::byte* here() const noexcept { return at_; }

  template <std::unsigned_integral T>
  [[nodiscard]] T number() noexcept {
    if (remaining() < sizeof(T)) {
      fail();
      return 0;
    }
    const T value = load<T>(at_);
    at_ += sizeof(T);
    return value;
  }

  [[nodiscard]] std::uint32_t varint() noexcept {
    if (at_ != end_ && (*at_ & std::byte{0x80}) == std::byte{0}) {
      return std::to_integer<std::uint32_t>(*at_++);
    }
    return long_varint();
  }

  [[nodiscard]] std::span<const std::byte> take(std::size_t count) noexcept {
    if (count > remaining()) {
      fail();
      return {};
    }
    const std::span taken(at_, count);
    at_ += count;
    return taken;
  }
  [[nodiscard]] std::span<const std::byte> take_all() noexcept { return take(remaining()); }

  /// A varint length and that many bytes.
  [[nodiscard]] std::span<const std::byte> block() noexcept {
    const std::uint32_t size = varint();
    return ok_ ? take(size) : std::span<const std::byte>();
  }

 private:
  void fail() noexcept {
    ok_ = false;
    at_ = end_;
  }

  [[nodiscard]] std::uint32_t long_varint() noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
      const auto byte = number<std::uint8_t>();
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) {
        // One form for each number: no padding, nothing above 32 bits.
        if (value > 0xffffffffu || (byte == 0 && shift != 0)) break;
        return static_cast<std::uint32_t>(value);
      }
    }
    fail();
    return 0;
  }

  const std::byte* at_;
  const std::byte* end_;
  bool ok_ = true;
};

}  // namespace tickwire::detail
