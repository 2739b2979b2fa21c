// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <valarray>
#include <variant>
#include <vector>

#include <cereal/types/base_class.hpp>
#include <cereal/types/bitset.hpp>
#include <cereal/types/complex.hpp>
#include <cereal/types/forward_list.hpp>
#include <cereal/types/memory.hpp>
#include <cereal/types/polymorphic.hpp>
#include <cereal/types/queue.hpp>
#include <cereal/types/stack.hpp>
#include <cereal/types/valarray.hpp>

#include <tickwire/archive.hpp>
#include <tickwire/network_message.hpp>
#include <tickwire/value.hpp>

// Types of every kind that a decode has to survive.

namespace tickwire::zoo {

enum class Colour : std::uint8_t { red, green, blue };
TICKWIRE_ENUM_RANGE(Colour, red, blue);

struct Plain {
  std::uint32_t id = 0;
  float x = 0, y = 0;
  bool alive = false;
  Colour colour = Colour::red;
  std::string name;
  std::array<std::int16_t, 4> inputs{};
  std::array<bool, 2> flags{};
  long double exact = 0;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(id, x, y, alive, CEREAL_NVP(colour), name, inputs, flags, exact);
  }
};

struct Large {
  std::uint8_t first = 0;
  std::array<std::uint8_t, 4095> rest{};
  template <class Archive>
  void serialize(Archive& archive) {
    archive(first);
  }
};

struct Empty {};

struct Tree {
  std::string name;
  std::vector<Tree> children;
  std::map<std::string, std::unique_ptr<Tree>> named;
  std::optional<std::vector<Tree>> more;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(name, children, named, more);
  }
};

struct Node {
  std::string text;
  std::shared_ptr<Node> next;
  std::weak_ptr<Node> back;
  std::vector<std::shared_ptr<const std::string>> words;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(text, next, back, words);
  }
};

struct Made : std::enable_shared_from_this<Made> {
  explicit Made(std::string name_) : name(std::move(name_)) {}
  std::string name;
  std::string rest;
  std::shared_ptr<Made> child;
  std::unique_ptr<Made> other;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(name, rest, child, other);
  }
  template <class Archive>
  static void load_and_construct(Archive& archive, cereal::construct<Made>& construct) {
    std::string name;
    archive(name);
    construct(name);
    archive(construct->rest, construct->child, construct->other);
  }
};

struct Versioned {
  int number = 0;
  std::string text;
  template <class Archive>
  void serialize(Archive& archive, const std::uint32_t version) {
    archive(number);
    if (version >= 2) archive(text);
  }
};

struct Base {
  int base = 0;
  template <class Archive>
  void serialize(Archive& archive, const std::uint32_t) {
    archive(base);
  }
};
struct Left : virtual Base {
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::virtual_base_class<Base>(this));
  }
};
struct Right : virtual Base {
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::virtual_base_class<Base>(this));
  }
};
struct Diamond : Left, Right {
  Versioned versioned;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::base_class<Left>(this), cereal::base_class<Right>(this), versioned);
  }
};

struct Shape {
  virtual ~Shape() = default;
  template <class Archive>
  void serialize(Archive&) {}
};
struct Circle : Shape {
  double radius = 0;
  std::string name;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::base_class<Shape>(this), radius, name);
  }
};
struct Group : Shape {
  std::vector<std::unique_ptr<Shape>> owned;
  std::vector<std::shared_ptr<Shape>> shared;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::base_class<Shape>(this), owned, shared);
  }
};
struct Stranger {
  virtual ~Stranger() = default;
  std::string text;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(text);
  }
};

struct Deferring {
  std::string text;
  std::unique_ptr<Deferring> next;
  std::vector<Deferring> more;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(text, cereal::defer(next), more);
  }
};

struct Careless {
  std::vector<std::string> texts;
  template <class Archive>
  void save(Archive& archive) const {
    archive(texts);
  }
  template <class Archive>
  void load(Archive& archive) {
    try {
      archive(texts);
    } catch (...) {
      texts.clear();
    }
  }
};

using Variant = std::variant<std::monostate, std::int32_t, std::string, Plain,
                             std::vector<std::pair<Colour, std::string>>>;

/// The first byte of an input chooses one of these; new ones go last.
using Types =
    std::tuple<Plain, std::vector<Plain>, std::string, std::vector<std::string>, std::vector<float>,
               std::vector<bool>, std::vector<Large>, std::vector<Empty>, std::list<Empty>,
               std::deque<std::string>, std::forward_list<Plain>, std::valarray<std::int16_t>,
               std::valarray<std::string>, std::set<std::string>, std::multiset<int>,
               std::unordered_set<std::string>, std::map<std::string, std::vector<int>>,
               std::multimap<int, std::string>, std::unordered_map<int, std::deque<int>>,
               std::optional<std::optional<std::string>>, Variant, std::vector<Variant>,
               std::tuple<std::bitset<13>, std::complex<float>, std::chrono::milliseconds>,
               std::queue<std::string>, std::stack<int>, std::priority_queue<int>, Tree, Node,
               std::vector<std::shared_ptr<Node>>, std::unique_ptr<Made>, std::shared_ptr<Made>,
               Versioned, std::vector<Versioned>, Diamond, std::vector<Diamond>,
               std::unique_ptr<Shape>, std::vector<std::shared_ptr<Shape>>, Deferring, Careless,
               Value, Metadata, NetworkMessage, std::vector<std::byte>>;

}  // namespace tickwire::zoo

CEREAL_CLASS_VERSION(tickwire::zoo::Versioned, 2)
CEREAL_REGISTER_TYPE_WITH_NAME(tickwire::zoo::Circle, "circle")
CEREAL_REGISTER_TYPE_WITH_NAME(tickwire::zoo::Group, "group")
CEREAL_REGISTER_TYPE_WITH_NAME(tickwire::zoo::Stranger, "stranger")
