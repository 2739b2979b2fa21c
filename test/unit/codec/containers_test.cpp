// SPDX-License-Identifier: MIT
#include <array>
#include <cstdint>
#include <functional>
#include <queue>
#include <stack>
#include <string>
#include <valarray>

#include <cereal/types/array.hpp>
#include <cereal/types/deque.hpp>
#include <cereal/types/forward_list.hpp>
#include <cereal/types/functional.hpp>
#include <cereal/types/list.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/queue.hpp>
#include <cereal/types/set.hpp>
#include <cereal/types/stack.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/unordered_map.hpp>
#include <cereal/types/unordered_set.hpp>
#include <cereal/types/valarray.hpp>
#include <cereal/types/vector.hpp>

#include "round_trip.hpp"

namespace tickwire::test::containers {
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

struct Nothing {
  bool operator==(const Nothing&) const = default;
};

}  // namespace
}  // namespace tickwire::test::containers

template <>
struct std::hash<tickwire::test::containers::Point> {
  std::size_t operator()(const tickwire::test::containers::Point& point) const noexcept {
    return static_cast<std::size_t>(point.x * 31 + point.y);
  }
};

namespace tickwire::test::containers {

TEST_CASE("sequences come out as they went in") {
  const std::vector<Point> points{{1, 2}, {3, 4}, {-5, 6}};
  check_round_trip(std::vector<float>{1, 2.5f, -3});
  check_round_trip(points);
  check_round_trip(std::vector<bool>{true, false, true});
  check_round_trip(std::vector<std::string>{"one", "", "three"});
  check_round_trip(std::vector<std::vector<std::uint8_t>>{{}, {1}, {2, 3}});
  check_round_trip(std::vector<Nothing>(1000));
  check_round_trip(std::array<short, 16>{1, 2, 3, -4});
  check_round_trip(std::array<Point, 2>{Point{1, 2}, Point{3, 4}});
  check_round_trip(std::array<std::string, 2>{"a", "b"});
  check_round_trip(std::array<bool, 3>{true, false, true});
  CHECK(encoded(std::array<char, 0>{}).empty());
  CHECK(encoded(std::array<Point, 0>{}).empty());
  CHECK(through_tickwire(std::array<int, 0>{}) == std::array<int, 0>{});
  check_round_trip(std::deque<Point>(points.begin(), points.end()));
  check_round_trip(std::deque<int>{1, 2, 3});
  check_round_trip(std::list<Point>(points.begin(), points.end()));
  check_round_trip(std::list<std::string>{"one", "two"});
  check_round_trip(std::forward_list<int>{1, 2, 3});
  check_round_trip(std::forward_list<std::string>{"one"});
}

TEST_CASE("sets and maps come out as they went in") {
  check_round_trip(std::set<std::string>{"a", "b"});
  check_round_trip(std::multiset<int>{1, 1, 2});
  check_round_trip(std::unordered_set<Point>{{1, 2}, {3, 4}});
  check_round_trip(std::unordered_multiset<int>{1, 1, 2});
  check_round_trip(std::map<std::string, Point>{{"a", {1, 2}}, {"b", {3, 4}}});
  check_round_trip(std::multimap<int, std::string>{{1, "a"}, {2, "b"}});
  check_round_trip(std::unordered_map<int, std::vector<int>>{{1, {1, 2}}, {2, {}}});
  check_round_trip(std::unordered_multimap<int, int>{{1, 2}, {1, 2}});
  check_round_trip(std::map<int, std::map<int, std::set<int>>>{{1, {{2, {3}}}}});
}

TEST_CASE("what has the same key keeps its order, which Cereal turns round") {
  const std::multimap<int, std::string> texts{{1, "a"}, {1, "b"}, {1, "c"}};
  CHECK(through_tickwire(texts) == texts);
}

TEST_CASE("queues and stacks come out as they went in") {
  std::queue<int> queue({1, 2, 3});
  check_round_trip(queue);
  std::stack<std::string> stack({"a", "b"});
  check_round_trip(stack);
  std::priority_queue<int> heap(std::less<int>(), {3, 1, 2});
  both_ways(heap, [&heap](std::priority_queue<int> out) {
    for (auto expected = heap; !expected.empty(); expected.pop(), out.pop()) {
      REQUIRE_FALSE(out.empty());
      CHECK(out.top() == expected.top());
    }
    CHECK(out.empty());
  });
}

TEST_CASE("an array of numbers without elements does not touch the first") {
  const auto same = [](const auto& a, const auto& b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (!(a[i] == b[i])) return false;
    }
    return true;
  };
  const std::valarray<double> numbers{1, 2.5, -3};
  CHECK(same(through_cereal(numbers), numbers));
  CHECK(same(through_tickwire(numbers), numbers));
  CHECK(same(through_tickwire(std::valarray<double>()), std::valarray<double>()));
  const std::valarray<std::string> texts{"a", "b"};
  CHECK(same(through_tickwire(texts), texts));
  CHECK(same(through_tickwire(std::valarray<std::string>()), std::valarray<std::string>()));
}

}  // namespace tickwire::test::containers
