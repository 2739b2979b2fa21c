// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <tickwire/decode_limits.hpp>
#include <tickwire/error.hpp>
#include <tickwire/export.hpp>
#include <tickwire/message_name.hpp>

namespace tickwire {

class ByteReader;
class ByteWriter;

namespace detail {
struct ValueReader;
}

/// Nothing, a bool, an integer, a real number, text, bytes, a list or a map of values: for programs
/// that want no fixed types.
///
/// Shape:  text and the keys of maps are UTF-8; at most `Value::max_depth` lists and maps inside
///         one another. What breaks this is not encoded (`encode_failed`) and not decoded
///         (`malformed_object`).
class Value {
 public:
  using Bytes = std::vector<std::byte>;
  using List = std::vector<Value>;
  using Map = std::map<std::string, Value, std::less<>>;

  enum class Kind : std::uint8_t { nothing, boolean, integer, real, string, bytes, list, map };

  static constexpr std::uint32_t max_depth = 64;

  Value() noexcept = default;
  Value(std::nullptr_t) noexcept {}
  Value(std::same_as<bool> auto value) noexcept : state_(value) {}
  /// An integer above the range of 64 bits with a sign becomes a real number.
  template <std::integral T>
  requires(!std::same_as<T, bool>) Value(T value)
  noexcept {
    if (std::in_range<std::int64_t>(+value)) {
      state_ = static_cast<std::int64_t>(value);
    } else {
      state_ = static_cast<double>(value);
    }
  }
  Value(std::floating_point auto value) noexcept : state_(static_cast<double>(value)) {}
  Value(const char* value) : state_(std::string(value)) {}
  Value(std::string_view value) : state_(std::string(value)) {}
  Value(std::string value) noexcept : state_(std::move(value)) {}
  Value(Bytes value) noexcept : state_(std::move(value)) {}
  Value(List value) noexcept : state_(std::move(value)) {}
  Value(Map value) noexcept : state_(std::move(value)) {}

  [[nodiscard]] static Value list(std::initializer_list<Value> values) { return List(values); }
  [[nodiscard]] static Value map(std::initializer_list<Map::value_type> entries) {
    return Map(entries);
  }

  [[nodiscard]] Kind kind() const noexcept { return static_cast<Kind>(state_.index()); }
  [[nodiscard]] bool is_nothing() const noexcept { return kind() == Kind::nothing; }
  [[nodiscard]] bool is_boolean() const noexcept { return kind() == Kind::boolean; }
  [[nodiscard]] bool is_integer() const noexcept { return kind() == Kind::integer; }
  [[nodiscard]] bool is_real() const noexcept { return kind() == Kind::real; }
  [[nodiscard]] bool is_string() const noexcept { return kind() == Kind::string; }
  [[nodiscard]] bool is_bytes() const noexcept { return kind() == Kind::bytes; }
  [[nodiscard]] bool is_list() const noexcept { return kind() == Kind::list; }
  [[nodiscard]] bool is_map() const noexcept { return kind() == Kind::map; }

  // What it holds, or nothing when it holds something else.

  [[nodiscard]] std::optional<bool> boolean() const noexcept { return copy<bool>(); }
  [[nodiscard]] std::optional<std::int64_t> integer() const noexcept {
    return copy<std::int64_t>();
  }
  [[nodiscard]] std::optional<double> real() const noexcept { return copy<double>(); }
  /// An integer or a real number, as a real number.
  [[nodiscard]] TICKWIRE_API std::optional<double> number() const noexcept;
  [[nodiscard]] const std::string* string() const noexcept { return std::get_if<kString>(&state_); }
  [[nodiscard]] std::string* string() noexcept { return std::get_if<kString>(&state_); }
  [[nodiscard]] const Bytes* bytes() const noexcept { return std::get_if<Bytes>(&state_); }
  [[nodiscard]] Bytes* bytes() noexcept { return std::get_if<Bytes>(&state_); }
  [[nodiscard]] const List* list() const noexcept { return std::get_if<List>(&state_); }
  [[nodiscard]] List* list() noexcept { return std::get_if<List>(&state_); }
  [[nodiscard]] const Map* map() const noexcept { return std::get_if<Map>(&state_); }
  [[nodiscard]] Map* map() noexcept { return std::get_if<Map>(&state_); }

