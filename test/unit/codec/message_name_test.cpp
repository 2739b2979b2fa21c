// SPDX-License-Identifier: MIT
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <tickwire/host.hpp>
#include <tickwire/message_name.hpp>
#include <tickwire/network_message.hpp>
#include <tickwire/value.hpp>

struct GlobalMessage {};
TICKWIRE_MESSAGE(GlobalMessage, "test.global");

namespace tickwire::test::naming {

struct Outer {
  struct Inner {};
};
TICKWIRE_MESSAGE(Outer, "test.outer");
TICKWIRE_MESSAGE(Outer::Inner, "test.inner");

enum class Mode { one };
TICKWIRE_MESSAGE(Mode, "test.mode");

template <class T>
struct Box {};
TICKWIRE_MESSAGE(Box<int>, "test.box.int");

struct Derived : Outer {};
struct Unnamed {};

namespace {
struct Hidden {};
TICKWIRE_MESSAGE(Hidden, "test.hidden");
}  // namespace

TEST_CASE("a type has the name that it is given, whatever its namespace") {
  CHECK(message_name<GlobalMessage> == "test.global");
  CHECK(message_name<Outer> == "test.outer");
  CHECK(message_name<Outer::Inner> == "test.inner");
  CHECK(message_name<Mode> == "test.mode");
  CHECK(message_name<Hidden> == "test.hidden");
  CHECK(message_name<Box<int>> == "test.box.int");
  CHECK(message_name<const Outer&> == "test.outer");
  CHECK(message_name<Value> == "tickwire.value");
  CHECK(message_name<Metadata> == "tickwire.metadata");
  CHECK(message_name<NetworkMessage> == "tickwire.message");
}

TEST_CASE("a type without a name is known to have none, also inside a standard type") {
  CHECK(named_message<Outer>);
  CHECK_FALSE(named_message<Unnamed>);
  CHECK_FALSE(named_message<Derived>);
  CHECK_FALSE(named_message<Box<float>>);
  CHECK_FALSE(named_message<std::vector<Unnamed>>);
  CHECK_FALSE(named_message<std::pair<int, std::vector<std::optional<Unnamed>>>>);
  CHECK_FALSE(named_message<int*>);
  CHECK(named_message<std::vector<std::optional<Outer>>>);
}

TEST_CASE("standard types have names made of their parts") {
  CHECK(message_name<bool> == "bool");
  CHECK(message_name<char> == "char");
  CHECK(message_name<std::int8_t> == "i8");
  CHECK(message_name<std::uint16_t> == "u16");
  CHECK(message_name<int> == "i32");
  CHECK(message_name<long long> == "i64");
  CHECK(message_name<unsigned long> == (sizeof(long) == 8 ? "u64" : "u32"));
  CHECK(message_name<float> == "f32");
  CHECK(message_name<double> == "f64");
  CHECK(message_name<std::string> == "string");
  CHECK(message_name<std::vector<std::byte>> == "vector<byte>");
  CHECK(message_name<std::array<short, 16>> == "array<i16,16>");
  CHECK(message_name<std::map<std::string, Outer>> == "map<string,test.outer>");
  CHECK(message_name<std::tuple<int, float, std::list<bool>>> == "tuple<i32,f32,list<bool>>");
  CHECK(message_name<std::tuple<>> == "tuple<>");
  CHECK(message_name<std::variant<std::monostate, int>> == "variant<nothing,i32>");
  CHECK(message_name<std::chrono::milliseconds> == "duration<i64,1,1000>");
  CHECK(message_name<std::unordered_map<int, std::optional<int>>> ==
        "unordered_map<i32,optional<i32>>");
  CHECK(message_name<std::bitset<10>> == "bitset<10>");
}

TEST_CASE("text in any form is sent as a string") {
  CHECK(message_name<const char*> == "string");
  CHECK(message_name<char[6]> == "string");
  CHECK(message_name<const char(&)[6]> == "string");
  CHECK(message_name<std::string_view> == "string");
  CHECK(std::is_same_v<message_value_t<decltype("hello")>, std::string>);
  CHECK(std::is_same_v<message_value_t<const std::vector<int>&>, std::vector<int>>);
}

TEST_CASE("an id is the FNV-1a hash of the name, and never 0 or all ones") {
  CHECK(detail::message_id("") == 0x811C9DC5u);
  CHECK(detail::message_id("a") == 0xE40C292Cu);
  CHECK(detail::message_id("foobar") == 0xBF9CF968u);
  CHECK(message_type<std::string> == detail::message_id("string"));
  // Their hashes are 0 and 0xFFFFFFFF.
  CHECK(detail::message_id("ppkttia") == 1u);
  CHECK(detail::message_id("prezece") == 0xFFFFFFFEu);
}

TEST_CASE("the program knows the names of its messages by their ids") {
  CHECK(detail::find_message_name(message_type<GlobalMessage>) == "test.global");
  CHECK(detail::find_message_name(message_type<Hidden>) == "test.hidden");
  CHECK(detail::find_message_name(message_type<NetworkMessage>) == "tickwire.message");
  CHECK_FALSE(detail::find_message_name(detail::message_id("nobody")).has_value());
  CHECK_FALSE(detail::find_message_name(0).has_value());
}

TEST_CASE("two names with one id are found, and the same name twice is none") {
  REQUIRE_FALSE(detail::name_collision().has_value());
  constexpr std::string_view one = "chat_armor_changed";
  constexpr std::string_view other = "ready.gate.used";
  static_assert(detail::message_id(one) == detail::message_id(other));
  {
    const detail::MessageNode first(one, detail::message_id(one));
    const detail::MessageNode again(one, detail::message_id(one));
    CHECK_FALSE(detail::name_collision().has_value());
    CHECK(detail::find_message_name(detail::message_id(one)) == one);
    {
      const detail::MessageNode second(other, detail::message_id(other));
      const auto collision = detail::name_collision();
      REQUIRE(collision.has_value());
      CHECK(collision->first == one);
      CHECK(collision->second == other);
      const auto begin = [] { Host host(HostConfig{}); };
      CHECK_THROWS_WITH_AS(begin(), doctest::Contains("chat_armor_changed"), std::invalid_argument);
      CHECK_THROWS_WITH_AS(begin(), doctest::Contains("ready.gate.used"), std::invalid_argument);
    }
    CHECK_FALSE(detail::name_collision().has_value());
    CHECK(detail::find_message_name(detail::message_id(one)) == one);
  }
  CHECK_FALSE(detail::find_message_name(detail::message_id(one)).has_value());
}

}  // namespace tickwire::test::naming
