// SPDX-License-Identifier: MIT
#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <cereal/types/memory.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/variant.hpp>
#include <cereal/types/vector.hpp>

#include "round_trip.hpp"

namespace tickwire::test::layout {

struct Versioned {
  std::uint8_t value = 0;
  template <class Archive>
  void serialize(Archive& archive, std::uint32_t) {
    archive(value);
  }
};

}  // namespace tickwire::test::layout

CEREAL_CLASS_VERSION(tickwire::test::layout::Versioned, 300)

namespace tickwire::test::layout {

TEST_CASE("numbers are little-endian on the wire") {
  CHECK(encoded(std::uint16_t{0x0102}) == bytes_of({0x02, 0x01}));
  CHECK(encoded(std::int32_t{-2}) == bytes_of({0xFE, 0xFF, 0xFF, 0xFF}));
  CHECK(encoded(std::uint64_t{0x0102030405060708}) == bytes_of({8, 7, 6, 5, 4, 3, 2, 1}));
  CHECK(encoded(1.0f) == bytes_of({0, 0, 0x80, 0x3F}));
  CHECK(encoded(-2.0) == bytes_of({0, 0, 0, 0, 0, 0, 0, 0xC0}));
  CHECK(encoded(true) == bytes_of({1}));
  CHECK(encoded(std::vector<std::uint16_t>{0x0102, 0x0304}) == bytes_of({2, 2, 1, 4, 3}));
  CHECK(encoded(std::array<std::uint16_t, 2>{0x0102, 0x0304}) == bytes_of({2, 1, 4, 3}));
}

TEST_CASE("a big-endian machine turns the bytes of a number round") {
  std::array<std::byte, 4> bytes{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
  const auto original = bytes;
  detail::swap_to_wire<std::endian::little>(bytes);
  CHECK(bytes == original);
  detail::swap_to_wire<std::endian::big>(bytes);
  CHECK(bytes == std::array<std::byte, 4>{std::byte{4}, std::byte{3}, std::byte{2}, std::byte{1}});
}

TEST_CASE("a size is a varint") {
  CHECK(encoded(std::string("ab")) == bytes_of({2, 'a', 'b'}));
  CHECK(encoded(std::string(127, 'x')).size() == 128);
  const auto longer = encoded(std::string(300, 'x'));
  CHECK(longer.size() == 302);
  CHECK(longer[0] == std::byte{0xAC});
  CHECK(longer[1] == std::byte{0x02});

  std::vector<std::byte> bytes;
  {
    ByteWriter writer(bytes);
    for (int bits = 0; bits <= 64; ++bits) {
      writer.write_varint(bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1);
    }
  }
  ByteReader reader(bytes);
  for (int bits = 0; bits <= 64; ++bits) {
    CAPTURE(bits);
    CHECK(reader.read_varint() ==
          (bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1));
  }
  CHECK(reader.remaining() == 0);
}

TEST_CASE("optionals, variants, pointers and versions take one byte more than what they hold") {
  CHECK(encoded(std::optional<std::uint8_t>(7)) == bytes_of({0, 7}));
  CHECK(encoded(std::optional<std::uint8_t>()) == bytes_of({1}));
  CHECK(encoded(std::variant<std::monostate, std::uint8_t>(std::uint8_t{7})) == bytes_of({1, 7}));
  CHECK(encoded(std::unique_ptr<std::uint8_t>()) == bytes_of({0}));
  CHECK(encoded(std::make_unique<std::uint8_t>(std::uint8_t{7})) == bytes_of({1, 7}));
  const auto seven = std::make_shared<std::uint8_t>(std::uint8_t{7});
  const auto eight = std::make_shared<std::uint8_t>(std::uint8_t{8});
  using Pointers = std::vector<std::shared_ptr<std::uint8_t>>;
  CHECK(encoded(Pointers{seven, seven, nullptr, eight}) == bytes_of({4, 1, 7, 1, 0, 2, 8}));
  CHECK(encoded(std::vector<Versioned>{{7}, {8}}) == bytes_of({2, 0xAC, 0x02, 7, 8}));
}

TEST_CASE("a name given to a value leaves no trace") {
  const std::uint16_t value = 7;
  std::vector<std::byte> bytes;
  {
    ByteWriter writer(bytes);
    writer(cereal::make_nvp("cereal_class_version", std::uint32_t{1}), CEREAL_NVP(value));
  }
  CHECK(bytes == bytes_of({1, 0, 0, 0, 7, 0}));
}

// What is written with one check for room, and what stands between and is not.
struct Row {
  std::uint8_t first = 1;
  std::array<float, 3> position{1, -2, 3.5f};
  bool is_on = true;
  std::array<std::int16_t, 2> cell{-3, 4};
  std::array<bool, 2> switches{true, false};
  std::uint32_t number = 5;
  std::array<std::uint16_t, 40> many{6, 7, 8};
  std::array<char, 5> letters{'a', 'b', 'c', 'd', 'e'};
  double last = 9;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(first, position, is_on, cereal::make_nvp("cell", cell), switches, number, many, letters,
            last);
  }
  friend bool operator==(const Row&, const Row&) = default;
};

TEST_CASE("numbers and arrays in one call are laid out as in a call for each") {
  const Row row;
  std::vector<std::byte> each;
  {
    ByteWriter writer(each);
    writer(row.first);
    writer(row.position);
    writer(row.is_on);
    writer(row.cell);
    writer(row.switches);
    writer(row.number);
    writer(row.many);
    writer(row.letters);
    writer(row.last);
  }
  CHECK(encoded(row) == each);
  Row back{0, {}, false, {}, {}, 0, {}, {}, 0};
  REQUIRE(decode_into(each, back));
  CHECK(back == row);
}

TEST_CASE("numbers and arrays in one call are refused where they are cut, or no bool") {
  const std::vector<std::byte> whole = encoded(Row());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    // In memory of its own size, so that a sanitizer sees a byte too many.
    const std::vector<std::byte> cut(whole.begin(),
                                     whole.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK(decode<Row>(cut).error().code == ErrorCode::malformed_object);
  }
  const auto refusal = [&](std::size_t at) {
    std::vector<std::byte> spoiled = whole;
    spoiled[at] = std::byte{2};
    return decode<Row>(spoiled).error().message();
  };
  CHECK(refusal(13).find("13") != std::string::npos);
  CHECK(refusal(18).find("18") != std::string::npos);
}

TEST_CASE("text is sent as a string, in any form") {
  const auto expected = bytes_of({2, 'a', 'b'});
  CHECK(encoded("ab") == expected);
  CHECK(encoded(std::string_view("ab")) == expected);
  const char* pointer = "ab";
  CHECK(encoded(pointer) == expected);
  CHECK(*decode<std::string>(expected) == "ab");
}

TEST_CASE("a small game message is as large as its fields and one byte for its text") {
  struct Move {
    std::uint32_t id = 0;
    float x = 0, y = 0, z = 0;
    std::string name = "twelve chars";
    std::array<short, 16> inputs{};
    void serialize(ByteWriter& archive) { archive(id, x, y, z, name, inputs); }
  };
  CHECK(encoded(Move()).size() == 4 + 12 + 1 + 12 + 32);
}

}  // namespace tickwire::test::layout