  /// Elements of a list or a map; 0 for everything else.
  [[nodiscard]] TICKWIRE_API std::size_t size() const noexcept;
  /// The value of a key; a null pointer when there is none, or this is no map.
  [[nodiscard]] TICKWIRE_API const Value* find(std::string_view key) const noexcept;
  [[nodiscard]] bool contains(std::string_view key) const noexcept { return find(key) != nullptr; }
  /// The value of a key; nothing when there is none.
  [[nodiscard]] TICKWIRE_API const Value& operator[](std::string_view key) const noexcept;
  /// The value at a place of a list; nothing when there is none.
  [[nodiscard]] TICKWIRE_API const Value& at(std::size_t place) const noexcept;
  /// The value of a key, which is put there when it is missing. What is no map becomes one.
  [[nodiscard]] TICKWIRE_API Value& operator[](std::string_view key);
  /// Adds to a list. What is no list becomes one.
  TICKWIRE_API Value& push_back(Value value);

  /// Equal in kind and content: the integer 1 is not the real number 1.
  [[nodiscard]] TICKWIRE_API bool operator==(const Value& other) const noexcept;

 private:
  friend struct detail::ValueReader;

  static constexpr std::size_t kString = 4;

  template <class T>
  [[nodiscard]] std::optional<T> copy() const noexcept {
    const T* held = std::get_if<T>(&state_);
    return held != nullptr ? std::optional<T>(*held) : std::nullopt;
  }

  // In the order of `Kind`.
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Bytes, List, Map> state_;
};

/// Names with values that travel beside a message.
class Metadata {
 public:
  using Map = Value::Map;

  Metadata() = default;
  Metadata(std::initializer_list<Map::value_type> entries) : entries_(entries) {}
  explicit Metadata(Map entries) noexcept : entries_(std::move(entries)) {}

  /// Sets what stands under a name, in place of what stood there.
  Metadata& set(std::string name, Value value) {
    entries_.insert_or_assign(std::move(name), std::move(value));
    return *this;
  }
  /// A null pointer when nothing stands under the name.
  [[nodiscard]] const Value* find(std::string_view name) const noexcept {
    const auto entry = entries_.find(name);
    return entry != entries_.end() ? &entry->second : nullptr;
  }
  [[nodiscard]] bool contains(std::string_view name) const noexcept {
    return find(name) != nullptr;
  }
  void clear() noexcept { entries_.clear(); }
  [[nodiscard]] const Map& entries() const noexcept { return entries_; }

  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  /// Goes through pairs of a name and a value, in the order of the names.
  [[nodiscard]] Map::const_iterator begin() const noexcept { return entries_.begin(); }
  [[nodiscard]] Map::const_iterator end() const noexcept { return entries_.end(); }

  [[nodiscard]] bool operator==(const Metadata&) const = default;

 private:
  friend struct detail::ValueReader;

  Map entries_;
};

/// How the archives write and read them. One byte says what follows: 0 nothing, 1 false, 2 true, 3
/// an integer (zigzag varint), 4 a real number (8 bytes), 5 text and 6 bytes (size, content), 7 a
/// list (size, values), 8 a map (size, then keys in rising order, each with its value). `Metadata`
/// is a map without the first byte.
TICKWIRE_API void save(ByteWriter& writer, const Value& value);
TICKWIRE_API void load(ByteReader& reader, Value& value);
TICKWIRE_API void save(ByteWriter& writer, const Metadata& metadata);
TICKWIRE_API void load(ByteReader& reader, Metadata& metadata);

/// As `encode` and `decode` of archive.hpp, for code that does not include Cereal.
TICKWIRE_API Result<void> encode_metadata(const Metadata& metadata, std::vector<std::byte>& bytes);
TICKWIRE_API Result<Metadata> decode_metadata(std::span<const std::byte> bytes,
                                              const DecodeLimits& limits = {});

TICKWIRE_MESSAGE(Value, "tickwire.value");
TICKWIRE_MESSAGE(Metadata, "tickwire.metadata");

}  // namespace tickwire
