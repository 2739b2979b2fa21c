// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <tuple>
#include <type_traits>
#include <utility>

#include <cereal/cereal.hpp>

#include <tickwire/wire_number.hpp>

// Numbers and short arrays in a row, which the archives check the room for once and copy together.
// Included by serialization.hpp.

namespace tickwire::detail {

/// The number, or the short array, in an argument of an archive: the argument, or what it gives a
/// name to.
template <class T>
struct Plain {
  using type = std::remove_cv_t<T>;
  static auto& of(T& argument) noexcept { return argument; }
};
template <class T>
struct Plain<cereal::NameValuePair<T>> {
  using type = std::remove_cvref_t<T>;
  static auto& of(cereal::NameValuePair<T>& argument) noexcept { return argument.value; }
};
template <class T>
struct Plain<const cereal::NameValuePair<T>> : Plain<cereal::NameValuePair<T>> {
  static auto& of(const cereal::NameValuePair<T>& argument) noexcept { return argument.value; }
};

template <class T>
inline constexpr bool is_plain_number =
    wire_number<typename Plain<T>::type> && !std::is_same_v<typename Plain<T>::type, long double>;
template <class T>
inline constexpr bool is_plain = is_plain_number<T> || is_short_array<typename Plain<T>::type>;

template <std::size_t Count>
constexpr std::size_t first_false(const std::array<bool, Count>& of, std::size_t from) noexcept {
  while (of[from])
    ++from;
  return from;
}
/// Where the numbers and short arrays end that begin at argument `from`.
template <class... Types>
constexpr std::size_t run_end(std::size_t from) noexcept {
  return first_false<sizeof...(Types) + 1>({is_plain<Types>..., false}, from);
}
/// The same for numbers alone.
template <class... Types>
constexpr std::size_t numbers_end(std::size_t from) noexcept {
  return first_false<sizeof...(Types) + 1>({is_plain_number<Types>..., false}, from);
}

/// Stores the numbers and short arrays from argument `From` to `To`, and returns where they end.
template <std::size_t From, std::size_t To, class... Types>
TICKWIRE_ALWAYS_INLINE std::byte* store_run(std::byte* at, const std::tuple<Types&...>& objects) {
  if constexpr (From == To) {
    return at;
  } else if constexpr (constexpr std::size_t end = numbers_end<Types...>(From); end != From) {
    const auto number = []<class T>(T& object) { return Plain<T>::of(object); };
    at = [&]<std::size_t... Offsets>(std::index_sequence<Offsets...>) {
      return store_numbers(at, number(std::get<From + Offsets>(objects))...);
    }
    (std::make_index_sequence<end - From>());
    return store_run<end, To>(at, objects);
  } else {
    using Array = std::tuple_element_t<From, std::tuple<Types...>>;
    const auto& array = Plain<Array>::of(std::get<From>(objects));
    std::memcpy(at, array.data(), sizeof(array));
    return store_run<From + 1, To>(at + sizeof(array), objects);
  }
}

/// Loads them. Pre: the bytes are there, and a `bool` among them is one.
template <std::size_t From, std::size_t To, class... Types>
TICKWIRE_ALWAYS_INLINE const std::byte* load_run(const std::byte* at,
                                                 const std::tuple<Types&...>& objects) {
  if constexpr (From == To) {
    return at;
  } else if constexpr (constexpr std::size_t end = numbers_end<Types...>(From); end != From) {
    const auto number = []<class T>(T & object) -> auto& {
      return Plain<T>::of(object);
    };
    at = [&]<std::size_t... Offsets>(std::index_sequence<Offsets...>) {
      return load_numbers(at, number(std::get<From + Offsets>(objects))...);
    }
    (std::make_index_sequence<end - From>());
    return load_run<end, To>(at, objects);
  } else {
    using Array = std::tuple_element_t<From, std::tuple<Types...>>;
    auto& array = Plain<Array>::of(std::get<From>(objects));
    std::memcpy(array.data(), at, sizeof(array));
    return load_run<From + 1, To>(at + sizeof(array), objects);
  }
}

}  // namespace tickwire::detail
