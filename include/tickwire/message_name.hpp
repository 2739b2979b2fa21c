// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <atomic>
#include <bitset>
#include <chrono>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <forward_list>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <ratio>
#include <set>
#include <stack>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <valarray>
#include <variant>
#include <vector>

#include <tickwire/export.hpp>

namespace tickwire {

/// What is sent for a `T`: the type itself, and `std::string` for a string literal, a
/// `const char*` and a `std::string_view`.
template <class T>
struct message_value {
  using decayed = std::decay_t<T>;
  static constexpr bool is_text = std::is_same_v<decayed, const char*> ||
                                  std::is_same_v<decayed, char*> ||
                                  std::is_same_v<decayed, std::string_view>;
  using type = std::conditional_t<is_text, std::string, std::remove_cvref_t<T>>;
};

template <class T>
using message_value_t = typename message_value<T>::type;

namespace detail {

/// Stands for `T` in the look-up of its name, so that a derived class does not find its base's.
template <class T>
struct MessageTag {};

/// Characters that a name is put together from at compile time.
template <std::size_t N>
struct NameText {
  std::array<char, N> characters{};
  [[nodiscard]] constexpr std::string_view view() const noexcept { return {characters.data(), N}; }
};

/// Says whether `TICKWIRE_MESSAGE` was written for `T`.
template <class T>
concept has_given_name = requires {
  std::string_view(tickwire_message_name(MessageTag<T>{}));
};

/// Holds the wire name of a type in `view`, and whether there is one in `exists`. The primary
/// template serves what `TICKWIRE_MESSAGE` named; the others are the standard types.
template <class T>
struct NameOf {
  static constexpr bool exists = has_given_name<T>;
  static constexpr std::string_view view = [] {
    if constexpr (exists) return std::string_view(tickwire_message_name(MessageTag<T>{}));
    return std::string_view();
  }();
};

/// A name that is written in the source.
#define TICKWIRE_DETAIL_NAME(Type, Name)           \
  template <>                                      \
  struct NameOf<Type> {                            \
    static constexpr bool exists = true;           \
    static constexpr std::string_view view = Name; \
  };
TICKWIRE_DETAIL_NAME(bool, "bool")
TICKWIRE_DETAIL_NAME(char, "char")
TICKWIRE_DETAIL_NAME(float, "f32")
TICKWIRE_DETAIL_NAME(double, "f64")
TICKWIRE_DETAIL_NAME(std::byte, "byte")
TICKWIRE_DETAIL_NAME(std::monostate, "nothing")
#undef TICKWIRE_DETAIL_NAME

/// Says whether `T` is one of the integers whose name is its width.
template <class T>
concept sized_integer = std::is_same_v<T, signed char> || std::is_same_v<T, unsigned char> ||
    std::is_same_v<T, short> || std::is_same_v<T, unsigned short> || std::is_same_v<T, int> ||
    std::is_same_v<T, unsigned int> || std::is_same_v<T, long> ||
    std::is_same_v<T, unsigned long> || std::is_same_v<T, long long> ||
    std::is_same_v<T, unsigned long long>;

template <sized_integer T>
struct NameOf<T> {
  static constexpr bool exists = true;
  static constexpr std::string_view view = std::is_signed_v<T> ? (sizeof(T) == 1   ? "i8"
                                                                  : sizeof(T) == 2 ? "i16"
                                                                  : sizeof(T) == 4 ? "i32"
                                                                                   : "i64")
                                                               : (sizeof(T) == 1   ? "u8"
                                                                  : sizeof(T) == 2 ? "u16"
                                                                  : sizeof(T) == 4 ? "u32"
                                                                                   : "u64");
};

/// A whole number as text.
template <std::uintmax_t Number>
struct NumberName {
  static constexpr bool exists = true;
  static constexpr std::size_t digits = [] {
    std::size_t count = 1;
    for (std::uintmax_t rest = Number; rest >= 10; rest /= 10)
      ++count;
    return count;
  }();
  static constexpr NameText<digits> text = [] {
    NameText<digits> result;
    std::uintmax_t rest = Number;
    for (std::size_t at = digits; at-- > 0; rest /= 10) {
      result.characters[at] = static_cast<char>('0' + rest % 10);
    }
    return result;
  }();
  static constexpr std::string_view view = text.view();
};

/// The word of a template, for `Composed`.
template <std::size_t N>
struct Word {
  char characters[N]{};
  constexpr Word(const char (&literal)[N]) {
    for (std::size_t at = 0; at < N; ++at)
      characters[at] = literal[at];
  }
};

/// `Head<part,part>`, which exists when all its parts do.
template <Word Head, class... Parts>
struct Composed {
  static constexpr bool exists = (Parts::exists && ...);
  static constexpr std::string_view head{Head.characters, sizeof(Head.characters) - 1};
  static constexpr std::size_t commas = sizeof...(Parts) > 0 ? sizeof...(Parts) - 1 : 0;
  static constexpr std::size_t size = head.size() + 2 + commas + (Parts::view.size() + ... + 0);
  static constexpr NameText<size> text = [] {
    NameText<size> result;
    std::size_t at = 0;
    const auto add = [&](std::string_view part) {
      for (const char character : part)
        result.characters[at++] = character;
    };
    std::string_view separator = "<";
    add(head);
    ((add(separator), add(Parts::view), separator = ","), ...);
    if (sizeof...(Parts) == 0) add(separator);
    add(">");
    return result;
  }();
  static constexpr std::string_view view = text.view();
};

template <class Traits, class Allocator>
struct NameOf<std::basic_string<char, Traits, Allocator>> {
  static constexpr bool exists = true;
  static constexpr std::string_view view = "string";
};

template <class T, class A>
struct NameOf<std::vector<T, A>> : Composed<"vector", NameOf<T>> {};
template <class T, std::size_t N>
struct NameOf<std::array<T, N>> : Composed<"array", NameOf<T>, NumberName<N>> {};
template <class T, class A>
struct NameOf<std::list<T, A>> : Composed<"list", NameOf<T>> {};
template <class T, class A>
struct NameOf<std::forward_list<T, A>> : Composed<"forward_list", NameOf<T>> {};
template <class T, class A>
struct NameOf<std::deque<T, A>> : Composed<"deque", NameOf<T>> {};
template <class T>
struct NameOf<std::valarray<T>> : Composed<"valarray", NameOf<T>> {};
template <class T, class C>
struct NameOf<std::stack<T, C>> : Composed<"stack", NameOf<T>> {};
template <class T, class C>
struct NameOf<std::queue<T, C>> : Composed<"queue", NameOf<T>> {};
template <class T, class C, class L>
struct NameOf<std::priority_queue<T, C, L>> : Composed<"priority_queue", NameOf<T>> {};
template <class T, class L, class A>
struct NameOf<std::set<T, L, A>> : Composed<"set", NameOf<T>> {};
template <class T, class L, class A>
struct NameOf<std::multiset<T, L, A>> : Composed<"multiset", NameOf<T>> {};
template <class T, class H, class E, class A>
struct NameOf<std::unordered_set<T, H, E, A>> : Composed<"unordered_set", NameOf<T>> {};
template <class T, class H, class E, class A>
struct NameOf<std::unordered_multiset<T, H, E, A>> : Composed<"unordered_multiset", NameOf<T>> {};
template <class K, class V, class L, class A>
struct NameOf<std::map<K, V, L, A>> : Composed<"map", NameOf<K>, NameOf<V>> {};
template <class K, class V, class L, class A>
struct NameOf<std::multimap<K, V, L, A>> : Composed<"multimap", NameOf<K>, NameOf<V>> {};
template <class K, class V, class H, class E, class A>
struct NameOf<std::unordered_map<K, V, H, E, A>> : Composed<"unordered_map", NameOf<K>, NameOf<V>> {
};
template <class K, class V, class H, class E, class A>
struct NameOf<std::unordered_multimap<K, V, H, E, A>>
    : Composed<"unordered_multimap", NameOf<K>, NameOf<V>> {};
template <class A, class B>
struct NameOf<std::pair<A, B>> : Composed<"pair", NameOf<A>, NameOf<B>> {};
template <class... T>
struct NameOf<std::tuple<T...>> : Composed<"tuple", NameOf<T>...> {};
template <class... T>
struct NameOf<std::variant<T...>> : Composed<"variant", NameOf<T>...> {};
template <class T>
struct NameOf<std::optional<T>> : Composed<"optional", NameOf<T>> {};
template <class T, class D>
struct NameOf<std::unique_ptr<T, D>> : Composed<"unique_ptr", NameOf<T>> {};
template <class T>
struct NameOf<std::shared_ptr<T>> : Composed<"shared_ptr", NameOf<T>> {};
template <class T>
struct NameOf<std::complex<T>> : Composed<"complex", NameOf<T>> {};
template <std::size_t N>
struct NameOf<std::bitset<N>> : Composed<"bitset", NumberName<N>> {};
template <class R, class P>
struct NameOf<std::chrono::duration<R, P>>
    : Composed<"duration", NameOf<R>, NumberName<static_cast<std::uintmax_t>(P::num)>,
               NumberName<static_cast<std::uintmax_t>(P::den)>> {};
template <class T>
struct NameOf<const T> : NameOf<T> {};

/// FNV-1a over 32 bits. 0 and 0xFFFFFFFF are never ids: they become 1 and 0xFFFFFFFE.
///
/// Source: draft-eastlake-fnv.
[[nodiscard]] constexpr std::uint32_t message_id(std::string_view name) noexcept {
  std::uint32_t hash = 0x811C9DC5u;
  for (const char character : name) {
    hash = (hash ^ static_cast<unsigned char>(character)) * 0x01000193u;
  }
  if (hash == 0) return 1;
  return hash == 0xFFFFFFFFu ? 0xFFFFFFFEu : hash;
}

}  // namespace detail

/// Says whether objects of `T` can be sent on their own: whether `T` has a name on the wire.
template <class T>
concept named_message = detail::NameOf<message_value_t<T>>::exists;

namespace detail {

template <class T>
constexpr std::string_view checked_message_name() noexcept {
  static_assert(named_message<T>,
                "This type has no name on the wire. Write TICKWIRE_MESSAGE(Type, \"some.name\") "
                "after the type, in the type's own namespace.");
  return NameOf<message_value_t<T>>::view;
}

/// What the compiler calls a type, for sentences about types that have no name on the wire.
template <class T>
constexpr std::string_view compiler_name() noexcept {
#if defined(_MSC_VER) && !defined(__clang__)
  const std::string_view text = __FUNCSIG__;
  const std::size_t begin = text.find("compiler_name<") + 14;
  return text.substr(begin, text.rfind(">(") - begin);
#else
  const std::string_view text = __PRETTY_FUNCTION__;
  const std::size_t begin = text.find("T = ") + 4;
  return text.substr(begin, text.find_first_of(";]", begin) - begin);
#endif
}

}  // namespace detail

/// The name on the wire of `T`: what `TICKWIRE_MESSAGE` says, or one put together from the parts
/// of a standard type, such as "vector<pair<string,u32>>". A type without one does not compile.
template <class T>
inline constexpr std::string_view message_name = detail::checked_message_name<T>();

/// The 32 bits that stand for that name on the wire. Never 0 or 0xFFFFFFFF.
template <class T>
inline constexpr std::uint32_t message_type = detail::message_id(message_name<T>);

namespace detail {

/// An entry in the table of the names that this program knows. Lives in static storage and links
/// itself in, so that a program may name messages in any file, in any order of initialisation.
///
/// Lifetime: a library that names messages is unloaded only while nothing asks for names.
class MessageNode {
 public:
  TICKWIRE_API MessageNode(std::string_view name, std::uint32_t id) noexcept;
  TICKWIRE_API ~MessageNode();
  MessageNode(const MessageNode&) = delete;
  MessageNode& operator=(const MessageNode&) = delete;

