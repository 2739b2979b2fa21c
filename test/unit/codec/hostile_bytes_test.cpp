// SPDX-License-Identifier: MIT
#include <cstddef>
#include <cstdint>
#include <string>

#include <cereal/types/bitset.hpp>
#include <cereal/types/forward_list.hpp>
#include <cereal/types/memory.hpp>
#include <cereal/types/queue.hpp>
#include <cereal/types/stack.hpp>
#include <cereal/types/valarray.hpp>

#include "round_trip.hpp"
#include "test/support/allocations.hpp"

namespace tickwire::test::hostile {

/// Large in memory, one byte on the wire.
struct Large {
  std::uint8_t first = 0;
  std::array<std::uint8_t, 4095> rest{};
  bool operator<(const Large& other) const { return first < other.first; }
  bool operator==(const Large& other) const { return first == other.first; }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(first);
  }
};

struct Empty {
  bool operator<(const Empty&) const { return false; }
};

/// Not empty, yet nothing on the wire.
struct Silent {
  std::uint64_t cache = 7;
  template <class Archive>
  void serialize(Archive&) {}
};

/// A container that Cereal knows nothing of, with a size of its own.
struct OwnContainer {
  std::vector<std::uint64_t> numbers;
  template <class Archive>
  void save(Archive& archive) const {
    archive(cereal::make_size_tag(static_cast<cereal::size_type>(numbers.size())));
    for (const auto number : numbers)
      archive(number);
  }
  template <class Archive>
  void load(Archive& archive) {
    cereal::size_type size = 0;
    archive(cereal::make_size_tag(size));
    numbers.resize(static_cast<std::size_t>(size));
    for (auto& number : numbers)
      archive(number);
  }
};

struct Recursive {
  std::vector<Recursive> children;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(children);
  }
};

struct Link {
  std::unique_ptr<Link> next;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(next);
  }
};

enum class Colour : std::uint8_t { red, green, blue };
TICKWIRE_ENUM_RANGE(Colour, red, blue);
enum class Offset : std::int16_t { low = -5, high = 5 };
TICKWIRE_ENUM_RANGE(Offset, low, high);
enum class Switch : bool { off, on };
enum class Open : std::uint8_t { first };

}  // namespace tickwire::test::hostile

template <>
struct std::hash<tickwire::test::hostile::Large> {
  std::size_t operator()(const tickwire::test::hostile::Large& large) const noexcept {
    return large.first;
  }
};

