// SPDX-License-Identifier: MIT
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include <cereal/types/memory.hpp>
#include <cereal/types/polymorphic.hpp>

#include <tickwire/value.hpp>

#include "round_trip.hpp"
#include "test/support/allocations.hpp"

// The attacks that Cereal's own archives fall for, one by one.

namespace tickwire::test::hostile_list {

struct Link {
  std::unique_ptr<Link> next;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(next);
  }
};

struct Shape {
  virtual ~Shape() = default;
  template <class Archive>
  void serialize(Archive&) {}
};

enum class Colour : std::uint8_t { red, green, blue };
TICKWIRE_ENUM_RANGE(Colour, red, blue);

using SharedTwice = std::pair<std::shared_ptr<std::string>, std::shared_ptr<std::vector<int>>>;
using Either = std::variant<int, std::string>;

/// What an attack makes of a decode.
struct Outcome {
  Error error;
  bool failed = false;
  std::size_t allocated_bytes = 0;
};

template <class T>
Outcome outcome(const std::vector<std::byte>& bytes, const DecodeLimits& limits = {}) {
  T object{};
  const AllocationCount count;
  const auto done = decode_into(bytes, object, limits);
  Outcome result{{}, !done.has_value(), count.bytes()};
  if (result.failed) result.error = done.error();
  return result;
}

struct Attack {
  std::string name;
  std::function<Outcome()> run;
  std::string type;    ///< as the sentence names it
  std::string reason;  ///< a part of it
  std::size_t offset;
  ErrorCode code = ErrorCode::malformed_object;
};

// 8 bytes of which the first five say 2^31.
std::vector<std::byte> large_claim() {
  return bytes_of({0x80, 0x80, 0x80, 0x80, 0x08, 1, 1, 1});
}

template <class T>
Attack claim(const std::string& type) {
  return {"a size of 2^31 in 8 bytes, for " + type, [] { return outcome<T>(large_claim()); }, type,
          "a size of 2147483648 does not fit", 5};
}

std::vector<std::byte> polymorphic(std::string_view name) {
  std::vector<std::byte> bytes;
  ByteWriter writer(bytes);
  writer(std::uint32_t{0x80000001}, std::string(name), std::uint8_t{1});
  writer.finish();
  return bytes;
}

std::vector<Attack> attacks() {
  using std::string;
  const std::vector<std::byte> ones(200'000, std::byte{1});
  const DecodeLimits all{.polymorphic = PolymorphicTypes::accept};
  return {
      claim<std::vector<std::byte>>("vector<byte>"),
      claim<std::vector<std::uint8_t>>("vector<u8>"),
      claim<string>("string"),
      claim<std::vector<string>>("vector<string>"),
      claim<std::list<int>>("list<i32>"),
      claim<std::deque<int>>("deque<i32>"),
      claim<std::map<string, int>>("map<string,i32>"),
      {"a chain of unique pointers of 200 kB", [=] { return outcome<Link>(ones); }, "Link",
       "nested more than 100 levels", 50, ErrorCode::budget_exceeded},
      {"an enumerator out of range", [] { return outcome<Colour>(bytes_of({3})); }, "Colour",
       "an enumerator is out of its range", 0},
      {"a bool of 2", [] { return outcome<bool>(bytes_of({2})); }, "bool", "a bool is 2", 0},
      {"trailing bytes",
       [] {
         return outcome<int>(bytes_of({1, 2, 3, 4, 5, 6}));
       },
       "i32", "bytes are left over at its end (2)", 4},
      {"a class that nobody registered",
       [=] { return outcome<std::unique_ptr<Shape>>(polymorphic("nobody"), all); }, "Shape",
       "unregistered polymorphic type (nobody)", 11},
      {"one object id used as two types",
       [] {
         return outcome<SharedTwice>(bytes_of({1, 1, 'x', 1}));
       },
       "shared_ptr", "shared object 1 is used as two types", 4},
      {"a variant's index out of range",
       [] {
         return outcome<Either>(bytes_of({2, 0}));
       },
       "variant<i32,string>", "a variant of 2 types has no type number 2", 1},
      {"text that is not UTF-8 in a value",
       [] {
         return outcome<Value>(bytes_of({5, 2, 'a', 0xFF}));
       },
       "tickwire.value", "not valid UTF-8", 4},
  };
}

TEST_CASE("every attack ends in an error that names type and offset, below a megabyte") {
  for (const Attack& attack : attacks()) {
    CAPTURE(attack.name);
    const Outcome outcome = attack.run();
    REQUIRE(outcome.failed);
    const std::string said = outcome.error.message();
    CAPTURE(said);
    CHECK(outcome.error.code == attack.code);
    CHECK(contains(said.substr(0, said.find(": ")), attack.type));
    CHECK(contains(said, attack.reason));
    CHECK(said.ends_with("(at byte " + std::to_string(attack.offset) + ")"));
    CHECK(outcome.allocated_bytes < 1'000'000);
  }
}

/// What lies beside the object that is decoded into.
struct Guarded {
  std::array<std::uint64_t, 8> before{};
  std::vector<std::string> object;
  std::array<std::uint64_t, 8> after{};
};

TEST_CASE("a decode that fails touches nothing but its object") {
  Guarded guarded;
  guarded.before.fill(7);
  guarded.after.fill(8);
  auto bytes = encoded(std::vector<std::string>{"one", "two", "three"});
  bytes.pop_back();
  const auto given = bytes;
  REQUIRE_FALSE(decode_into(bytes, guarded.object).has_value());
  CHECK(bytes == given);
  CHECK(guarded.before == decltype(guarded.before){7, 7, 7, 7, 7, 7, 7, 7});
  CHECK(guarded.after == decltype(guarded.after){8, 8, 8, 8, 8, 8, 8, 8});
  // It can be used again.
  CHECK(decode_into(encoded(std::vector<std::string>{"four"}), guarded.object).has_value());
  CHECK(guarded.object == std::vector<std::string>{"four"});
}

}  // namespace tickwire::test::hostile_list
