// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <type_traits>

// For what is a chain of calls to read, and a few instructions to run.
#if defined(__GNUC__)
#define TICKWIRE_ALWAYS_INLINE [[gnu::always_inline]] inline
#elif defined(_MSC_VER)
#define TICKWIRE_ALWAYS_INLINE __forceinline
#else
#define TICKWIRE_ALWAYS_INLINE inline
#endif

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

// Numbers that stand anywhere, one behind the other.
#pragma pack(push, 1)
template <class First, class... Rest>
struct UnalignedRun {
  First first;
  UnalignedRun<Rest...> rest;
};
template <class Last>
struct UnalignedRun<Last> {
  Last first;
};
#pragma pack(pop)

template <class First, class... Rest>
constexpr UnalignedRun<First, Rest...> run_of(First first, Rest... rest) noexcept {
  if constexpr (sizeof...(Rest) == 0) {
    return {first};
  } else {
    return {first, run_of(rest...)};
  }
}

template <class Run, class First, class... Rest>
constexpr void take_run(const Run& run, First& first, Rest&... rest) noexcept {
  first = run.first;
  if constexpr (sizeof...(Rest) != 0) take_run(run.rest, rest...);
}

template <std::endian Native, wire_number T>
constexpr T swap_number(T number) noexcept {
  if constexpr (Native == std::endian::little) return number;
  auto bytes = std::bit_cast<std::array<std::byte, sizeof(T)>>(number);
  swap_to_wire<Native>(bytes);
  return std::bit_cast<T>(bytes);
}

/// Stores numbers one behind the other, and returns where they end. They are all loaded before the
/// first is stored, and not stored by `memcpy`, because a compiler that cannot tell bytes from what
/// else is in memory keeps neither numbers nor pointers to them in registers.
template <wire_number... T>
std::byte* store_numbers(std::byte* at, T... numbers) noexcept {
  using Run = UnalignedRun<T...>;
  ::new (static_cast<void*>(at)) Run(run_of(swap_number<std::endian::native>(numbers)...));
  return at + sizeof(Run);
}

template <wire_number T>
[[nodiscard]] T load_number(const std::byte* at) noexcept {
  std::array<std::byte, sizeof(T)> bytes;
  std::memcpy(bytes.data(), at, sizeof(T));
  return swap_number<std::endian::native>(std::bit_cast<T>(bytes));
}

/// Loads numbers that stand one behind the other, and returns where they end.
template <wire_number... T>
const std::byte* load_numbers(const std::byte* at, T&... numbers) noexcept {
  UnalignedRun<T...> run;
  std::memcpy(&run, at, sizeof(run));
  take_run(run, numbers...);
  ((numbers = swap_number<std::endian::native>(numbers)), ...);
  return at + sizeof(run);
}

/// Whether an array of `T` looks the same in memory and on the wire.
template <wire_number T>
inline constexpr bool copies_whole = !std::is_same_v<T, long double> &&
                                     (std::endian::native == std::endian::little || sizeof(T) == 1);

/// Whether it is an array that is copied together with the numbers around it: few, of those that
/// have nothing to be checked.
template <class T>
inline constexpr bool is_short_array = false;
template <wire_number T, std::size_t N>
inline constexpr bool is_short_array<std::array<T, N>> =
    copies_whole<T> && !std::is_same_v<T, bool> && N != 0 && sizeof(std::array<T, N>) <= 64;

/// Bytes that a number takes on the wire.
template <wire_number T>
inline constexpr std::uint32_t number_bytes = std::is_same_v<T, long double> ? 16 : sizeof(T);

}  // namespace tickwire::detail
