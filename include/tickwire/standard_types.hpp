// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <forward_list>
#include <list>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <unordered_set>
#include <utility>
#include <valarray>
#include <variant>
#include <vector>

#include <tickwire/byte_reader.hpp>
#include <tickwire/byte_writer.hpp>
#include <tickwire/element_shape.hpp>
#include <tickwire/export.hpp>
#include <tickwire/serialization.hpp>

// Standard types that the archives treat in their own way; Cereal's functions serve all others.
// Some are smaller on the wire than in Cereal's form: `std::byte` is copied whole, the index of a
// variant and the number of a shared object are varints. An optional keeps its memory. The rest is
// safety: Cereal makes all elements of a container before it reads the first, loses the object when
// the bytes end inside `load_and_construct`, and touches elements that an empty valarray or array
// does not have.

namespace cereal::detail {
struct PolymorphicCasters;
}

namespace tickwire {

// The functions below have the template parameters of Cereal's and a constraint more, so that they
// are taken before Cereal's, but not before one that a program wrote for a type of its own.

template <class Archive>
concept is_writer = std::same_as<Archive, ByteWriter>;
template <class Archive>
concept is_reader = std::same_as<Archive, ByteReader>;

template <class Archive, class A>
void save(Archive& writer, const std::vector<std::byte, A>& bytes) requires is_writer<Archive> {
  writer.write_varint(bytes.size());
  writer.write_bytes(bytes.data(), bytes.size());
}
template <class Archive, class A>
void load(Archive& reader, std::vector<std::byte, A>& bytes) requires is_reader<Archive> {
  bytes.resize(reader.read_size());
  reader.read_bytes(bytes.data(), bytes.size());
}

template <class Archive, class C, class T, class A>
void save(Archive& writer, const std::basic_string<C, T, A>& text) requires is_writer<Archive> &&
    (sizeof(C) == 1) {
  writer.write_text(reinterpret_cast<const char*>(text.data()), text.size());
}

// Cereal takes the size of an empty array for one byte.
template <class Archive, class T, std::size_t N>
void save(Archive& writer,
          const std::array<T, N>& numbers) requires is_writer<Archive> && std::is_arithmetic_v<T> {
  writer.write_array(numbers.data(), N);
}
template <class Archive, class T, std::size_t N>
void load(Archive& reader,
          std::array<T, N>& numbers) requires is_reader<Archive> && std::is_arithmetic_v<T> {
  reader.read_array(numbers.data(), N);
}
template <class Archive, std::size_t N>
void save(Archive& writer, const std::array<std::byte, N>& bytes) requires is_writer<Archive> {
  writer.write_bytes(bytes.data(), N);
}
template <class Archive, std::size_t N>
void load(Archive& reader, std::array<std::byte, N>& bytes) requires is_reader<Archive> {
  reader.read_bytes(bytes.data(), N);
}

namespace detail {

template <class T>
inline constexpr bool is_vector = false;
template <class T, class A>
inline constexpr bool is_vector<std::vector<T, A>> = true;

/// Reads elements one after the other, over those that are there already.
template <class Sequence>
void load_elements(ByteReader& reader, Sequence& sequence, std::size_t count) {
  using Element = typename Sequence::value_type;
  if (sequence.size() > count) sequence.resize(count);
  reader.read_each(sequence.begin(), sequence.end());
  if constexpr (std::is_trivially_copyable_v<Element> && is_vector<Sequence>) {
    // Some at a time, so that bytes which end early have not cost much.
    constexpr std::size_t kAtOnce = std::max<std::size_t>(1, 16384 / sizeof(Element));
    while (sequence.size() < count) {
      const auto known = static_cast<std::ptrdiff_t>(sequence.size());
      sequence.resize(std::min(count, sequence.size() + kAtOnce));
      reader.read_each(sequence.begin() + known, sequence.end());
    }
  } else {
    while (sequence.size() < count)
      reader(sequence.emplace_back());
  }
}

}  // namespace detail

template <class Archive, class T, class A>
void load(Archive& reader, std::vector<T, A>& vector) requires is_reader<Archive> &&
    (!std::is_arithmetic_v<T>) {
  const std::size_t count = reader.read_size();
  vector.reserve(count);
  detail::load_elements(reader, vector, count);
}

template <class Archive, class T, class A>
void load(Archive& reader, std::list<T, A>& list) requires is_reader<Archive> {
  detail::load_elements(reader, list, reader.read_size());
}

template <class Archive, class T, class A>
void load(Archive& reader, std::deque<T, A>& deque) requires is_reader<Archive> {
  detail::load_elements(reader, deque, reader.read_size());
}

template <class Archive, class T, class A>
void load(Archive& reader, std::forward_list<T, A>& list) requires is_reader<Archive> {
  const std::size_t count = reader.read_size();
  auto last = list.before_begin();
  for (std::size_t i = 0; i < count; ++i, ++last) {
    auto next = std::next(last);
    if (next == list.end()) next = list.emplace_after(last);
    reader(*next);
  }
  list.erase_after(last, list.end());
}

template <class Archive, class T>
void save(Archive& writer, const std::valarray<T>& numbers) requires is_writer<Archive> {
  writer.write_varint(numbers.size());
  for (std::size_t i = 0; i < numbers.size(); ++i)
    writer(numbers[i]);
}
template <class Archive, class T>
void load(Archive& reader, std::valarray<T>& numbers) requires is_reader<Archive> {
  const std::size_t count = reader.read_size();
  if (numbers.size() != count) numbers.resize(count);
  for (std::size_t i = 0; i < count; ++i)
    reader(numbers[i]);
}

namespace detail {

[[noreturn]] TICKWIRE_API void fail_key_twice(ByteReader& reader);
[[noreturn]] TICKWIRE_API void fail_key_late(ByteReader& reader);

/// Keys are whole before they are in their place, so they can put nothing off.
template <class Key>
void read_key(ByteReader& reader, Key& key) {
  const std::size_t before = reader.deferments();
  reader(key);
  if (reader.deferments() != before) fail_key_late(reader);
}

template <class Set>
void load_keys(ByteReader& reader, Set& set) {
  const std::size_t count = reader.read_size();
  set.clear();
  for (std::size_t i = 0; i < count; ++i) {
    typename Set::key_type key;
    read_key(reader, key);
    set.emplace_hint(set.end(), std::move(key));
  }
}

}  // namespace detail

template <class Archive, template <class...> class Map, class... Args,
          class = typename Map<Args...>::mapped_type>
void load(Archive& reader, Map<Args...>& map) requires is_reader<Archive> {
  const std::size_t count = reader.read_size();
  map.clear();
  for (std::size_t i = 0; i < count; ++i) {
    typename Map<Args...>::key_type key;
    detail::read_key(reader, key);
    typename Map<Args...>::mapped_type value{};
    // In its place before it is read, because what it puts off with `cereal::defer` stays there;
    // where another one is already, that would go.
    const auto place = map.emplace_hint(map.end(), std::move(key), std::move(value));
    if (map.size() != i + 1) detail::fail_key_twice(reader);
    reader(place->second);
  }
}

template <class Archive, class K, class C, class A>
void load(Archive& reader, std::set<K, C, A>& set) requires is_reader<Archive> {
  detail::load_keys(reader, set);
}
template <class Archive, class K, class C, class A>
void load(Archive& reader, std::multiset<K, C, A>& set) requires is_reader<Archive> {
  detail::load_keys(reader, set);
}
template <class Archive, class K, class H, class E, class A>
void load(Archive& reader, std::unordered_set<K, H, E, A>& set) requires is_reader<Archive> {
  detail::load_keys(reader, set);
}
template <class Archive, class K, class H, class E, class A>
void load(Archive& reader, std::unordered_multiset<K, H, E, A>& set) requires is_reader<Archive> {
  detail::load_keys(reader, set);
}

template <class Archive, class T>
void load(Archive& reader, std::optional<T>& optional) requires is_reader<Archive> {
  bool empty = false;
  reader.read(empty);
  if (empty) return optional.reset();
  if (!optional) optional.emplace();
  reader(*optional);
}

template <class Archive, class First, class... Rest>
void save(Archive& writer,
          const std::variant<First, Rest...>& variant) requires is_writer<Archive> {
  writer.write_varint(variant.index());
  std::visit([&writer](const auto& value) { writer(value); }, variant);
}

namespace detail {

[[noreturn]] TICKWIRE_API void fail_variant(ByteReader& reader, std::uint64_t index,
                                            std::size_t alternatives);

template <std::size_t I = 0, class... T>
void load_alternative(ByteReader& reader, std::uint64_t index, std::variant<T...>& variant) {
  if constexpr (I == sizeof...(T)) {
    fail_variant(reader, index, sizeof...(T));
  } else {
    if (index != I) return load_alternative<I + 1>(reader, index, variant);
    if (variant.index() != I) variant.template emplace<I>();
    reader(*std::get_if<I>(&variant));
  }
}

}  // namespace detail

template <class Archive, class... T>
void load(Archive& reader, std::variant<T...>& variant) requires is_reader<Archive> {
  detail::load_alternative(reader, reader.read_varint(), variant);
}

namespace detail {

/// Whether Cereal knows the way from `T` to a base class.
template <class T, class Casters = cereal::detail::PolymorphicCasters>
bool leads_to(const std::type_info& base) {
  return base == typeid(T) || Casters::lookup_if_exists(base, typeid(T)).first;
}

[[noreturn]] TICKWIRE_API void fail_base(ByteReader& reader);
[[noreturn]] TICKWIRE_API void fail_not_made(ByteReader& reader);

/// Demands that the class which the bytes chose is one of those that the pointer may point to.
/// Cereal finds out only after it read the object, and then loses it.
template <class T>
void check_base(ByteReader& reader) {
  if constexpr (std::is_polymorphic_v<T>) {
    const std::type_info* base = reader.take_base();
    if (base != nullptr && !leads_to<T>(*base)) fail_base(reader);
  }
}

/// Room for one object that `load_and_construct` makes at some point while it reads.
template <class T>
class Room {
 public:
  Room() : object_(std::allocator<T>().allocate(1)) {}
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;
  ~Room() {
    if (object_ == nullptr) return;
    if (made_) std::destroy_at(object_);
    std::allocator<T>().deallocate(object_, 1);
  }

