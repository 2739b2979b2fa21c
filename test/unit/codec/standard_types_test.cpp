// SPDX-License-Identifier: MIT
#include <array>
#include <atomic>
#include <bitset>
#include <chrono>
#include <cmath>
#include <complex>
#include <cstdint>
#include <limits>
#include <string>

#include <cereal/types/array.hpp>
#include <cereal/types/atomic.hpp>
#include <cereal/types/bitset.hpp>
#include <cereal/types/chrono.hpp>
#include <cereal/types/complex.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/tuple.hpp>
#include <cereal/types/utility.hpp>
#include <cereal/types/variant.hpp>
#include <cereal/types/vector.hpp>

#include "round_trip.hpp"

namespace tickwire::test::standard {
namespace {

struct Point {
  std::int16_t x = 0;
  std::int16_t y = 0;
  auto operator<=>(const Point&) const = default;
};
template <class Archive>
void serialize(Archive& archive, Point& point) {
  archive(CEREAL_NVP(point.x), cereal::make_nvp("y", point.y));
}

template <class T>
void check_limits() {
  CAPTURE(detail::compiler_name<T>());
  check_round_trip(std::numeric_limits<T>::min());
  check_round_trip(std::numeric_limits<T>::max());
  check_round_trip(std::numeric_limits<T>::lowest());
}

}  // namespace

TEST_CASE("numbers come out as they went in") {
  check_limits<bool>();
  check_limits<char>();
  check_limits<signed char>();
  check_limits<unsigned char>();
  check_limits<short>();
  check_limits<unsigned short>();
  check_limits<int>();
  check_limits<unsigned int>();
  check_limits<long>();
  check_limits<unsigned long>();
  check_limits<long long>();
  check_limits<unsigned long long>();
  check_limits<wchar_t>();
  check_limits<char8_t>();
  check_limits<char16_t>();
  check_limits<char32_t>();
  check_limits<float>();
  check_limits<double>();
  check_round_trip(std::numeric_limits<float>::infinity());
  check_round_trip(-0.0);
  CHECK(std::isnan(through_tickwire(std::numeric_limits<double>::quiet_NaN())));
}

/// What is left of a number whose digits two doubles hold.
long double two_doubles(long double number) {
  const auto high = static_cast<double>(number);
  return static_cast<long double>(high) + static_cast<double>(number - high);
}

TEST_CASE(
    "a long double keeps the digits of two doubles, and becomes infinite beyond the range of a "
    "double") {
  check_round_trip(two_doubles(0.1L));
  check_round_trip(two_doubles(-123456789.123456789123456789L));
  check_round_trip(two_doubles(std::numeric_limits<long double>::epsilon() + 1));
  check_round_trip(std::numeric_limits<long double>::infinity());
  CHECK(std::isnan(through_tickwire(std::numeric_limits<long double>::quiet_NaN())));
  if (std::numeric_limits<long double>::max_exponent > std::numeric_limits<double>::max_exponent) {
    CHECK(through_tickwire(std::numeric_limits<long double>::max()) ==
          std::numeric_limits<long double>::infinity());
  }
  check_round_trip(std::vector<long double>{two_doubles(0.1L), two_doubles(0.2L)});
}

TEST_CASE("text and bytes come out as they went in") {
  check_round_trip(std::string());
  check_round_trip(std::string("a name of twelve"));
  check_round_trip(std::string(100'000, 'x'));
  check_round_trip(std::string("with\0zero", 9));
  check_round_trip(std::u16string(u"sixteen"));
  check_round_trip(std::u32string(U"thirty-two"));
  check_round_trip(std::wstring(L"wide"));
  check_round_trip(std::vector<std::byte>(1000, std::byte{7}));
  check_round_trip(std::array<std::byte, 3>{std::byte{1}, std::byte{2}, std::byte{3}});
}

TEST_CASE("pairs, tuples, optionals and variants come out as they went in") {
  check_round_trip(std::pair<int, std::string>(1, "one"));
  check_round_trip(std::tuple<int, float, std::string, Point>(1, 2.f, "three", {4, 5}));
  check_round_trip(std::tuple<>());
  check_round_trip(std::optional<int>(7));
  check_round_trip(std::optional<std::string>());
  check_round_trip(std::optional<std::vector<Point>>({{1, 2}}));
  check_round_trip(std::optional<std::optional<bool>>(std::optional<bool>()));
  using Mixed = std::variant<std::monostate, int, std::string, Point>;
  check_round_trip(Mixed());
  check_round_trip(Mixed(5));
  check_round_trip(Mixed("text"));
  check_round_trip(Mixed(Point{1, 2}));
  check_round_trip(std::vector<Mixed>{5, "text", Point{1, 2}});
}

TEST_CASE("durations, points in time, complex numbers and bit sets come out as they went in") {
  check_round_trip(std::chrono::nanoseconds(-5));
  check_round_trip(std::chrono::duration<float, std::milli>(2.5f));
  check_round_trip(std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::hours(9)));
  check_round_trip(std::complex<float>(1, -2));
  check_round_trip(std::complex<long double>(two_doubles(0.1L), -2));
  check_round_trip(std::bitset<1>("1"));
  check_round_trip(std::bitset<7>("1010101"));
  check_round_trip(std::bitset<8>("11110000"));
  check_round_trip(std::bitset<77>("1000000000000000000000000000000000000000000001"));
}

struct Counter {
  std::atomic<int> count{0};

  Counter() = default;
  explicit Counter(int value) : count(value) {}
  Counter(const Counter& other) : count(other.count.load()) {}
  Counter& operator=(const Counter&) = delete;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(count);
  }
};

TEST_CASE("an atomic comes out as it went in") {
  both_ways(Counter(42), [](const Counter& out) { CHECK(out.count == 42); });
}

struct Later {
  std::string text;
  int number = 0;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::defer(text), number);
  }
};

TEST_CASE("what is put off comes out as it went in") {
  both_ways(Later{"in the end", 7}, [](const Later& out) {
    CHECK(out.text == "in the end");
    CHECK(out.number == 7);
  });
}

struct Arrays {
  int numbers[3] = {};
  bool flags[2] = {};
  float grid[2][3] = {};
  Point points[2];
  std::uint16_t raw[4] = {};
  bool operator==(const Arrays&) const = default;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(numbers, flags, grid, points, cereal::binary_data(&raw[0], sizeof(raw)));
  }
};

TEST_CASE("C arrays and binary data come out as they went in") {
  Arrays arrays;
  arrays.numbers[2] = -7;
  arrays.flags[1] = true;
  arrays.grid[1][2] = 2.5f;
  arrays.points[1] = {3, 4};
  arrays.raw[3] = 0x1234;
  check_round_trip(arrays);
}

enum class Colour : std::uint8_t { red, green, blue };
enum class Wide : std::int64_t { low = std::numeric_limits<std::int64_t>::min(), zero = 0 };
enum class Switch : bool { off, on };

TEST_CASE("enumerations come out as they went in, in the size of their type") {
  check_round_trip(Colour::blue);
  check_round_trip(Wide::low);
  check_round_trip(Switch::on);
  check_round_trip(std::vector<Colour>{Colour::red, Colour::blue});
  check_round_trip(std::map<Colour, Switch>{{Colour::green, Switch::on}});
  CHECK(encoded(Colour::blue).size() == 1);
  CHECK(encoded(Wide::low).size() == 8);
}

}  // namespace tickwire::test::standard
