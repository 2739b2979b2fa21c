// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include <cereal/cereal.hpp>

#include <tickwire/byte_reader.hpp>
#include <tickwire/byte_writer.hpp>
#include <tickwire/element_shape.hpp>
#include <tickwire/message_name.hpp>
#include <tickwire/plain_run.hpp>

// How the archives find the functions that write and read a type, by Cereal's rules.

CEREAL_SETUP_ARCHIVE_TRAITS(tickwire::ByteReader, tickwire::ByteWriter)

namespace tickwire {
namespace detail {

template <class T>
inline constexpr bool is_pair = false;
template <class T>
inline constexpr bool is_pair<cereal::NameValuePair<T>> = true;
template <class T>
inline constexpr bool is_size = false;
template <class T>
inline constexpr bool is_size<cereal::SizeTag<T>> = true;
template <class T>
inline constexpr bool is_binary = false;
template <class T>
inline constexpr bool is_binary<cereal::BinaryData<T>> = true;
template <class T>
inline constexpr bool is_deferred = false;
template <class T>
inline constexpr bool is_deferred<cereal::DeferredData<T>> = true;
template <class T>
inline constexpr bool is_base = false;
template <class T>
inline constexpr bool is_base<cereal::base_class<T>> = true;
template <class T>
inline constexpr bool is_virtual_base = false;
template <class T>
inline constexpr bool is_virtual_base<cereal::virtual_base_class<T>> = true;

/// What Cereal puts around a value to say how it is meant.
template <class T>
inline constexpr bool is_archive_word =
    is_pair<T> || is_size<T> || is_binary<T> || is_deferred<T> || is_base<T> || is_virtual_base<T>;

/// What an array handed to `cereal::binary_data` is made of.
template <class T>
struct BinaryElement;
template <class T>
struct BinaryElement<cereal::BinaryData<T>> {
  using type =
      std::remove_cv_t<std::remove_all_extents_t<std::remove_pointer_t<std::remove_cvref_t<T>>>>;
};

/// Lets go of what something holds that was put off, as far as its type can be made anew.
template <class T>
void clear_deferred(T& object) {
  if constexpr (is_pair<std::remove_const_t<T>>) {
    clear_deferred(object.value);
  } else if constexpr (std::is_array_v<T>) {
    for (auto& each : object)
      clear_deferred(each);
  } else if constexpr (!is_archive_word<T> && std::is_default_constructible_v<T> &&
                       std::is_move_assignable_v<T>) {
    object = T();
  }
}

template <class T>
inline constexpr bool never = false;

}  // namespace detail

// Cereal's rules: a type has one of six ways, each with or without a version, or a specialisation
// of `cereal::specialize` says which of several to take.
#define TICKWIRE_DETAIL_WAY(way)                               \
  (cereal::traits::has_##way<T, Archive>::value &&             \
   (cereal::traits::is_specialized_##way<T, Archive>::value || \
    !cereal::traits::is_specialized<T, Archive>::value))

template <class T>
void ByteWriter::dispatch(const T& object) {
  using Archive = ByteWriter;
  using cereal::access;
  if constexpr (!cereal::traits::is_output_serializable<T, Archive>::value) {
    static_assert(std::is_empty_v<T>,
                  "There is no way, or more than one, to write this type. It needs a serialize "
                  "function, or save and load, or save_minimal and load_minimal; a standard type "
                  "needs its header of cereal/types.");
  } else if constexpr (TICKWIRE_DETAIL_WAY(member_serialize)) {
    access::member_serialize(*this, const_cast<T&>(object));
  } else if constexpr (TICKWIRE_DETAIL_WAY(non_member_serialize)) {
    CEREAL_SERIALIZE_FUNCTION_NAME(*this, const_cast<T&>(object));
  } else if constexpr (TICKWIRE_DETAIL_WAY(member_save)) {
    access::member_save(*this, object);
  } else if constexpr (TICKWIRE_DETAIL_WAY(non_member_save)) {
    CEREAL_SAVE_FUNCTION_NAME(*this, object);
  } else if constexpr (TICKWIRE_DETAIL_WAY(member_save_minimal)) {
    (*this)(access::member_save_minimal(*this, object));
  } else if constexpr (TICKWIRE_DETAIL_WAY(non_member_save_minimal)) {
    (*this)(CEREAL_SAVE_MINIMAL_FUNCTION_NAME(*this, object));
  } else {
    const std::uint32_t version = write_version<T>();
    if constexpr (TICKWIRE_DETAIL_WAY(member_versioned_serialize)) {
      access::member_serialize(*this, const_cast<T&>(object), version);
    } else if constexpr (TICKWIRE_DETAIL_WAY(non_member_versioned_serialize)) {
      CEREAL_SERIALIZE_FUNCTION_NAME(*this, const_cast<T&>(object), version);
    } else if constexpr (TICKWIRE_DETAIL_WAY(member_versioned_save)) {
      access::member_save(*this, object, version);
    } else if constexpr (TICKWIRE_DETAIL_WAY(non_member_versioned_save)) {
      CEREAL_SAVE_FUNCTION_NAME(*this, object, version);
    } else if constexpr (TICKWIRE_DETAIL_WAY(member_versioned_save_minimal)) {
      (*this)(access::member_save_minimal(*this, object, version));
    } else {
      (*this)(CEREAL_SAVE_MINIMAL_FUNCTION_NAME(*this, object, version));
    }
  }
}

template <class T>
void ByteReader::dispatch(T& object) {
  using Archive = ByteReader;
  using cereal::access;
  using namespace cereal::traits;
  if constexpr (!is_input_serializable<T, Archive>::value) {
    static_assert(std::is_empty_v<T>,
                  "There is no way, or more than one, to read this type. It needs a serialize "
                  "function, or save and load, or save_minimal and load_minimal; a standard type "
                  "needs its header of cereal/types.");
  } else if constexpr (TICKWIRE_DETAIL_WAY(member_serialize)) {
    access::member_serialize(*this, object);
  } else if constexpr (TICKWIRE_DETAIL_WAY(non_member_serialize)) {
    CEREAL_SERIALIZE_FUNCTION_NAME(*this, object);
  } else if constexpr (TICKWIRE_DETAIL_WAY(member_load)) {
    access::member_load(*this, object);
  } else if constexpr (TICKWIRE_DETAIL_WAY(non_member_load)) {
    CEREAL_LOAD_FUNCTION_NAME(*this, object);
  } else if constexpr (TICKWIRE_DETAIL_WAY(member_load_minimal)) {
    typename has_member_save_minimal<T, ByteWriter>::type value;
    (*this)(value);
    access::member_load_minimal(*this, object, value);
  } else if constexpr (TICKWIRE_DETAIL_WAY(non_member_load_minimal)) {
    typename has_non_member_save_minimal<T, ByteWriter>::type value;
    (*this)(value);
    CEREAL_LOAD_MINIMAL_FUNCTION_NAME(*this, object, value);
  } else {
    const std::uint32_t version = loadClassVersion<T>();
    if constexpr (TICKWIRE_DETAIL_WAY(member_versioned_serialize)) {
      access::member_serialize(*this, object, version);
    } else if constexpr (TICKWIRE_DETAIL_WAY(non_member_versioned_serialize)) {
      CEREAL_SERIALIZE_FUNCTION_NAME(*this, object, version);
    } else if constexpr (TICKWIRE_DETAIL_WAY(member_versioned_load)) {
      access::member_load(*this, object, version);
    } else if constexpr (TICKWIRE_DETAIL_WAY(non_member_versioned_load)) {
      CEREAL_LOAD_FUNCTION_NAME(*this, object, version);
    } else if constexpr (TICKWIRE_DETAIL_WAY(member_versioned_load_minimal)) {
      typename has_member_versioned_save_minimal<T, ByteWriter>::type value;
      (*this)(value);
      access::member_load_minimal(*this, object, value, version);
    } else {
      typename has_non_member_versioned_save_minimal<T, ByteWriter>::type value;
      (*this)(value);
      CEREAL_LOAD_MINIMAL_FUNCTION_NAME(*this, object, value, version);
    }
  }
}

#undef TICKWIRE_DETAIL_WAY

template <class T>
std::uint32_t ByteWriter::write_version() {
  const std::uint32_t version = cereal::detail::Version<T>::version;
  if (remember_version(typeid(T))) write_varint(version);
  return version;
}

template <class T>
std::uint32_t ByteReader::loadClassVersion() {
  return read_version(typeid(T), cereal::detail::Version<T>::version);
}

template <class T>
void ByteWriter::process(const T& object) {
  using namespace detail;
  if constexpr (wire_number<T>) {
    write(object);
  } else if constexpr (is_pair<T>) {
    process(object.value);
  } else if constexpr (is_size<T>) {
    write_varint(static_cast<std::uint64_t>(object.size));
  } else if constexpr (is_binary<T>) {
    using Element = typename BinaryElement<T>::type;
    const auto size = static_cast<std::size_t>(object.size);
    if constexpr (wire_number<Element>) {
      const auto* const elements = static_cast<const Element*>(object.data);
      const std::size_t count = size / sizeof(Element);
      write_array(elements, count);
      write_bytes(elements + count, size % sizeof(Element));
    } else {
      write_bytes(object.data, size);
    }
  } else if constexpr (is_deferred<T>) {
    defer([this, object] { process(object.value); });
  } else if constexpr (is_base<T>) {
    dispatch(*object.base_ptr);
  } else if constexpr (is_virtual_base<T>) {
    if (remember_base(object.base_ptr, typeid(std::remove_pointer_t<decltype(object.base_ptr)>)))
      dispatch(*object.base_ptr);
  } else {
    using cereal::epilogue;
    using cereal::prologue;
    prologue(*this, object);
    dispatch(object);
    epilogue(*this, object);
  }
}

template <class T>
void ByteReader::process(T& object) {
  using namespace detail;
  if constexpr (wire_number<T>) {
    read(object);
  } else if constexpr (is_pair<T>) {
    process(object.value);
  } else if constexpr (is_size<T>) {
    object.size = static_cast<std::remove_cvref_t<decltype(object.size)>>(read_size());
  } else if constexpr (is_binary<T>) {
    using Element = typename BinaryElement<T>::type;
    const auto size = static_cast<std::size_t>(object.size);
    if constexpr (wire_number<Element>) {
      auto* const elements = static_cast<Element*>(object.data);
      const std::size_t count = size / sizeof(Element);
      read_array(elements, count);
      read_bytes(elements + count, size % sizeof(Element));
    } else {
      read_bytes(object.data, size);
    }
  } else if constexpr (is_deferred<std::remove_const_t<T>>) {
    defer([this, object](Deferred what) {
      what == Deferred::read ? process(object.value) : clear_deferred(object.value);
    });
  } else if constexpr (is_base<T>) {
    enter({});
    dispatch(*object.base_ptr);
    leave();
  } else if constexpr (is_virtual_base<T>) {
    if (!remember_base(object.base_ptr, typeid(std::remove_pointer_t<decltype(object.base_ptr)>)))
      return;
    enter({});
    dispatch(*object.base_ptr);
    leave();
  } else {
    process_object(object);
  }
}

template <class T>
void ByteReader::process_object(T& object) {
  using cereal::epilogue;
  using cereal::prologue;
  using namespace detail;
  prologue(*this, object);
  if constexpr (may_nest<T>) {
    constexpr ElementShape shape = element_shape<T>;
    enter(shape);
  } else if constexpr (has_elements<T>) {
    constexpr ElementShape shape = element_shape<T>;
    expect_elements(shape);
  }
  if constexpr (empty_bytes<T> != 0) charge(empty_bytes<T>);
  if constexpr (is_weak_pointer<T>) expect_weak();
  using Base = typename PointerBase<T>::type;
  if constexpr (!std::is_void_v<Base>) {
    expect_base(typeid(Base),
                accepts_polymorphic<Base> ? PolymorphicTypes::accept : PolymorphicTypes::refuse);
  }
  [[maybe_unused]] const std::byte* const begin = cursor_;
  dispatch(object);
  // Of no object at all there was nothing to point back to.
  if constexpr (is_weak_pointer<T>) expect_owner();
  if constexpr (may_nest<T>) leave();
  if constexpr (has_elements<T>) forget_elements();  // it may have read no size
  if constexpr (ranged_enum<T>) {
    constexpr auto range = tickwire_enum_range(MessageTag<T>{});
    if (object < range.first || object > range.second) fail_enum(begin);
  }
  epilogue(*this, object);
}

template <class T>
void ByteReader::process_levelled(T& object) {
  using cereal::epilogue;
  using cereal::prologue;
  prologue(*this, object);
  dispatch(object);
  epilogue(*this, object);
}

template <class Iterator>
void ByteReader::read_each(Iterator first, Iterator last) {
  using T = std::iter_value_t<Iterator>;
  if constexpr (detail::is_plain_object<T> && !detail::is_archive_word<T>) {
    if (first == last) return;
    enter({});
    for (; first != last; ++first) {
      process_levelled(*first);
      forget_elements();
    }
    leave();
  } else {
    for (; first != last; ++first)
      process(*first);
  }
}

// A call with several numbers or short arrays in a row checks the room for them once.

template <class... Types>
TICKWIRE_ALWAYS_INLINE ByteWriter& ByteWriter::operator()(Types&&... objects) {
  if constexpr (sizeof...(Types) == 1) {
    (process(objects), ...);
  } else {
    write_from<0>(std::tuple<std::remove_reference_t<Types>&...>(objects...));
  }
  return *this;
}

template <std::size_t From, class... Types>
TICKWIRE_ALWAYS_INLINE void ByteWriter::write_from(const std::tuple<Types&...>& objects) {
  if constexpr (From < sizeof...(Types)) {
    constexpr std::size_t end = detail::run_end<Types...>(From);
    if constexpr (end > From + 1) {
      write_run<From>(objects, std::make_index_sequence<end - From>());
      write_from<end>(objects);
    } else {
      process(std::get<From>(objects));
      write_from<From + 1>(objects);
    }
  }
}

template <std::size_t From, class... Types, std::size_t... Offsets>
TICKWIRE_ALWAYS_INLINE void ByteWriter::write_run(const std::tuple<Types&...>& objects,
                                                  std::index_sequence<Offsets...>) {
  using detail::Plain;
  constexpr std::size_t all =
      (sizeof(typename Plain<std::tuple_element_t<From + Offsets, std::tuple<Types...>>>::type) +
       ...);
  cursor_ = detail::store_run<From, From + sizeof...(Offsets)>(room(all), objects);
}

template <class... Types>
TICKWIRE_ALWAYS_INLINE ByteReader& ByteReader::operator()(Types&&... objects) {
  if constexpr (sizeof...(Types) == 1) {
    (process(objects), ...);
  } else {
    read_from<0>(std::tuple<std::remove_reference_t<Types>&...>(objects...));
  }
  return *this;
}

template <std::size_t From, class... Types>
TICKWIRE_ALWAYS_INLINE void ByteReader::read_from(const std::tuple<Types&...>& objects) {
  if constexpr (From < sizeof...(Types)) {
    constexpr std::size_t end = detail::run_end<Types...>(From);
    if constexpr (end > From + 1) {
      read_run<From>(objects, std::make_index_sequence<end - From>());
      read_from<end>(objects);
    } else {
      process(std::get<From>(objects));
      read_from<From + 1>(objects);
    }
  }
}

template <std::size_t From, class... Types, std::size_t... Offsets>
TICKWIRE_ALWAYS_INLINE void ByteReader::read_run(const std::tuple<Types&...>& objects,
                                                 std::index_sequence<Offsets...>) {
  using namespace detail;
  const auto plain = []<class T>(T & object) -> auto& {
    return Plain<T>::of(object);
  };
  static constexpr std::array<std::size_t, sizeof...(Offsets)> sizes{
      sizeof(typename Plain<std::tuple_element_t<From + Offsets, std::tuple<Types...>>>::type)...};
  constexpr std::size_t all = std::accumulate(sizes.begin(), sizes.end(), std::size_t{0});
  if (remaining() < all) [[unlikely]]
    fail_run(sizes);
  const std::byte* at = cursor_;
  const auto check = [&at, this]<class T>(const T&) {
    if constexpr (std::is_same_v<T, bool>) {
      if (std::to_integer<unsigned>(*at) > 1) [[unlikely]]
        fail_bool(at);
    }
    at += sizeof(T);
  };
  (check(plain(std::get<From + Offsets>(objects))), ...);
  cursor_ = load_run<From, From + sizeof...(Offsets)>(cursor_, objects);
}

// So that Cereal's traits know what `process` takes by itself.

template <detail::wire_number T>
void save(ByteWriter& writer, const T& number) {
  writer.write(number);
}
template <detail::wire_number T>
void load(ByteReader& reader, T& number) {
  reader.read(number);
}
template <class T>
void save(ByteWriter& writer, const cereal::NameValuePair<T>& pair) {
  writer(pair);
}
template <class T>
void load(ByteReader& reader, cereal::NameValuePair<T>& pair) {
  reader(pair);
}
template <class T>
void save(ByteWriter& writer, const cereal::SizeTag<T>& size) {
  writer(size);
}
template <class T>
void load(ByteReader& reader, cereal::SizeTag<T>& size) {
  reader(size);
}
template <class T>
void save(ByteWriter& writer, const cereal::BinaryData<T>& binary) {
  writer(binary);
}
template <class T>
void load(ByteReader& reader, cereal::BinaryData<T>& binary) {
  reader(binary);
}

}  // namespace tickwire
