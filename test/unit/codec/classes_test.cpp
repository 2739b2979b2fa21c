// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <cereal/types/base_class.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>

#include <tickwire/value.hpp>

#include "round_trip.hpp"

namespace tickwire::test::classes {

struct Member {
  int number = 0;
  std::string text;
  bool operator==(const Member&) const = default;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(number, text);
  }
};

class Private {
 public:
  Private() = default;
  explicit Private(int number) : number_(number) {}
  bool operator==(const Private&) const = default;

 private:
  friend class cereal::access;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(number_);
  }
  int number_ = 0;
};

struct SplitMember {
  int number = 0;
  bool operator==(const SplitMember&) const = default;

  template <class Archive>
  void save(Archive& archive) const {
    archive(number, number * 2);
  }
  template <class Archive>
  void load(Archive& archive) {
    int twice = 0;
    archive(number, twice);
    if (twice != number * 2) throw cereal::Exception("the second number is not twice the first");
  }
};

struct SplitFree {
  std::vector<int> numbers;
  bool operator==(const SplitFree&) const = default;
};
template <class Archive>
void save(Archive& archive, const SplitFree& object) {
  archive(cereal::make_size_tag(static_cast<cereal::size_type>(object.numbers.size())));
  for (const int number : object.numbers)
    archive << number;
}
template <class Archive>
void load(Archive& archive, SplitFree& object) {
  cereal::size_type size = 0;
  archive(cereal::make_size_tag(size));
  object.numbers.resize(static_cast<std::size_t>(size));
  for (int& number : object.numbers)
    archive >> number;
}

struct MinimalMember {
  std::string text;
  bool operator==(const MinimalMember&) const = default;

  template <class Archive>
  std::string save_minimal(const Archive&) const {
    return text;
  }
  template <class Archive>
  void load_minimal(const Archive&, const std::string& value) {
    text = value;
  }
};

struct MinimalFree {
  int number = 0;
  bool operator==(const MinimalFree&) const = default;
};
template <class Archive>
std::int16_t save_minimal(const Archive&, const MinimalFree& object) {
  return static_cast<std::int16_t>(object.number);
}
template <class Archive>
void load_minimal(const Archive&, MinimalFree& object, const std::int16_t& value) {
  object.number = value;
}

struct Ampersands {
  int a = 0;
  float b = 0;
  bool operator==(const Ampersands&) const = default;

  template <class Archive>
  void serialize(Archive& archive) {
    archive& a& b;
    static_assert(Archive::is_loading::value != Archive::is_saving::value);
  }
};

/// A program that has its own idea of how its objects look inside standard types.
struct Short {
  int value = 0;
  bool operator==(const Short&) const = default;
};

template <class Archive>
void save(Archive& archive, const std::vector<Short>& objects) {
  archive(static_cast<std::uint8_t>(objects.size()));
  for (const Short& object : objects)
    archive(static_cast<std::uint8_t>(object.value));
}
template <class Archive>
void load(Archive& archive, std::vector<Short>& objects) {
  std::uint8_t size = 0;
  archive(size);
  objects.resize(size);
  for (Short& object : objects) {
    std::uint8_t value = 0;
    archive(value);
    object.value = value;
  }
}
template <class Archive>
void save(Archive& archive, const std::optional<Short>& object) {
  archive(static_cast<std::uint8_t>(object ? object->value : 255));
}
template <class Archive>
void load(Archive& archive, std::optional<Short>& object) {
  std::uint8_t value = 0;
  archive(value);
  object = value == 255 ? std::nullopt : std::optional(Short{value});
}
template <class Archive>
void save(Archive& archive, const std::map<int, Short>& objects) {
  archive(static_cast<std::uint8_t>(objects.size()));
  for (const auto& [key, object] : objects) {
    archive(static_cast<std::uint8_t>(key), static_cast<std::uint8_t>(object.value));
  }
}
template <class Archive>
void load(Archive& archive, std::map<int, Short>& objects) {
  std::uint8_t size = 0;
  archive(size);
  objects.clear();
  for (std::uint8_t i = 0; i < size; ++i) {
    std::uint8_t key = 0;
    std::uint8_t value = 0;
    archive(key, value);
    objects[key].value = value;
  }
}

struct Base {
  int base = 0;
  bool operator==(const Base&) const = default;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(base);
  }
};

