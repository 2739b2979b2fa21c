// SPDX-License-Identifier: MIT
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <cereal/types/base_class.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/memory.hpp>
#include <cereal/types/polymorphic.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>

#include "round_trip.hpp"

namespace tickwire::test::pointers {

struct Chain {
  int number = 0;
  std::unique_ptr<Chain> next;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(number, next);
  }
};

struct Owner;

struct Pet {
  std::string name;
  std::weak_ptr<Owner> owner;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(name, owner);
  }
};

struct Owner {
  std::vector<std::shared_ptr<Pet>> pets;
  std::shared_ptr<Pet> favourite;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(pets, favourite);
  }
};

/// Reads the way back before the way on.
struct Branch {
  std::weak_ptr<Branch> parent;
  std::vector<std::shared_ptr<Branch>> children;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(parent, children);
  }
};

struct Ring {
  std::shared_ptr<Ring> next;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(next);
  }
};

/// Has no default constructor, and reads on after it was made.
struct Made {
  explicit Made(int number_) : number(number_) {}
  int number;
  std::string text;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(number, text);
  }
  template <class Archive>
  static void load_and_construct(Archive& archive, cereal::construct<Made>& construct) {
    int number = 0;
    archive(number);
    construct(number);
    archive(construct->text);
  }
};

struct NeverMade {
  explicit NeverMade(int) {}
  template <class Archive>
  void serialize(Archive&) {}
  template <class Archive>
  static void load_and_construct(Archive&, cereal::construct<NeverMade>&) {}
};

struct Self : std::enable_shared_from_this<Self> {
  explicit Self(int number_) : number(number_) {}
  int number;
  std::weak_ptr<Self> me;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(number);
  }
  template <class Archive>
  static void load_and_construct(Archive& archive, cereal::construct<Self>& construct) {
    int number = 0;
    archive(number);
    construct(number);
    construct->me = construct->shared_from_this();
  }
};

struct Shape {
  virtual ~Shape() = default;
  [[nodiscard]] virtual int area() const = 0;
  template <class Archive>
  void serialize(Archive&) {}
};

struct Square : Shape {
  int side = 0;
  [[nodiscard]] int area() const override { return side * side; }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::virtual_base_class<Shape>(this), side);
  }
};

struct Unrelated {
  virtual ~Unrelated() = default;
  std::string text;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(text);
  }
};

struct UnrelatedChild : Unrelated {
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::base_class<Unrelated>(this));
  }
};

/// A base that the program takes from the network wherever it stands.
struct Welcome {
  virtual ~Welcome() = default;
  int number = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(number);
  }
};

}  // namespace tickwire::test::pointers

template <>
inline constexpr bool tickwire::accepts_polymorphic<tickwire::test::pointers::Welcome> = true;

CEREAL_REGISTER_TYPE_WITH_NAME(tickwire::test::pointers::Square, "square")
CEREAL_REGISTER_TYPE_WITH_NAME(tickwire::test::pointers::UnrelatedChild, "unrelated")

