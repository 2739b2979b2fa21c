// SPDX-License-Identifier: MIT
#include <tickwire/value.hpp>

#include <tickwire/archive.hpp>

#include "utf8.hpp"

namespace tickwire {
namespace {

enum class Tag : std::uint8_t { nothing, no, yes, integer, real, string, bytes, list, map };

constexpr detail::ElementShape kTextShape{1, 1};
constexpr detail::ElementShape kListShape{1, sizeof(Value)};
constexpr detail::ElementShape kMapShape{2, sizeof(Value::Map::value_type) + detail::kNodeBytes};

constexpr const char* kTooDeep = "values are nested more than 64 levels deep";
constexpr const char* kNoText = "text is not valid UTF-8";
static_assert(Value::max_depth == 64);

void write_text(ByteWriter& writer, std::string_view text) {
  if (!detail::is_utf8(text)) throw cereal::Exception(kNoText);
  writer.write_varint(text.size());
  writer.write_bytes(text.data(), text.size());
}

void read_text(ByteReader& reader, std::string& text) {
  reader.expect_elements(kTextShape);
  text.resize(reader.read_size());
  reader.read_bytes(text.data(), text.size());
  if (!detail::is_utf8(text)) reader.fail(ErrorCode::malformed_object, kNoText);
}

// Small negative numbers are as short as small positive ones.
constexpr std::uint64_t zigzag(std::int64_t value) noexcept {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
constexpr std::int64_t unzigzag(std::uint64_t value) noexcept {
  return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

struct ValueWriter {
  ByteWriter& out;
  std::uint32_t levels_left = Value::max_depth;

  void tag(Tag value) const { out.write(static_cast<std::uint8_t>(value)); }

  void list(const Value::List& values) {
    if (levels_left-- == 0) throw cereal::Exception(kTooDeep);
    out.write_varint(values.size());
    for (const Value& value : values)
      any(value);
    ++levels_left;
  }

  void map(const Value::Map& entries) {
    if (levels_left-- == 0) throw cereal::Exception(kTooDeep);
    out.write_varint(entries.size());
    for (const auto& [key, value] : entries) {
      write_text(out, key);
      any(value);
    }
    ++levels_left;
  }

  void any(const Value& value) {
    switch (value.kind()) {
      case Value::Kind::nothing:
        return tag(Tag::nothing);
      case Value::Kind::boolean:
        return tag(*value.boolean() ? Tag::yes : Tag::no);
      case Value::Kind::integer:
        tag(Tag::integer);
        return out.write_varint(zigzag(*value.integer()));
      case Value::Kind::real:
        tag(Tag::real);
        return out.write(*value.real());
      case Value::Kind::string:
        tag(Tag::string);
        return write_text(out, *value.string());
      case Value::Kind::bytes:
        tag(Tag::bytes);
        return save(out, *value.bytes());
      case Value::Kind::list:
        tag(Tag::list);
        return list(*value.list());
      case Value::Kind::map:
        tag(Tag::map);
        return map(*value.map());
    }
  }
};

}  // namespace

namespace detail {

/// Reads over what a value holds already, so that its memory is used again.
struct ValueReader {
  ByteReader& in;
  std::uint32_t levels_left = Value::max_depth;

  template <class T>
  static T& held(Value& value) {
    T* existing = std::get_if<T>(&value.state_);
    return existing != nullptr ? *existing : value.state_.emplace<T>();
  }

  void enter(const ElementShape& shape) {
    if (levels_left-- == 0) in.fail(ErrorCode::malformed_object, kTooDeep);
    in.enter(shape);
  }
  void leave() {
    in.leave();
    ++levels_left;
  }

  void list(Value::List& values) {
    enter(kListShape);
    const std::size_t count = in.read_size();
    if (values.size() > count) values.resize(count);
    values.reserve(count);
    for (Value& value : values)
      any(value);
    while (values.size() < count)
      any(values.emplace_back());
    leave();
  }

  void map(Value::Map& entries) {
    enter(kMapShape);
    const std::size_t count = in.read_size();
    entries.clear();
    std::string key;
    for (std::size_t i = 0; i < count; ++i) {
      read_text(in, key);
      if (i != 0 && key <= entries.rbegin()->first) {
        in.fail(ErrorCode::malformed_object, "the keys of a map do not rise");
      }
      any(entries.emplace_hint(entries.end(), key, Value())->second);
    }
    leave();
  }
  void map(Metadata& metadata) { map(metadata.entries_); }

  void any(Value& value) {
    std::uint8_t tag = 0;
    in.read(tag);
    switch (static_cast<Tag>(tag)) {
      case Tag::nothing:
        value.state_ = std::monostate();
        return;
      case Tag::no:
        value.state_ = false;
        return;
      case Tag::yes:
        value.state_ = true;
        return;
      case Tag::integer:
        value.state_ = unzigzag(in.read_varint());
        return;
      case Tag::real:
        return in.read(held<double>(value));
      case Tag::string:
        return read_text(in, held<std::string>(value));
      case Tag::bytes:
        in.expect_elements(kTextShape);
        return load(in, held<Value::Bytes>(value));
      case Tag::list:
        return list(held<Value::List>(value));
      case Tag::map:
        return map(held<Value::Map>(value));
    }
    in.fail(ErrorCode::malformed_object, "no value is of kind " + std::to_string(tag));
  }
};

}  // namespace detail

std::optional<double> Value::number() const noexcept {
  if (const auto whole = integer()) return static_cast<double>(*whole);
  return real();
}

std::size_t Value::size() const noexcept {
  if (const List* values = list()) return values->size();
  if (const Map* entries = map()) return entries->size();
  return 0;
}

const Value* Value::find(std::string_view key) const noexcept {
  const Map* entries = map();
  if (entries == nullptr) return nullptr;
  const auto entry = entries->find(key);
  return entry != entries->end() ? &entry->second : nullptr;
}

const Value& Value::operator[](std::string_view key) const noexcept {
  static const Value nothing;
  const Value* value = find(key);
  return value != nullptr ? *value : nothing;
}

const Value& Value::at(std::size_t place) const noexcept {
  static const Value nothing;
  const List* values = list();
  return values != nullptr && place < values->size() ? (*values)[place] : nothing;
}

Value& Value::operator[](std::string_view key) {
  if (!is_map()) state_.emplace<Map>();
  Map& entries = *map();
  const auto entry = entries.find(key);
  return entry != entries.end() ? entry->second : entries.emplace(key, Value()).first->second;
}

Value& Value::push_back(Value value) {
  if (!is_list()) state_.emplace<List>();
  return list()->emplace_back(std::move(value));
}

bool Value::operator==(const Value& other) const noexcept {
  return state_ == other.state_;
}

void save(ByteWriter& writer, const Value& value) {
  ValueWriter{writer}.any(value);
}

void load(ByteReader& reader, Value& value) {
  detail::ValueReader{reader}.any(value);
}

void save(ByteWriter& writer, const Metadata& metadata) {
  ValueWriter{writer}.map(metadata.entries());
}

void load(ByteReader& reader, Metadata& metadata) {
  detail::ValueReader{reader}.map(metadata);
}

Result<void> encode_metadata(const Metadata& metadata, std::vector<std::byte>& bytes) {
  return encode(metadata, bytes);
}

Result<Metadata> decode_metadata(std::span<const std::byte> bytes, const DecodeLimits& limits) {
  return decode<Metadata>(bytes, limits);
}

}  // namespace tickwire