  [[nodiscard]] T* address() const noexcept { return object_; }
  void set_made() noexcept { made_ = true; }
  [[nodiscard]] bool made() const noexcept { return made_; }
  T* release() noexcept { return std::exchange(object_, nullptr); }

 private:
  T* object_;
  bool made_ = false;
};

/// Runs the type's `load_and_construct`. `on_made` is called right after the constructor.
template <class T, class OnMade>
void load_and_construct(ByteReader& reader, Room<T>& room, OnMade on_made) {
  const auto made = [&room, &on_made] {
    room.set_made();
    on_made();
  };
  cereal::memory_detail::LoadAndConstructLoadWrapper<ByteReader, T> wrapper(room.address(), made);
  reader(wrapper);
  if (!room.made()) fail_not_made(reader);
}

}  // namespace detail

template <class Archive, class T, class D>
void load(Archive& reader,
          cereal::memory_detail::PtrWrapper<std::unique_ptr<T, D>&>& wrapper) requires
    is_reader<Archive> {
  using Object = std::remove_const_t<T>;
  detail::check_base<Object>(reader);
  bool valid = false;
  reader.read(valid);
  if (!valid) return wrapper.ptr.reset();
  reader.charge(sizeof(T) + detail::kNodeBytes);
  if constexpr (cereal::traits::has_load_and_construct<Object, ByteReader>::value) {
    detail::Room<Object> room;
    detail::load_and_construct(reader, room, [] {});
    wrapper.ptr.reset(room.release());
  } else {
    std::unique_ptr<Object, D> object(
        cereal::detail::Construct<Object, ByteReader>::load_andor_construct());
    reader(*object);
    wrapper.ptr = std::move(object);
  }
}

template <class Archive, class T>
void save(Archive& writer,
          const cereal::memory_detail::PtrWrapper<const std::shared_ptr<T>&>& wrapper) requires
    is_writer<Archive> {
  const auto identity = writer.identify(wrapper.ptr, typeid(T));
  writer.write_varint(identity.id);
  if (identity.first) writer(*wrapper.ptr);
}

template <class Archive, class T>
void load(Archive& reader, cereal::memory_detail::PtrWrapper<std::shared_ptr<T>&>& wrapper) requires
    is_reader<Archive> {
  using Object = std::remove_const_t<T>;
  detail::check_base<Object>(reader);
  const auto identity = reader.read_identity();
  if (identity.null) return wrapper.ptr.reset();
  if (!identity.first) {
    wrapper.ptr = std::static_pointer_cast<T>(reader.find_shared(identity.index, typeid(T)));
    return;
  }
  reader.charge(sizeof(T) + detail::kNodeBytes);
  std::shared_ptr<Object> object;
  if constexpr (cereal::traits::has_load_and_construct<Object, ByteReader>::value) {
    const auto room = std::make_shared<detail::Room<Object>>();
    object = std::shared_ptr<Object>(room, room->address());
    reader.begin_shared(nullptr, typeid(T));
    detail::load_and_construct(reader, *room, [&] {
      reader.make_shared_known(identity.index, object);
      // Only a pointer made of the bare address sets up `shared_from_this`. It lets go of the room
      // at its end itself, because the object in there refers back to it.
      if constexpr (cereal::traits::has_shared_from_this<Object>::value) {
        object = std::shared_ptr<Object>(room->address(),
                                         [room = room](Object*) mutable { room.reset(); });
      }
    });
  } else {
    object.reset(cereal::detail::Construct<Object, ByteReader>::load_andor_construct());
    reader.begin_shared(object, typeid(T));
    reader(*object);
  }
  reader.complete_shared(identity.index, object);
  wrapper.ptr = std::move(object);
}

}  // namespace tickwire