namespace tickwire::test::pointers {

constexpr DecodeLimits kPolymorphic{.polymorphic = PolymorphicTypes::accept};

TEST_CASE("a chain of unique pointers comes out as it went in") {
  Chain chain{1, std::make_unique<Chain>(Chain{2, std::make_unique<Chain>(Chain{3, nullptr})})};
  both_ways(chain, [](const Chain& out) {
    REQUIRE(out.next);
    REQUIRE(out.next->next);
    CHECK(out.next->next->number == 3);
    CHECK_FALSE(out.next->next->next);
  });
}

TEST_CASE("shared objects stay shared, and weak pointers point back") {
  auto owner = std::make_shared<Owner>();
  owner->pets = {std::make_shared<Pet>(Pet{"Rex", owner}), std::make_shared<Pet>(Pet{"Kit", owner}),
                 nullptr};
  owner->favourite = owner->pets[1];
  both_ways(owner, [](const std::shared_ptr<Owner>& out) {
    REQUIRE(out->pets.size() == 3);
    CHECK(out->favourite == out->pets[1]);
    CHECK(out->favourite->name == "Kit");
    CHECK(out->pets[0]->owner.lock() == out);
    CHECK(out->pets[2] == nullptr);
    CHECK(out.use_count() == 1);
  });
}

TEST_CASE("an object that owns itself is refused unless the program takes such") {
  auto ring = std::make_shared<Ring>();
  ring->next = ring;
  const auto bytes = encoded(ring);
  ring->next.reset();
  CHECK(contains(refusal<std::shared_ptr<Ring>>(bytes, ErrorCode::malformed_object),
                 "shared object 1 owns itself"));
  auto taken = decode<std::shared_ptr<Ring>>(bytes, {.cycles = OwnershipCycles::accept});
  REQUIRE(taken.has_value());
  CHECK((*taken)->next == *taken);
  (*taken)->next.reset();
}

TEST_CASE("a way back that leads nowhere excuses no owner behind it") {
  // One branch without a parent, whose one child it is itself.
  const std::vector<std::byte> itself{std::byte{1}, std::byte{0}, std::byte{1}, std::byte{1}};
  CHECK(contains(refusal<std::shared_ptr<Branch>>(itself, ErrorCode::malformed_object),
                 "shared object 1 owns itself"));
  // A chain, built back to front.
  std::vector<std::shared_ptr<Branch>> chain;
  for (int i = 0; i < 1000; ++i) {
    chain.push_back(std::make_shared<Branch>());
    if (i > 0) chain.back()->children.push_back(chain[chain.size() - 2]);
  }
  refusal<std::vector<std::shared_ptr<Branch>>>(encoded(chain), ErrorCode::budget_exceeded);
  chain.resize(10);
  both_ways(chain, [](const std::vector<std::shared_ptr<Branch>>& out) {
    CHECK(out[9]->children.front() == out[8]);
  });
}

TEST_CASE("objects without a default constructor are made by load_and_construct") {
  auto unique = std::make_unique<Made>(7);
  unique->text = "seven, in more text than fits into a string itself";
  both_ways(unique, [&](const std::unique_ptr<Made>& out) {
    CHECK(out->number == 7);
    CHECK(out->text == unique->text);
  });
  auto shared = std::make_shared<Made>(8);
  shared->text = unique->text;
  both_ways(std::vector{shared, shared}, [&](const std::vector<std::shared_ptr<Made>>& out) {
    CHECK(out[0]->number == 8);
    CHECK(out[0]->text == shared->text);
    CHECK(out[0] == out[1]);
  });
}

TEST_CASE("an object whose bytes end while it is being made leaves nothing behind") {
  auto object = std::make_unique<Made>(7);
  object->text = "more text than fits into a string itself, so that a leak would be seen";
  auto bytes = encoded(object);
  bytes.pop_back();
  refusal<std::unique_ptr<Made>>(bytes, ErrorCode::malformed_object);
  refusal<std::shared_ptr<Made>>(bytes, ErrorCode::malformed_object);
  CHECK(contains(refusal<std::unique_ptr<NeverMade>>(bytes_of({1}), ErrorCode::malformed_object),
                 "load_and_construct made no object"));
}

TEST_CASE("shared_from_this works in an object that was decoded, from its making on") {
  both_ways(std::make_shared<Self>(7), [](const std::shared_ptr<Self>& out) {
    CHECK(out->number == 7);
    CHECK(out->shared_from_this() == out);
    CHECK(out->me.lock() == out);
  });
}

TEST_CASE("pointers to a base bring back the class that they pointed to, where that is wanted") {
  auto square = std::make_shared<Square>();
  square->side = 3;
  const std::vector<std::shared_ptr<Shape>> shapes{square, square, nullptr};
  both_ways(
      shapes,
      [](const std::vector<std::shared_ptr<Shape>>& out) {
        REQUIRE(out.size() == 3);
        REQUIRE(out[0] != nullptr);
        CHECK(out[0]->area() == 9);
        CHECK(out[0] == out[1]);
        CHECK(out[2] == nullptr);
      },
      kPolymorphic);
  std::unique_ptr<Shape> unique = std::make_unique<Square>(*square);
  both_ways(
      unique, [](const std::unique_ptr<Shape>& out) { CHECK(out->area() == 9); }, kPolymorphic);
  CHECK(through_tickwire(std::make_unique<Welcome>())->number == 0);
}

TEST_CASE("pointers to polymorphic types are refused unless the program takes them") {
  const auto refused = [](const std::vector<std::byte>& bytes) {
    return contains(refusal<std::unique_ptr<Shape>>(bytes, ErrorCode::malformed_object),
                    "does not accept from the network");
  };
  CHECK(refused(encoded(std::unique_ptr<Shape>(std::make_unique<Square>()))));
  CHECK(refused(encoded(std::unique_ptr<Shape>())));
}

TEST_CASE("the name of a class that nobody registered, or of an unrelated one, is refused") {
  const auto with_name = [](std::string_view name) {
    std::vector<std::byte> bytes;
    ByteWriter writer(bytes);
    writer(std::uint32_t{0x80000001}, std::string(name), std::uint8_t{1});
    writer(std::string("text that is longer than what a string holds in itself"));
    writer.finish();
    return bytes;
  };
  const auto say = [](const std::vector<std::byte>& bytes) {
    constexpr auto code = ErrorCode::malformed_object;
    const auto shared = refusal<std::shared_ptr<Shape>>(bytes, code, kPolymorphic);
    const auto unique = refusal<std::unique_ptr<Shape>>(bytes, code, kPolymorphic);
    CHECK(unique.substr(unique.find(": ")) == shared.substr(shared.find(": ")));
    return shared;
  };
  CHECK(contains(say(with_name("nobody")), "unregistered polymorphic type (nobody)"));
  CHECK(contains(say(with_name("bad\n\x01\xFF")), "(bad \?\?)"));
  CHECK(contains(say(with_name("unrelated")), "an object of an unrelated class"));
  CHECK(say(with_name(std::string(100'000, 'x'))).size() < 500);
  CHECK(contains(say(bytes_of({2, 0, 0, 0})), "used before it is named"));
  CHECK(contains(say(bytes_of({5, 0, 0, 0x80, 1, 'x'})), "out of order"));
}

TEST_CASE("a shared object is not used as two types, nor before it is there") {
  using Two = std::pair<std::shared_ptr<std::uint8_t>, std::shared_ptr<std::int8_t>>;
  CHECK(contains(refusal<Two>(bytes_of({1, 7, 1}), ErrorCode::malformed_object),
                 "shared object 1 is used as two types (at byte 3)"));
  CHECK(contains(refusal<Two>(bytes_of({2, 7, 1, 8}), ErrorCode::malformed_object),
                 "shared object 2 is used before it is there"));
  CHECK(contains(refusal<Two>(bytes_of({1, 7, 3, 8}), ErrorCode::malformed_object),
                 "shared object 3 is used before it is there"));
  CHECK(contains(
      refusal<std::unique_ptr<std::uint8_t>>(bytes_of({2, 7}), ErrorCode::malformed_object),
      "a bool is 2"));
}

/// A shared pointer of a program's own, written as Cereal's own archives would.
struct OwnPointer {
  std::shared_ptr<int> object;

  template <class Archive>
  void save(Archive& archive) const {
    const std::uint32_t id = archive.registerSharedPointer(object);
    archive(id);
    if ((id & cereal::detail::msb_32bit) != 0) archive(*object);
  }
  template <class Archive>
  void load(Archive& archive) {
    std::uint32_t id = 0;
    archive(id);
    if ((id & cereal::detail::msb_32bit) != 0) {
      object = std::make_shared<int>();
      archive.registerSharedPointer(id, object);
      archive(*object);
    } else {
      object = std::static_pointer_cast<int>(archive.getSharedPointer(id));
    }
  }
};

TEST_CASE("smart pointers of a program's own share objects, too") {
  const auto number = std::make_shared<int>(7);
  both_ways(std::vector<OwnPointer>{{number}, {nullptr}, {number}},
            [](const std::vector<OwnPointer>& out) {
              CHECK(*out[0].object == 7);
              CHECK(out[1].object == nullptr);
              CHECK(out[2].object == out[0].object);
            });
  for (const unsigned id : {1u, 2u, 0x7FFFFFFFu}) {
    CAPTURE(id);
    refusal<OwnPointer>(encoded(id), ErrorCode::malformed_object);
  }
  refusal<OwnPointer>(encoded(std::pair(0x80000002u, 7)), ErrorCode::malformed_object);
  using Mixed = std::pair<std::shared_ptr<int>, OwnPointer>;
  refusal<Mixed>(bytes_of({1, 7, 0, 0, 0, 1, 0, 0, 0}), ErrorCode::malformed_object);
}

TEST_CASE("two types at one address are two objects") {
  struct First {
    int number = 7;
    void serialize(ByteWriter& archive) { archive(number); }
    void serialize(ByteReader& archive) { archive(number); }
  };
  const auto object = std::make_shared<First>();
  const std::pair both(object, std::shared_ptr<int>(object, &object->number));
  const auto out = through_tickwire(both);
  CHECK(out.first->number == 7);
  CHECK(*out.second == 7);
}

/// Built back to front, so that no read is deep, but the destruction would be.
TEST_CASE("a long chain of shared objects is refused, however it is put together") {
  using Rings = std::vector<std::shared_ptr<Ring>>;
  Rings rings;
  for (int i = 0; i < 30; ++i) {
    rings.push_back(std::make_shared<Ring>());
    if (i > 0) rings[static_cast<std::size_t>(i)]->next = rings[static_cast<std::size_t>(i) - 1];
  }
  CHECK(through_tickwire(rings).back()->next != nullptr);

  std::vector<std::byte> bytes;
  ByteWriter writer(bytes);
  constexpr std::uint64_t kCount = 100'000;
  writer.write_varint(kCount);
  for (std::uint64_t i = 1; i <= kCount; ++i) {
    writer.write_varint(i);
    writer.write_varint(i - 1);
  }
  writer.finish();
  CHECK(contains(refusal<Rings>(bytes, ErrorCode::budget_exceeded), "nested more than 100"));
}

struct Deferring {
  int number = 0;
  std::unique_ptr<Deferring> next;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(number, cereal::defer(next));
  }
};

struct Graph {
  std::map<std::string, Deferring> nodes;
  int last = 0;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(nodes);
    archive.serializeDeferments();
    archive(last);
  }
};

TEST_CASE("what is put off is read at the end, also when it puts off more") {
  Deferring deferring{1, std::make_unique<Deferring>(
                             Deferring{2, std::make_unique<Deferring>(Deferring{3, nullptr})})};
  const auto out = through_tickwire(deferring);
  REQUIRE(out.next);
  REQUIRE(out.next->next);
  CHECK(out.next->next->number == 3);

  Graph graph;
  graph.nodes["a"].number = 1;
  graph.nodes["b"].next = std::make_unique<Deferring>(Deferring{5, nullptr});
  graph.last = 7;
  const auto same = through_tickwire(graph);
  CHECK(same.nodes.at("a").number == 1);
  CHECK(same.nodes.at("b").next->number == 5);
  CHECK(same.last == 7);
}

TEST_CASE("a long chain of objects that put one another off is refused") {
  std::vector<std::byte> bytes;
  {
    ByteWriter writer(bytes);
    for (int i = 0; i < 50'000; ++i)
      writer(i, true);
  }
  CHECK(contains(refusal<Deferring>(bytes, ErrorCode::budget_exceeded), "nested more than 100"));
}

/// Tells which way it goes only when all are there.
struct Late {
  std::shared_ptr<Late> next;
  std::weak_ptr<Late> back;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::defer(next), cereal::defer(back));
  }
};
using Lates = std::vector<std::shared_ptr<Late>>;

/// A number of them of which each owns the one before it.
std::vector<std::byte> late_chain(std::uint64_t count) {
  std::vector<std::byte> bytes;
  ByteWriter writer(bytes);
  writer.write_varint(count);
  for (std::uint64_t i = 1; i <= count; ++i)
    writer.write_varint(i);
  for (std::uint64_t i = 1; i <= count; ++i) {
    writer.write_varint(i - 1);
    writer.write_varint(0);
  }
  writer.finish();
  return bytes;
}

TEST_CASE("a long chain of shared objects that is tied together at the end is refused") {
  constexpr std::uint64_t kCount = 100'000;
  const std::string refused = refusal<Lates>(late_chain(kCount), ErrorCode::budget_exceeded);
  CHECK(contains(refused, "nested more than 100"));

  // Into an object that stays, nothing of it is left that is deep to destroy.
  Lates lates;
  REQUIRE_FALSE(decode_into(late_chain(kCount), lates));
  lates.clear();

  // Nor where it is something else that is wrong.
  auto cut = late_chain(kCount);
  cut.pop_back();
  CHECK(decode<Lates>(cut).error().code == ErrorCode::malformed_object);
}

TEST_CASE("what is tied together at the end may be as deep as anything else") {
  CHECK(decode<Lates>(late_chain(40)));
  CHECK(decode<Lates>(late_chain(60)).error().code == ErrorCode::budget_exceeded);
  Lates lates;
  for (int i = 0; i < 5000; ++i)
    lates.push_back(std::make_shared<Late>());
  for (const auto& each : lates) {
    each->next = lates[7]->next ? lates[3] : lates[7];
    each->back = lates[9];
  }
  lates[7]->next.reset();
  lates[3]->next.reset();
  const auto out = through_tickwire(lates);
  REQUIRE(out.size() == 5000);
  CHECK(out[20]->next == out[3]);
  CHECK(out[20]->back.lock() == out[9]);
}

TEST_CASE("a ring that is tied together at the end is the type's own choice, but no way around") {
  Lates ring;
  for (int i = 0; i < 1000; ++i) {
    ring.push_back(std::make_shared<Late>());
    if (i > 0) ring.back()->next = ring[static_cast<std::size_t>(i) - 1];
  }
  ring.front()->next = ring.back();
  auto out = through_tickwire(ring);
  CHECK(out.front()->next == out.back());
  CHECK(out.back()->next == out[998]);
  for (const auto& lates : {ring, out})
    for (const auto& each : lates)
      each->next.reset();

  // A chain that ends in a ring goes when the ring stays.
  std::vector<std::byte> bytes;
  ByteWriter writer(bytes);
  constexpr std::uint64_t kCount = 100'000;
  writer.write_varint(kCount);
  for (std::uint64_t i = 1; i <= kCount; ++i)
    writer.write_varint(i);
  for (std::uint64_t i = 1; i <= kCount; ++i) {
    writer.write_varint(i == 1 ? 1 : i - 1);
    writer.write_varint(0);
  }
  writer.finish();
  CHECK(contains(refusal<Lates>(bytes, ErrorCode::budget_exceeded), "nested more than 100"));
}

}  // namespace tickwire::test::pointers