 private:
  friend class MessageRegistry;

  std::string_view name_;
  std::uint32_t id_;
  std::atomic<MessageNode*> next_ = nullptr;
};

/// Holds the one entry of a type.
template <class T>
struct MessageRegistration {
  static inline MessageNode node{message_name<T>, message_type<T>};
};

/// The name behind an id, when a type of this program has it.
///
/// Thread: any.
[[nodiscard]] TICKWIRE_API std::optional<std::string_view> find_message_name(
    std::uint32_t id) noexcept;

/// Two different names of this program that have the same id, if there are such.
///
/// Thread: any.
[[nodiscard]] TICKWIRE_API std::optional<std::pair<std::string_view, std::string_view>>
name_collision() noexcept;

}  // namespace detail
}  // namespace tickwire

#define TICKWIRE_DETAIL_JOIN_(a, b) a##b
#define TICKWIRE_DETAIL_JOIN(a, b) TICKWIRE_DETAIL_JOIN_(a, b)

/// Says which values of an enumeration are valid on the wire: all from `First` to `Last`. A decode
/// refuses others. Without it every value of the underlying type passes, as in C++ itself. Stands
/// in the type's own namespace.
#define TICKWIRE_ENUM_RANGE(Type, First, Last)                                    \
  [[maybe_unused]] constexpr ::std::pair<Type, Type> tickwire_enum_range(         \
      ::tickwire::detail::MessageTag<Type>) noexcept {                            \
    static_assert(Type::First <= Type::Last, "The range goes from low to high."); \
    return {Type::First, Type::Last};                                             \
  }                                                                               \
  static_assert(true)

/// Gives `Type` its name on the wire. Stands after the type, in the type's own namespace. The
/// name is what both ends agree on: it stays when the type is renamed, and a type whose layout
/// changes (other than by a class version) gets a new one.
///
/// Shape: any text but the empty one; "game.thing" reads well. Not the name of a standard type.
#define TICKWIRE_MESSAGE(Type, Name)                                                       \
  [[maybe_unused]] constexpr ::std::string_view tickwire_message_name(                     \
      ::tickwire::detail::MessageTag<Type>) noexcept {                                     \
    static_assert(sizeof(Name) > 1, "The name of a message cannot be empty.");             \
    return Name;                                                                           \
  }                                                                                        \
  [[maybe_unused]] static constexpr ::tickwire::detail::MessageNode* TICKWIRE_DETAIL_JOIN( \
      tickwire_message_node_, __COUNTER__) = &::tickwire::detail::MessageRegistration<Type>::node