struct Derived : Base {
  int derived = 0;
  bool operator==(const Derived&) const = default;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::base_class<Base>(this), derived);
  }
};

// Inherits a serialize function, and says that its own pair counts.
struct Chosen : Base {
  int chosen = 0;
  bool operator==(const Chosen&) const = default;

  template <class Archive>
  void save(Archive& archive) const {
    archive(chosen, base);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(chosen, base);
  }
};

struct Left : virtual Base {
  int left = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::virtual_base_class<Base>(this), left);
  }
};
struct Right : virtual Base {
  int right = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::virtual_base_class<Base>(this), right);
  }
};
struct Diamond : Left, Right {
  int bottom = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::base_class<Left>(this), cereal::base_class<Right>(this), bottom);
  }
  bool operator==(const Diamond& other) const {
    return base == other.base && left == other.left && right == other.right &&
           bottom == other.bottom;
  }
};

}  // namespace tickwire::test::classes

CEREAL_SPECIALIZE_FOR_ALL_ARCHIVES(tickwire::test::classes::Chosen,
                                   cereal::specialization::member_load_save)

namespace tickwire::test::classes {

TEST_CASE("every way in which Cereal lets a class serialize itself works") {
  check_round_trip(Member{7, "seven"});
  check_round_trip(Private(7));
  check_round_trip(SplitMember{7});
  check_round_trip(SplitFree{{1, 2, 3}});
  check_round_trip(MinimalMember{"seven"});
  check_round_trip(MinimalFree{7});
  check_round_trip(Ampersands{7, 2.5f});
  check_round_trip(std::vector<MinimalMember>{{"a"}, {"b"}});
}

TEST_CASE("base classes come out as they went in, virtual ones once") {
  Derived derived;
  derived.base = 1;
  derived.derived = 2;
  check_round_trip(derived);
  Chosen chosen;
  chosen.base = 1;
  chosen.chosen = 2;
  check_round_trip(chosen);
  Diamond diamond;
  diamond.base = 1;
  diamond.left = 2;
  diamond.right = 3;
  diamond.bottom = 4;
  check_round_trip(diamond);
  CHECK(encoded(diamond).size() == 4 * sizeof(int));
  check_round_trip(std::vector<Diamond>(3, diamond));
}

TEST_CASE("what the object's own functions throw becomes an error") {
  auto bytes = encoded(SplitMember{7});
  bytes[4] = std::byte{15};
  CHECK(contains(refusal<SplitMember>(bytes, ErrorCode::malformed_object),
                 "SplitMember: the second number is not twice the first (at byte 8)"));
}

TEST_CASE("what a program wrote for a standard type of its own goes before what is built in") {
  check_round_trip(std::vector<Short>{{1}, {2}});
  CHECK(encoded(std::vector<Short>{{1}, {2}}) == bytes_of({2, 1, 2}));
  check_round_trip(std::optional<Short>(Short{7}));
  CHECK(encoded(std::optional<Short>()) == bytes_of({255}));
  check_round_trip(std::map<int, Short>{{1, {2}}});
  CHECK(encoded(std::map<int, Short>{{1, {2}}}) == bytes_of({1, 1, 2}));
}

struct Unwritable {
  template <class Archive>
  void save(Archive& archive) const {
    archive(1);
    throw 5;
  }
  template <class Archive>
  void load(Archive&) {
    throw 5;
  }
};

TEST_CASE("an encode that fails appends nothing") {
  auto bytes = bytes_of({1, 2, 3});
  const auto result = encode(Unwritable(), bytes);
  CHECK(result.error().code == ErrorCode::encode_failed);
  CHECK(bytes == bytes_of({1, 2, 3}));
  refusal<Unwritable>({}, ErrorCode::malformed_object);

  auto many = std::vector<Unwritable>(1);
  const auto more = encode(std::pair(std::string(100'000, 'x'), many), bytes);
  CHECK(more.error().code == ErrorCode::encode_failed);
  CHECK(bytes == bytes_of({1, 2, 3}));
}

// Swallows what the reader throws and goes on.
struct Careless {
  int number = 0;
  std::string text;

  template <class Archive>
  void save(Archive& archive) const {
    archive(number, text);
  }
  template <class Archive>
  void load(Archive& archive) {
    try {
      archive(number, text);
    } catch (...) {
      text = "default";
    }
  }
};

TEST_CASE("a failure stays one when the object's own functions swallow it") {
  CHECK(through_tickwire(Careless{1, "one"}).text == "one");
  const auto bytes = bytes_of({1, 0, 0, 0, 200, 1});
  CHECK(contains(refusal<Careless>(bytes, ErrorCode::malformed_object), "(at byte 6)"));
}

/// Takes a fixed number of bytes.
class FixedSink final : public ByteSink {
 public:
  explicit FixedSink(std::size_t size) : memory_(size) {
    data_ = memory_.data();
    capacity_ = size;
  }

 private:
  bool grow(std::size_t) override { return false; }
  std::vector<std::byte> memory_;
};

TEST_CASE("a sink that is full refuses the object and keeps what it held") {
  FixedSink sink(10);
  REQUIRE(encode(std::string("12345"), sink).has_value());
  const auto refused = encode(std::string("1234"), sink);
  CHECK(refused.error().code == ErrorCode::message_too_large);
  CHECK(sink.bytes().size() == 6);
  CHECK(encode(std::string("123"), sink).has_value());
  CHECK(sink.bytes().size() == 10);
  CHECK(sink.bytes()[1] == std::byte{'1'});
  CHECK(sink.bytes()[9] == std::byte{'3'});
}

TEST_CASE("a buffer grows with what is appended, and is used again after it was cleared") {
  ByteBuffer buffer;
  CHECK(buffer.bytes().empty());
  std::vector<std::byte> expected;
  for (const std::size_t size : {0u, 1u, 200u, 300u, 70'000u}) {
    CAPTURE(size);
    const std::string text(size, 'x');
    REQUIRE(encode(text, buffer).has_value());
    REQUIRE(encode(text, expected).has_value());
    CHECK(std::ranges::equal(buffer.bytes(), expected));
  }
  const std::byte* const memory = buffer.bytes().data();
  buffer.clear();
  CHECK(buffer.bytes().empty());
  REQUIRE(encode(7, buffer).has_value());
  CHECK(buffer.bytes().data() == memory);
  CHECK(buffer.bytes().size() == 4);
}

TEST_CASE("an object that does not encode leaves its target as it was") {
  const Value bad = Value::list({1, 2, "\xFF"});
  std::vector<std::byte> bytes(10, std::byte{9});
  ByteBuffer buffer;
  REQUIRE(encode(7, buffer).has_value());
  for (int i = 0; i < 3; ++i) {
    CHECK(encode(bad, bytes).error().code == ErrorCode::encode_failed);
    CHECK(encode(bad, buffer).error().code == ErrorCode::encode_failed);
    CHECK(bytes == std::vector<std::byte>(10, std::byte{9}));
    CHECK(buffer.bytes().size() == 4);
    bytes.reserve(1000);
  }
}

TEST_CASE("encode appends, whatever the size of what is there and of what comes") {
  for (const std::size_t there : {0u, 1u, 300u, 5000u}) {
    for (const std::size_t size : {0u, 1u, 200u, 255u, 256u, 257u, 1000u, 70'000u}) {
      CAPTURE(there);
      CAPTURE(size);
      std::vector<std::byte> bytes(there, std::byte{9});
      REQUIRE(encode(std::string(size, 'x'), bytes).has_value());
      const auto alone = encoded(std::string(size, 'x'));
      REQUIRE(bytes.size() == there + alone.size());
      CHECK(std::equal(alone.begin(), alone.end(), bytes.begin() + static_cast<long>(there)));
      CHECK(std::count(bytes.begin(), bytes.begin() + static_cast<long>(there), std::byte{9}) ==
            static_cast<long>(there));
    }
  }
}

TEST_CASE("archives are used directly, as Cereal's own are") {
  std::vector<std::byte> bytes;
  {
    ByteWriter archive(bytes);
    archive(1, std::string("two"), Member{3, "three"});
    archive << 4.0;
    archive& std::uint8_t{5};
  }
  ByteReader archive(bytes);
  int one = 0;
  std::string two;
  Member three;
  double four = 0;
  std::uint8_t five = 0;
  archive(one, two, three) >> four;
  archive& five;
  archive.finish();
  CHECK(one == 1);
  CHECK(two == "two");
  CHECK(three == Member{3, "three"});
  CHECK(four == 4.0);
  CHECK(five == 5);
}

}  // namespace tickwire::test::classes
