// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <string_view>

#include <tickwire/json.hpp>

using namespace tickwire;

namespace {

using Real = std::numeric_limits<double>;

std::string json(const Value& value, JsonStyle style = JsonStyle::compact) {
  const auto text = to_json(value, style);
  REQUIRE(text.has_value());
  return *text;
}

Value value_of(std::string_view text) {
  const auto value = from_json(text);
  if (!value) FAIL(value.error().message());
  return *value;
}

std::string refusal(std::string_view text, ErrorCode code = ErrorCode::malformed_object,
                    const DecodeLimits& limits = {}) {
  const auto value = from_json(text, limits);
  REQUIRE_FALSE(value.has_value());
  INFO(value.error().message());
  CHECK(value.error().code == code);
  CHECK(value.error().detail.size() < 400);
  return value.error().message();
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != text.npos;
}

Value::Bytes bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

Value nested(std::uint32_t levels, Value innermost) {
  Value value = std::move(innermost);
  for (std::uint32_t i = 0; i < levels; ++i)
    value = i % 2 == 0 ? Value::list({std::move(value)}) : Value::map({{"k", std::move(value)}});
  return value;
}

/// Any value, of few levels.
Value random_value(std::mt19937& random, int levels) {
  const auto below = [&random](unsigned limit) { return static_cast<unsigned>(random() % limit); };
  const auto word = [&] {
    static const char* const words[] = {"",       "a",      "$bytes", "$real", "$",
                                        "$$real", "\n\"\\", "\u00e9", "$x",    "\U0001F600"};
    return std::string(words[below(10)]);
  };
  switch (below(levels > 0 ? 8 : 6)) {
    case 0:
      return {};
    case 1:
      return below(2) == 0;
    case 2:
      return static_cast<std::int64_t>(std::uint64_t{random()} << below(33)) *
             (below(2) == 0 ? 1 : -1);
    case 3:
      return std::ldexp(static_cast<double>(random()) - 2e9, static_cast<int>(below(600)) - 300);
    case 4:
      return word();
    case 5:
      return Value::Bytes(below(7), static_cast<std::byte>(below(256)));
    case 6: {
      Value list = Value::List();
      for (unsigned i = below(4); i > 0; --i)
        list.push_back(random_value(random, levels - 1));
      return list;
    }
    default: {
      Value map = Value::Map();
      for (unsigned i = below(4); i > 0; --i)
        map[word()] = random_value(random, levels - 1);
      return map;
    }
  }
}

}  // namespace

TEST_CASE("each kind of value has its JSON text") {
  CHECK(json(nullptr) == "null");
  CHECK(json(true) == "true");
  CHECK(json(-7) == "-7");
  CHECK(json(2.5) == "2.5");
  CHECK(json("a \"word\"\n") == R"("a \"word\"\n")");
  CHECK(json(bytes_of("abcd")) == R"({"$bytes":"YWJjZA=="})");
  CHECK(json(Value::list({1, Value::list({})})) == "[1,[]]");
  CHECK(json(Value::map({{"b", 1}, {"a", nullptr}})) == R"({"a":null,"b":1})");
  CHECK(json(Value::map({{"a", Value::list({1})}}), JsonStyle::indented) ==
        "{\n  \"a\": [\n    1\n  ]\n}");
  CHECK(*to_json(Metadata{{"from", "Kit"}}) == R"({"from":"Kit"})");
}

TEST_CASE("a whole real number is not an integer, on either way") {
  CHECK(json(1.0) == "1.0");
  CHECK(json(-0.0) == "-0.0");
  CHECK(value_of("1.0") == Value(1.0));
  CHECK(value_of("1e2") == Value(100.0));
  CHECK(value_of("1") == Value(1));
  CHECK(std::signbit(*value_of("-0.0").real()));
}

TEST_CASE("integers keep 64 bits, and become the nearest real number beyond") {
  CHECK(value_of("9223372036854775807") == Value(std::numeric_limits<std::int64_t>::max()));
  CHECK(value_of("-9223372036854775808") == Value(std::numeric_limits<std::int64_t>::min()));
  CHECK(value_of("9223372036854775808") == Value(9223372036854775808.0));
  CHECK(value_of("18446744073709551616") == Value(18446744073709551616.0));
  CHECK(value_of("-9223372036854775809") == Value(-9223372036854775809.0));
}

TEST_CASE("real numbers that are not finite, and bytes, come back") {
  CHECK(json(Real::infinity()) == R"({"$real":"inf"})");
  CHECK(value_of(json(Real::infinity())) == Value(Real::infinity()));
  CHECK(value_of(json(-Real::infinity())) == Value(-Real::infinity()));
  CHECK(std::isnan(*value_of(json(Real::quiet_NaN())).real()));
  for (const double number : {Real::max(), Real::min(), Real::denorm_min(), Real::epsilon(), 0.1})
    CHECK(value_of(json(number)) == Value(number));
  for (std::string text; text.size() < 10; text += '\xFB') {
    CAPTURE(text.size());
    CHECK(value_of(json(bytes_of(text))) == Value(bytes_of(text)));
  }
}

TEST_CASE("a map of the program's own that looks like a word comes back as it was") {
  for (const char* key : {"$bytes", "$real", "$", "$$", "$$bytes", "$other"}) {
    CAPTURE(key);
    const Value one = Value::map({{key, "YQ=="}});
    CHECK(value_of(json(one)) == one);
    const Value two = Value::map({{key, "YQ=="}, {"other", 1}});
    CHECK(value_of(json(two)) == two);
    CHECK(value_of(json(Value::map({{key, one}}))) == Value::map({{key, one}}));
  }
  CHECK(json(Value::map({{"$bytes", 1}})) == R"({"$$bytes":1})");
}

