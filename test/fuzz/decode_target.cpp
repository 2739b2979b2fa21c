// SPDX-License-Identifier: MIT
#include "decode_target.hpp"

#include <utility>

#include "decode_zoo.hpp"

namespace tickwire::zoo {
namespace {

constexpr std::size_t kTypes = std::tuple_size_v<Types>;
constexpr DecodeLimits kLimits{.max_total_bytes = std::size_t{16} << 20,
                               .polymorphic = PolymorphicTypes::accept};

template <class T>
std::string check(std::span<const std::byte> bytes) {
  const auto first = decode<T>(bytes, kLimits);
  if (!first) return first.error().detail.empty() ? "an error without a sentence" : "";
  std::vector<std::byte> again;
  if (const auto done = encode(*first, again); !done) return done.error().message();
  const auto second = decode<T>(again, kLimits);
  if (!second) return "what was encoded does not decode: " + second.error().message();
  std::vector<std::byte> third;
  if (!encode(*second, third) || third.size() != again.size()) {
    return "the second encoding differs from the first";
  }
  return {};
}

template <std::size_t... I>
std::string check_as(std::size_t type, std::span<const std::byte> bytes,
                     std::index_sequence<I...>) {
  std::string result;
  static_cast<void>(
      ((type == I && (result = check<std::tuple_element_t<I, Types>>(bytes), true)) || ...));
  return result;
}

std::shared_ptr<Node> sample_nodes() {
  auto first = std::make_shared<Node>();
  first->text = "first";
  first->next = std::make_shared<Node>();
  first->next->text = "second";
  first->next->back = first;
  first->words = {std::make_shared<const std::string>("word"), nullptr};
  first->next->words = first->words;
  return first;
}

template <class T>
T sample() {
  return {};
}
template <>
Plain sample() {
  return {7, 1, 2, true, Colour::blue, "a name", {1, 2, 3, 4}, {true, false}, 0.1L};
}
template <>
std::vector<Plain> sample() {
  return {2, sample<Plain>()};
}
template <>
std::vector<std::string> sample() {
  return {"one", "two", "three"};
}
template <>
std::map<std::string, std::vector<int>> sample() {
  return {{"a", {1, 2}}, {"b", {}}};
}
template <>
std::vector<Variant> sample() {
  using Pairs = std::vector<std::pair<Colour, std::string>>;
  return {Variant(), Variant(5), Variant("text"), Variant(sample<Plain>()),
          Variant(Pairs{{Colour::red, "x"}})};
}
template <>
Tree sample() {
  Tree tree;
  tree.name = "root";
  tree.children.resize(2);
  tree.children[1].name = "leaf";
  tree.more.emplace(3);
  tree.named["twig"] = std::make_unique<Tree>();
  tree.named["none"] = nullptr;
  return tree;
}
template <>
std::vector<std::shared_ptr<Node>> sample() {
  const auto nodes = sample_nodes();
  return {nodes, nodes->next, nullptr, nodes};
}
template <>
std::shared_ptr<Made> sample() {
  auto made = std::make_shared<Made>("outer");
  made->child = std::make_shared<Made>("shared");
  made->other = std::make_unique<Made>("owned");
  made->other->child = made->child;
  return made;
}
template <>
std::vector<Versioned> sample() {
  return {{1, "one"}, {2, "two"}};
}
template <>
std::vector<std::shared_ptr<Shape>> sample() {
  auto group = std::make_shared<Group>();
  group->owned.push_back(std::make_unique<Circle>());
  group->shared = {std::make_shared<Circle>(), nullptr};
  group->shared.push_back(group->shared[0]);
  return {group, group->shared[0], std::make_shared<Shape>()};
}
template <>
std::unique_ptr<Shape> sample() {
  return std::make_unique<Circle>();
}
template <>
Deferring sample() {
  Deferring deferring{"a", std::make_unique<Deferring>(), {}};
  deferring.next->text = "b";
  deferring.next->next = std::make_unique<Deferring>();
  deferring.more.resize(2);
  return deferring;
}
template <>
Value sample() {
  return Value::map({{"list", Value::list({1, -2.5, "three", true, nullptr})},
                     {"map", Value::map({{"bytes", Value::Bytes(3)}})}});
}
template <>
Metadata sample() {
  return {{"from", "Kit"}, {"hops", 3}};
}
template <>
NetworkMessage sample() {
  return NetworkMessage("body").add_header("urgent").add_header("to", "Rex");
}

template <class T>
std::vector<std::byte> sample_input(std::size_t type) {
  std::vector<std::byte> bytes{static_cast<std::byte>(type)};
  static_cast<void>(encode(sample<T>(), bytes));
  return bytes;
}

template <std::size_t... I>
std::vector<std::vector<std::byte>> sample_inputs(std::index_sequence<I...>) {
  return {sample_input<std::tuple_element_t<I, Types>>(I)...};
}

}  // namespace

std::string fuzz_decode(std::span<const std::byte> input) {
  if (input.empty()) return {};
  const auto type = std::to_integer<std::size_t>(input.front()) % kTypes;
  return check_as(type, input.subspan(1), std::make_index_sequence<kTypes>());
}

std::vector<std::vector<std::byte>> samples() {
  return sample_inputs(std::make_index_sequence<kTypes>());
}

}  // namespace tickwire::zoo
