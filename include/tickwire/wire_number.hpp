// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace cereal {

/// A base of the archives, which makes functions of this namespace visible to calls on them.
struct tickwire_archive {};

}  // namespace cereal

namespace tickwire::detail {

template <class T>
concept wire_number = std::is_arithmetic_v<T>;

/// A number's bytes from the machine's order to the wire's, or back.
template <std::endian Native, class Bytes>
constexpr void swap_to_wire(Bytes& bytes) noexcept {
  if constexpr (Native == std::endian::big) std::reverse(bytes.begin(), bytes.end());
}

template <wire_number T>
void store_number(std::byte* at, T number) noexcept {
  std::array<std::byte, sizeof(T)> bytes;
  std::memcpy(bytes.data(), &number, sizeof(T));
  swap_to_wire<std::endian::native>(bytes);
  std::memcpy(at, bytes.data(), sizeof(T));
}

template <wire_number T>
[[nodiscard]] T load_number(const std::byte* at) noexcept {
  std::array<std::byte, sizeof(T)> bytes;
  std::memcpy(bytes.data(), at, sizeof(T));
  swap_to_wire<std::endian::native>(bytes);
  return std::bit_cast<T>(bytes);
}

/// Whether an array of `T` looks the same in memory and on the wire.
template <wire_number T>
inline constexpr bool copies_whole = !std::is_same_v<T, long double> &&
                                     (std::endian::native == std::endian::little || sizeof(T) == 1);

/// Bytes that a number takes on the wire.
template <wire_number T>
inline constexpr std::uint32_t number_bytes = std::is_same_v<T, long double> ? 16 : sizeof(T);

}  // namespace tickwire::detail
