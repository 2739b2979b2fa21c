// SPDX-License-Identifier: MIT
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <tickwire/network_message.hpp>
#include <tickwire/value.hpp>

#include "round_trip.hpp"
#include "test/support/allocations.hpp"

namespace tickwire::test::values {
namespace {

Value nested(std::uint32_t levels) {
  Value value;
  for (std::uint32_t i = 0; i < levels; ++i) {
    value = i % 2 == 0 ? Value::list({std::move(value)}) : Value::map({{"key", std::move(value)}});
  }
  return value;
}

Value sample() {
  return Value::map({
      {"nothing", nullptr},
      {"yes", true},
      {"no", false},
      {"integer", -42},
      {"real", 2.5},
      {"text", "Grüße 漢字 🎮"},
      {"bytes", Value::Bytes{std::byte{0}, std::byte{255}}},
      {"list", Value::list({1, "two", Value::list({}), nullptr})},
      {"map", Value::map({{"", 1}, {"inner", Value::map({})}})},
  });
}

}  // namespace

TEST_CASE("a value holds what it is made of") {
  CHECK(Value().is_nothing());
  CHECK(Value(nullptr).is_nothing());
  CHECK(Value(true).boolean() == true);
  CHECK(Value(42).integer() == 42);
  CHECK(Value(std::uint8_t{42}).integer() == 42);
  CHECK(Value(std::size_t{42}).integer() == 42);
  CHECK(Value('a').integer() == 'a');
  CHECK(Value(std::numeric_limits<std::int64_t>::min()).integer() ==
        std::numeric_limits<std::int64_t>::min());
  CHECK(Value(2.5f).real() == 2.5);
  CHECK(*Value("text").string() == "text");
  CHECK(*Value(std::string_view("text")).string() == "text");
  CHECK(Value(Value::Bytes(3)).bytes()->size() == 3);
  CHECK(Value::list({1, 2}).list()->size() == 2);
  CHECK(Value::list({}).is_list());
  CHECK(Value::map({{"a", 1}}).map()->size() == 1);
  CHECK(Value::map({}).is_map());
  CHECK_FALSE(Value(1).boolean().has_value());
  CHECK_FALSE(Value(1).real().has_value());
  CHECK(Value(1).number() == 1.0);
  CHECK(Value(2.5).number() == 2.5);
  CHECK_FALSE(Value("1").number().has_value());
  CHECK(Value(1).string() == nullptr);
}

TEST_CASE("an integer above the range of 64 bits with a sign becomes a real number") {
  CHECK(Value(std::numeric_limits<std::uint64_t>::max()).real() == 18446744073709551615.0);
  CHECK(Value(std::uint64_t{1} << 63).real() == 9223372036854775808.0);
  CHECK(Value((std::uint64_t{1} << 63) - 1).integer() == std::numeric_limits<std::int64_t>::max());
}

TEST_CASE("lists and maps are read and built by key and place") {
  Value value;
  value["player"]["name"] = "Kit";
  value["player"]["level"] = 7;
  value["scores"].push_back(1);
  value["scores"].push_back("two");
  CHECK(value == Value::map({{"player", Value::map({{"name", "Kit"}, {"level", 7}})},
                             {"scores", Value::list({1, "two"})}}));
  const Value& fixed = value;
  CHECK(*fixed["player"]["name"].string() == "Kit");
  CHECK(fixed["nobody"]["name"].is_nothing());
  CHECK(fixed["scores"].at(1) == Value("two"));
  CHECK(fixed["scores"].at(2).is_nothing());
  CHECK(fixed["player"].at(0).is_nothing());
  CHECK(fixed.find("player")->contains("level"));
  CHECK(fixed.find("nobody") == nullptr);
  CHECK(fixed.size() == 2);
  CHECK(Value("text").size() == 0);
}

TEST_CASE("values are equal in kind and content") {
  CHECK(sample() == sample());
  CHECK_FALSE(Value(1) == Value(1.0));
  CHECK_FALSE(Value(1) == Value(true));
  CHECK_FALSE(Value("a") == Value("b"));
  CHECK_FALSE(Value() == Value::list({}));
}

TEST_CASE("values come out as they went in") {
  const auto check = [](const Value& value) {
    CHECK(through_tickwire(value) == value);
    auto over = sample();
    REQUIRE(decode_into(encoded(value), over).has_value());
    CHECK(over == value);
  };
  check({});
  check(true);
  check(false);
  check("text");
  check(Value::Bytes(1000, std::byte{7}));
  check(sample());
  check(nested(Value::max_depth));
  for (int bits = 0; bits < 64; ++bits) {
    const auto magnitude = static_cast<std::int64_t>(std::uint64_t{1} << bits);
    check(magnitude);
    check(~magnitude);
    check(magnitude / 3);
  }
}

TEST_CASE("values are laid out as the header says") {
  CHECK(encoded(Value()) == bytes_of({0}));
  CHECK(encoded(Value(false)) == bytes_of({1}));
  CHECK(encoded(Value(true)) == bytes_of({2}));
  CHECK(encoded(Value(-1)) == bytes_of({3, 1}));
  CHECK(encoded(Value(64)) == bytes_of({3, 0x80, 0x01}));
  CHECK(encoded(Value(1.0)) == bytes_of({4, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F}));
  CHECK(encoded(Value("ab")) == bytes_of({5, 2, 'a', 'b'}));
  CHECK(encoded(Value(Value::Bytes{std::byte{9}})) == bytes_of({6, 1, 9}));
  CHECK(encoded(Value::list({true, nullptr})) == bytes_of({7, 2, 2, 0}));
  CHECK(encoded(Value::map({{"b", true}, {"a", false}})) == bytes_of({8, 2, 1, 'a', 1, 1, 'b', 2}));
  CHECK(encoded(Metadata{{"a", 1}}) == bytes_of({1, 1, 'a', 3, 2}));
}

TEST_CASE("a value that breaks its promises is neither encoded nor decoded") {
  std::vector<std::byte> bytes;
  const auto code_of = [&bytes](const Value& value) {
    const auto result = encode(value, bytes);
    CHECK(bytes.empty());
    return result.error().code;
  };
  CHECK(code_of(Value("\xFF")) == ErrorCode::encode_failed);
  CHECK(code_of(Value::map({{"\xC0\x80", 1}})) == ErrorCode::encode_failed);
  CHECK(code_of(nested(Value::max_depth + 1)) == ErrorCode::encode_failed);

  constexpr auto malformed = ErrorCode::malformed_object;
  CHECK(
      contains(refusal<Value>(bytes_of({9}), malformed), "tickwire.value: no value is of kind 9"));
  CHECK(contains(refusal<Value>(bytes_of({5, 1, 0xFF}), malformed), "not valid UTF-8"));
  CHECK(contains(refusal<Value>(bytes_of({8, 1, 1, 0xFF, 0}), malformed), "not valid UTF-8"));
  CHECK(contains(refusal<Value>(bytes_of({8, 2, 1, 'b', 0, 1, 'a', 0}), malformed), "do not rise"));
  CHECK(contains(refusal<Value>(bytes_of({8, 2, 1, 'a', 0, 1, 'a', 0}), malformed), "do not rise"));
  refusal<Value>(bytes_of({7, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0, 0}), malformed);
  refusal<Value>(bytes_of({5, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0, 0}), malformed);
  refusal<Value>({}, malformed);
  refusal<Value>(bytes_of({0, 0}), malformed);

  std::vector<std::byte> deep;
  for (int i = 0; i < 100'000; ++i) {
    deep.push_back(std::byte{7});
    deep.push_back(std::byte{1});
  }
  const AllocationCount count;
  CHECK(contains(refusal<Value>(deep, malformed), "nested more than 64 levels deep"));
  refusal<Value>(deep, ErrorCode::budget_exceeded, {.max_depth = 20});
  CHECK(count.bytes() < 1'000'000);
}

TEST_CASE("UTF-8 is told from what only looks like it") {
  const auto valid = [](std::string_view text) {
    std::vector<std::byte> bytes;
    return encode(Value(text), bytes).has_value();
  };
  CHECK(valid(""));
  CHECK(valid(std::string_view("\0", 1)));
  CHECK(valid("\x7F"));
  CHECK(valid("\xC2\x80"));
  CHECK(valid("\xDF\xBF"));
  CHECK(valid("\xE0\xA0\x80"));
  CHECK(valid("\xED\x9F\xBF"));
  CHECK(valid("\xEE\x80\x80"));
  CHECK(valid("\xEF\xBF\xBF"));
  CHECK(valid("\xF0\x90\x80\x80"));
  CHECK(valid("\xF4\x8F\xBF\xBF"));
  for (const char* text :
       {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2\x41", "\xE0\x9F\xBF", "\xE0\xA0",
        "\xED\xA0\x80", "\xED\xBF\xBF", "\xE2\x28\xA1", "\xE2\x82\x28", "\xF0\x8F\xBF\xBF",
        "\xF0\x90\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xF8\x88\x80\x80\x80", "\xFF"}) {
    CAPTURE(text);
    CHECK_FALSE(valid(text));
  }
}

TEST_CASE("metadata keeps one value for each name") {
  Metadata metadata{{"b", 1}};
  metadata.set("a", "one").set("b", 2);
  CHECK(metadata.size() == 2);
  CHECK(*metadata.find("b") == Value(2));
  CHECK(metadata.find("c") == nullptr);
  CHECK(metadata.contains("a"));
  CHECK(metadata.begin()->first == "a");
  CHECK(through_tickwire(metadata) == metadata);

  std::vector<std::byte> bytes;
  REQUIRE(encode_metadata(metadata, bytes).has_value());
  CHECK(bytes == encoded(metadata));
  CHECK(*decode_metadata(bytes) == metadata);
  CHECK(decode_metadata(bytes_of({1})).error().code == ErrorCode::malformed_object);
  metadata.clear();
  CHECK(metadata.empty());
}

TEST_CASE("a network message keeps its headers in order, and its body") {
  NetworkMessage message("body");
  message.add_header("urgent").add_header("to", "Kit").add_header("to", "Rex");
  CHECK(message.has_header("urgent"));
  CHECK_FALSE(message.has_header("Urgent"));
  CHECK(message.header("to") == "Kit");
  CHECK_FALSE(message.header("urgent").has_value());
  CHECK_FALSE(message.header("from").has_value());
  CHECK(message.body_text() == "body");
  CHECK(message.body().size() == 4);
  CHECK(through_tickwire(message) == message);
  CHECK(through_tickwire(NetworkMessage()) == NetworkMessage());
  CHECK(encoded(NetworkMessage("x").add_header("a").add_header("b", "c")) ==
        bytes_of({2, 1, 'a', 0, 1, 'b', 1, 1, 'c', 1, 'x'}));

  NetworkMessage other;
  other.set_body(message.body());
  CHECK(other.body_text() == "body");
  refusal<NetworkMessage>(bytes_of({1, 1, 'a', 2, 0}), ErrorCode::malformed_object);
  refusal<NetworkMessage>(bytes_of({0x80, 0x80, 0x80, 0x80, 0x08}), ErrorCode::malformed_object);
}

}  // namespace tickwire::test::values