namespace tickwire::test::hostile {
namespace {

constexpr std::size_t kMegabyte = 1'000'000;

// 8 bytes, of which the first say how many elements follow.
const std::vector<std::vector<std::byte>>& short_claims() {
  static const std::vector<std::vector<std::byte>> claims{
      bytes_of({0x80, 0x80, 0x80, 0x80, 0x08, 1, 1, 1}),           // 2^31
      bytes_of({0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F}),  // 2^56 - 1
      bytes_of({7, 7, 7, 7, 7, 7, 7, 7}),
      bytes_of({7, 1, 0, 1, 0, 1, 0, 1}),
      bytes_of({0xFF, 0x7F, 0xFF, 0x7F, 0xFF, 0x7F, 0xFF, 0x7F}),
      bytes_of({0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}),
      bytes_of({1, 0xFF, 0xFF, 0xFF, 0x07, 1, 1, 1}),
      bytes_of({0, 0x80, 0x80, 0x80, 0x80, 0x08, 1, 1}),
  };
  return claims;
}

template <class T>
void check_short_claims() {
  CAPTURE(detail::compiler_name<T>());
  for (const auto& bytes : short_claims()) {
    const AllocationCount count;
    {
      T object{};
      static_cast<void>(decode_into(bytes, object));
    }
    CHECK(count.bytes() < kMegabyte);
  }
  // The first claim is true of nothing that is made of numbers or of text.
  refusal<T>(short_claims()[0], ErrorCode::malformed_object);
}

}  // namespace

TEST_CASE("8 bytes never make a decode allocate a megabyte") {
  check_short_claims<std::vector<std::byte>>();
  check_short_claims<std::vector<double>>();
  check_short_claims<std::vector<bool>>();
  check_short_claims<std::string>();
  check_short_claims<std::u32string>();
  check_short_claims<std::vector<std::string>>();
  check_short_claims<std::vector<std::vector<int>>>();
  check_short_claims<std::vector<std::vector<std::vector<std::string>>>>();
  check_short_claims<std::vector<Large>>();
  check_short_claims<std::vector<std::array<Large, 4>>>();
  check_short_claims<std::vector<Empty>>();
  check_short_claims<std::vector<Silent>>();
  check_short_claims<std::vector<std::tuple<>>>();
  check_short_claims<std::vector<std::monostate>>();
  check_short_claims<std::vector<std::deque<int>>>();
  check_short_claims<std::list<std::string>>();
  check_short_claims<std::list<Large>>();
  check_short_claims<std::list<Empty>>();
  check_short_claims<std::forward_list<Large>>();
  check_short_claims<std::deque<Large>>();
  check_short_claims<std::deque<Empty>>();
  check_short_claims<std::valarray<double>>();
  check_short_claims<std::valarray<Large>>();
  check_short_claims<std::set<Large>>();
  check_short_claims<std::multiset<Empty>>();
  check_short_claims<std::unordered_set<Large>>();
  check_short_claims<std::unordered_multiset<int>>();
  check_short_claims<std::map<std::string, std::string>>();
  check_short_claims<std::map<Empty, Large>>();
  check_short_claims<std::multimap<Empty, Empty>>();
  check_short_claims<std::unordered_map<std::uint8_t, Large>>();
  check_short_claims<std::queue<Large>>();
  check_short_claims<std::stack<std::string>>();
  check_short_claims<std::priority_queue<int>>();
  check_short_claims<std::optional<std::vector<Large>>>();
  check_short_claims<std::pair<std::vector<Large>, std::vector<Large>>>();
  check_short_claims<std::variant<std::vector<Large>, std::string>>();
  check_short_claims<std::unique_ptr<std::vector<Large>>>();
  check_short_claims<std::shared_ptr<std::vector<Large>>>();
  check_short_claims<std::vector<std::unique_ptr<Large>>>();
  check_short_claims<std::vector<std::shared_ptr<Large>>>();
  check_short_claims<OwnContainer>();
  check_short_claims<Recursive>();
  check_short_claims<std::bitset<77>>();
}

TEST_CASE("the sentence names the type, the size and the offset") {
  CHECK(refusal<std::pair<int, std::vector<std::string>>>(
            bytes_of({1, 2, 3, 4, 0x80, 0x80, 0x80, 0x80, 0x08, 1}), ErrorCode::malformed_object) ==
        "pair<i32,vector<string>>: a size of 2147483648 does not fit in the bytes that are left "
        "(for each: 1, left: 1) (at byte 9)");
  CHECK(refusal<std::vector<double>>(bytes_of({2, 1, 1, 1, 1, 1, 1, 1, 1}),
                                     ErrorCode::malformed_object) ==
        "vector<f64>: a size of 2 does not fit in the bytes that are left (for each: 8, left: 8) "
        "(at byte 1)");
  CHECK(contains(refusal<Large>({}, ErrorCode::malformed_object),
                 "Large: the bytes end (needed: 1, left: 0) (at byte 0)"));
}

TEST_CASE("an object that takes more memory than the budget is refused before it takes it") {
  std::vector<std::byte> bytes;
  ByteWriter writer(bytes);
  writer.write_varint(40'000);
  for (int i = 0; i < 40'000; ++i)
    writer(std::uint8_t{1});
  writer.finish();
  {
    const AllocationCount count;
    refusal<std::vector<Large>>(bytes, ErrorCode::budget_exceeded);
    refusal<std::list<Large>>(bytes, ErrorCode::budget_exceeded);
    refusal<std::map<Empty, Large>>(bytes, ErrorCode::budget_exceeded);
    CHECK(count.bytes() < kMegabyte);
  }
  CHECK(through_tickwire(std::string(1000, 'x'), {.max_total_bytes = 1000}).size() == 1000);
  CHECK(contains(refusal<std::string>(encoded(std::string(1001, 'x')), ErrorCode::budget_exceeded,
                                      {.max_total_bytes = 1000}),
                 "more memory than a decode may"));
}

TEST_CASE("memory that a container takes while it is empty counts too") {
  const auto bytes = encoded(std::vector<std::deque<int>>(10'000));
  const AllocationCount count;
  refusal<std::vector<std::deque<int>>>(bytes, ErrorCode::budget_exceeded,
                                        {.max_total_bytes = kMegabyte});
  CHECK(count.bytes() < 2 * kMegabyte);
}

TEST_CASE("elements that take no bytes are taken, but not without end") {
  CHECK(through_tickwire(std::vector<Empty>(60'000)).size() == 60'000);
  CHECK(through_tickwire(std::vector<Silent>(5'000)).size() == 5'000);
  CHECK(through_tickwire(std::vector<std::vector<Empty>>(30, std::vector<Empty>(2'000))).size() ==
        30);
  refusal<std::vector<Empty>>(encoded(std::vector<Empty>(70'000)), ErrorCode::malformed_object);
  refusal<std::vector<std::vector<Empty>>>(
      encoded(std::vector<std::vector<Empty>>(40, std::vector<Empty>(2'000))),
      ErrorCode::malformed_object);
}

TEST_CASE("nesting ends at the limit, whatever it is made of") {
  const std::vector<std::byte> ones(200'000, std::byte{1});
  const AllocationCount count;
  CHECK(contains(refusal<Link>(ones, ErrorCode::budget_exceeded), "nested more than 100 levels"));
  CHECK(contains(refusal<Recursive>(ones, ErrorCode::budget_exceeded), "nested more than 100"));
  CHECK(contains(refusal<Link>(ones, ErrorCode::budget_exceeded, {.max_depth = 10}),
                 "nested more than 10 levels deep (at byte 5)"));
  CHECK(count.bytes() < kMegabyte);

  std::vector<std::byte> right(50, std::byte{1});
  right.back() = std::byte{0};
  Link link;
  CHECK(decode_into(right, link).has_value());
}

TEST_CASE("a bool is 0 or 1, wherever it stands") {
  CHECK(refusal<bool>(bytes_of({2}), ErrorCode::malformed_object) ==
        "bool: a bool is 2 (at byte 0)");
  refusal<std::vector<bool>>(bytes_of({2, 1, 255}), ErrorCode::malformed_object);
  refusal<std::array<bool, 2>>(bytes_of({1, 255}), ErrorCode::malformed_object);
  refusal<std::valarray<bool>>(bytes_of({2, 1, 255}), ErrorCode::malformed_object);
  refusal<std::optional<int>>(bytes_of({2, 1, 1, 1, 1}), ErrorCode::malformed_object);
  CHECK(refusal<std::tuple<int, bool, int>>(bytes_of({1, 1, 1, 1, 7, 1, 1, 1, 1}),
                                            ErrorCode::malformed_object) ==
        "tuple<i32,bool,i32>: a bool is 7 (at byte 4)");
  // Several numbers in one call of the archive.
  const auto bytes = bytes_of({1, 1, 1, 1, 7, 1, 1, 1, 1});
  ByteReader reader(bytes);
  int first = 0;
  bool second = false;
  int third = 0;
  CHECK_THROWS_AS(reader(first, second, third), detail::DecodeFailure);
}

TEST_CASE("an enumerator is one of its range, where the program says what that is") {
  CHECK(through_tickwire(Colour::blue) == Colour::blue);
  CHECK(contains(refusal<Colour>(bytes_of({3}), ErrorCode::malformed_object),
                 "an enumerator is out of its range (at byte 0)"));
  refusal<Offset>(bytes_of({0xFA, 0xFF}), ErrorCode::malformed_object);
  refusal<Offset>(bytes_of({6, 0}), ErrorCode::malformed_object);
  CHECK(through_tickwire(Offset::low) == Offset::low);
  refusal<Switch>(bytes_of({2}), ErrorCode::malformed_object);
  refusal<std::vector<Colour>>(bytes_of({2, 1, 3}), ErrorCode::malformed_object);
  refusal<std::map<Colour, int>>(bytes_of({1, 3, 1, 1, 1, 1}), ErrorCode::malformed_object);
  CHECK(decode<Open>(bytes_of({200})).has_value());
}

TEST_CASE("bytes that are left over, or missing, refuse the object") {
  auto bytes = encoded(std::string("text"));
  bytes.push_back(std::byte{0});
  CHECK(refusal<std::string>(bytes, ErrorCode::malformed_object) ==
        "string: bytes are left over at its end (1) (at byte 5)");
  const auto whole = encoded(std::tuple<int, std::string, std::optional<double>>(1, "two", 3.0));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    refusal<std::tuple<int, std::string, std::optional<double>>>(
        {whole.begin(), whole.begin() + static_cast<long>(size)}, ErrorCode::malformed_object);
  }
}

TEST_CASE("the index of a variant names one of its types") {
  using Two = std::variant<std::uint8_t, std::string>;
  CHECK(contains(refusal<Two>(bytes_of({2, 0}), ErrorCode::malformed_object),
                 "a variant of 2 types has no type number 2"));
  refusal<Two>(bytes_of({0xFF, 0xFF, 0xFF, 0xFF, 0x0F}), ErrorCode::malformed_object);
}

TEST_CASE("a varint has one form") {
  refusal<std::string>(bytes_of({0x80, 0x00}), ErrorCode::malformed_object);
  refusal<std::string>(bytes_of({0x81, 0x80, 0x00}), ErrorCode::malformed_object);
  refusal<std::string>(bytes_of({0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02}),
                       ErrorCode::malformed_object);
  refusal<std::string>(bytes_of({0xFF}), ErrorCode::malformed_object);
}

TEST_CASE("a decode into an existing object uses its memory again") {
  struct Update {
    std::uint32_t id = 0;
    std::string text;
    std::vector<float> numbers;
    std::vector<std::string> names;
    std::optional<std::string> title;
    std::variant<int, std::vector<int>> either;
    std::array<short, 16> inputs{};
    void serialize(ByteWriter& archive) {
      archive(id, text, numbers, names, title, either, inputs);
    }
    void serialize(ByteReader& archive) {
      archive(id, text, numbers, names, title, either, inputs);
    }
  };
  const std::string longer = "longer than what a string holds in itself";
  const Update update{7, longer, {1, 2, 3}, {longer, longer}, longer, std::vector<int>{1, 2}, {}};
  std::vector<std::byte> bytes;
  REQUIRE(encode(update, bytes).has_value());
  Update into;
  REQUIRE(decode_into(bytes, into).has_value());
  const AllocationCount count;
  for (int i = 0; i < 10; ++i) {
    bytes.clear();
    CHECK(encode(update, bytes).has_value());
    CHECK(decode_into(bytes, into).has_value());
  }
  CHECK(count.calls() == 0);
  CHECK(into.title == longer);
}

struct Stamped {
  int number = 0;
  template <class Archive>
  void serialize(Archive& archive, const std::uint32_t) {
    archive(number);
  }
};

TEST_CASE("a class version costs no memory") {
  std::vector<std::byte> bytes;
  REQUIRE(encode(Stamped(), bytes).has_value());
  Stamped stamped;
  const AllocationCount count;
  bytes.clear();
  CHECK(encode(Stamped{7}, bytes).has_value());
  CHECK(decode_into(bytes, stamped).has_value());
  CHECK(count.calls() == 0);
}

TEST_CASE("where memory ends far into an object, an error says so without more memory") {
  const auto bytes = encoded(std::vector<std::string>(3, std::string(20'000, 'x')));
  bool was_reached = true;
  for (int n = 1; was_reached; ++n) {
    std::vector<std::string> object;
    const FailingAllocation failing(n, FailingThread::this_one, FailingRun::from_there_on);
    const auto done = decode_into(bytes, object);
    was_reached = failing.was_reached();
    CHECK(done.has_value() != was_reached);
    CHECK((was_reached ? done.error().code : ErrorCode::budget_exceeded) ==
          ErrorCode::budget_exceeded);
  }
}

}  // namespace tickwire::test::hostile