TEST_CASE("10,000 random values come back as they were") {
  for (const unsigned seed : {1u, 2u}) {
    INFO("seed ", seed);
    std::mt19937 random(seed);
    for (int i = 0; i < 5000; ++i) {
      const Value value = random_value(random, 4);
      const std::string text = json(value, i % 2 == 0 ? JsonStyle::compact : JsonStyle::indented);
      CAPTURE(text);
      REQUIRE(value_of(text) == value);
    }
  }
}

TEST_CASE("what the wire does not take is not written as JSON either") {
  CHECK(to_json(Value("\xFF")).error().code == ErrorCode::encode_failed);
  CHECK(to_json(Value::map({{"\xC3", 1}})).error().code == ErrorCode::encode_failed);
  CHECK(to_json(nested(64, 1)).has_value());
  CHECK(to_json(nested(65, 1)).error().code == ErrorCode::encode_failed);
}

TEST_CASE("values come back from as deep as they may be, also as words") {
  for (const Value& innermost : {Value(1), Value(bytes_of("abc")), Value(Real::infinity())}) {
    CHECK(value_of(json(nested(64, innermost))) == nested(64, innermost));
  }
}

TEST_CASE("what is no JSON is refused, with the offset") {
  for (const char* text :
       {"",        " ",          "nul",     "tru e", "NaN",        "Infinity",   "-",
        "01",      "1.",         ".5",      "+1",    "0x10",       "1 2",        "[1,]",
        "[1",      "{\"a\":1,}", "{\"a\"}", "{a:1}", "{1:1}",      "'a'",        "\"a",
        "\"\\x\"", "\"\\u12\"",  "\"\n\"",  "[1]]",  "// word\n1", "\"\\ud800\""}) {
    CAPTURE(text);
    refusal(text);
  }
  CHECK(contains(refusal("[1, nope]"), "(at byte 6)"));
  CHECK(refusal("\"" + std::string(100'000, 'x')).size() < 400);
  CHECK(contains(refusal(std::string("1 \0 nope", 8)), "a zero byte in it (at byte 2)"));
}

TEST_CASE("text that is not UTF-8 is refused") {
  refusal("\"\xFF\"");
  refusal("\"\xC0\x80\"");
  refusal("\"\xED\xA0\x80\"");
  refusal("\"\xF4\x90\x80\x80\"");
  refusal("{\"\xC3\":1}");
  CHECK(value_of("\"\\u0000\"") == Value(std::string(1, '\0')));
}

TEST_CASE("a key that is there twice is refused, at any level") {
  CHECK(contains(refusal(R"({"a":1,"a":1})"), "a key is there twice"));
  refusal(R"([{"b":{"a":1,"c":2,"\u0061":3}}])");
  CHECK(value_of(R"([{"a":1},{"a":2}])").size() == 2);
}

TEST_CASE("a number beyond the range of real numbers is refused, a tiny one becomes zero") {
  CHECK(contains(refusal("1e999"), "a number is out of range"));
  refusal("[-1e400]");
  CHECK(value_of("1e-999") == Value(0.0));
  refusal("1" + std::string(400, '0'));
}

TEST_CASE("words that are not as they are written are refused") {
  for (const char* text :
       {R"({"$bytes":1})", R"({"$bytes":"a"})", R"({"$bytes":"YQ="})", R"({"$bytes":"YR=="})",
        R"({"$bytes":"Y==="})", R"({"$bytes":"===="})", R"({"$bytes":"YQ==YQ=="})",
        R"({"$bytes":"Y-Q="})", R"({"$real":1})", R"({"$real":"1"})", R"({"$real":"INF"})"}) {
    CAPTURE(text);
    CHECK(contains(refusal(text), "not as to_json writes it"));
  }
}

TEST_CASE("depth bombs end at the limit") {
  const std::string open(1'000'000, '[');
  CHECK(contains(refusal(open), "nested more than 64 levels deep (at byte 66)"));
  std::string maps;
  for (int i = 0; i < 100'000; ++i)
    maps += "{\"\":";
  refusal(maps);
  CHECK(contains(refusal(open, ErrorCode::budget_exceeded, {.max_depth = 10}),
                 "nested more than 10 levels deep"));
  CHECK(value_of(std::string(64, '[') + std::string(64, ']')).size() == 1);
  refusal(std::string(65, '[') + std::string(65, ']'));
}

TEST_CASE("text that would take more memory than the budget is refused") {
  const DecodeLimits tight{.max_total_bytes = 100'000};
  refusal(std::string(200'000, ' '), ErrorCode::budget_exceeded, tight);
  std::string zeros = "[0";
  for (int i = 0; i < 10'000; ++i)
    zeros += ",0";
  zeros += ']';
  CHECK(value_of(zeros).size() == 10'001);
  CHECK(contains(refusal(zeros, ErrorCode::budget_exceeded, tight), "more memory"));
  std::string entries = "{\"\":0";
  for (int i = 0; i < 2000; ++i)
    entries += ",\"" + std::to_string(i) + "\":0";
  refusal(entries + '}', ErrorCode::budget_exceeded, tight);
}

TEST_CASE("metadata comes back, and is a map") {
  const Metadata metadata{{"from", "Kit"}, {"hops", 3}};
  CHECK(*metadata_from_json(*to_json(metadata)) == metadata);
  CHECK(metadata_from_json("{}")->empty());
  CHECK(metadata_from_json("[1]").error().code == ErrorCode::malformed_object);
  CHECK(metadata_from_json("{").error().code == ErrorCode::malformed_object);
}
