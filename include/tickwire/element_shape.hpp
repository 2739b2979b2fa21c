// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <valarray>
#include <variant>
#include <vector>

#include <cereal/cereal.hpp>

#include <tickwire/byte_reader.hpp>
#include <tickwire/message_name.hpp>
#include <tickwire/wire_number.hpp>

// What the reader has to know of a type before it trusts bytes with one.

namespace cereal::memory_detail {
template <class T>
struct PtrWrapper;
}

namespace tickwire::detail {

constexpr std::uint32_t saturated(std::uint64_t value) noexcept {
  return value > 0xFFFFFFFFu ? 0xFFFFFFFFu : static_cast<std::uint32_t>(value);
}

/// The bytes that a `T` takes on the wire at least; 0 when that is not known.
template <class T>
struct LeastBytes {
  static constexpr std::uint32_t value = [] {
    if constexpr (std::is_enum_v<T>) return number_bytes<std::underlying_type_t<T>>;
    if constexpr (std::is_arithmetic_v<T>) return number_bytes<T>;
    return 0u;
  }();
};
template <class T>
struct LeastBytes<const T> : LeastBytes<T> {};
template <class... T>
struct LeastBytes<std::tuple<T...>> {
  static constexpr std::uint32_t value = saturated((std::uint64_t{LeastBytes<T>::value} + ... + 0));
};
template <class A, class B>
struct LeastBytes<std::pair<A, B>> : LeastBytes<std::tuple<A, B>> {};
template <class T, std::size_t N>
struct LeastBytes<std::array<T, N>> {
  static constexpr std::uint32_t value =
      saturated(std::uint64_t{LeastBytes<T>::value} * saturated(N));
};

/// At least a size, an index or a flag.
struct OneByte {
  static constexpr std::uint32_t value = 1;
};
template <class C, class T, class A>
struct LeastBytes<std::basic_string<C, T, A>> : OneByte {};
template <class T, class A>
struct LeastBytes<std::vector<T, A>> : OneByte {};
template <class T>
struct LeastBytes<std::optional<T>> : OneByte {};
template <class... T>
struct LeastBytes<std::variant<T...>> : OneByte {};
template <class T, class D>
struct LeastBytes<std::unique_ptr<T, D>> : OneByte {};
template <class T>
struct LeastBytes<std::shared_ptr<T>> : OneByte {};

/// Memory that a list, a tree or a hash table takes for an element beside the element.
inline constexpr std::uint32_t kNodeBytes = 48;

template <class T>
concept has_elements = requires {
  requires std::is_object_v<typename T::value_type>;
};

/// What an element of a `T` costs, when it is a container.
template <class T>
inline constexpr ElementShape element_shape{};
template <has_elements T>
inline constexpr ElementShape element_shape<T>{
    LeastBytes<typename T::value_type>::value,
    saturated(sizeof(typename T::value_type) +
              (requires(T & container) { container.data(); } ? 0 : kNodeBytes))};
template <class T>
inline constexpr ElementShape element_shape<std::valarray<T>>{LeastBytes<T>::value,
                                                              saturated(sizeof(T))};

/// Memory that an empty `T` takes already.
template <class T>
inline constexpr std::uint32_t empty_bytes = 0;
template <class T, class A>
inline constexpr std::uint32_t empty_bytes<std::deque<T, A>> = 640;

template <class T>
inline constexpr bool is_number = std::is_arithmetic_v<T> || std::is_enum_v<T>;

/// Whether a `T` counts as a level of nesting: objects and what holds objects, but not text, arrays
/// of numbers, and what Cereal puts around a value.
template <class T>
inline constexpr bool may_nest = std::is_class_v<T> || std::is_union_v<T>;
template <class C, class T, class A>
inline constexpr bool may_nest<std::basic_string<C, T, A>> = false;
template <class T, class A>
inline constexpr bool may_nest<std::vector<T, A>> = !is_number<T>;
template <class T, std::size_t N>
inline constexpr bool may_nest<std::array<T, N>> = !is_number<T>;
template <class T>
inline constexpr bool may_nest<cereal::memory_detail::PtrWrapper<T>> = false;
template <class K, class V>
inline constexpr bool may_nest<cereal::MapItem<K, V>> = false;

/// The polymorphic class that a smart pointer points to; `void` for everything else.
template <class T>
struct PointerBase {
  using type = void;
};
template <class T>
requires std::is_polymorphic_v<T>
struct PointerBase<std::shared_ptr<T>> {
  using type = std::remove_const_t<T>;
};
template <class T, class D>
requires std::is_polymorphic_v<T>
struct PointerBase<std::unique_ptr<T, D>> {
  using type = std::remove_const_t<T>;
};

template <class T>
inline constexpr bool is_weak_pointer = false;
template <class T>
inline constexpr bool is_weak_pointer<std::weak_ptr<T>> = true;

/// Whether the reader has nothing to do for a `T` but to go one level down and call its function.
template <class T>
inline constexpr bool is_plain_object =
    may_nest<T> && !has_elements<T> && empty_bytes<T> == 0 &&
    std::is_void_v<typename PointerBase<T>::type> && !is_weak_pointer<T>;

template <class T>
concept ranged_enum = std::is_enum_v<T> && requires {
  tickwire_enum_range(MessageTag<T>{});
};

}  // namespace tickwire::detail
