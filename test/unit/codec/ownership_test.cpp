// SPDX-License-Identifier: MIT
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <cereal/types/memory.hpp>

#include "round_trip.hpp"

/// Shared objects whose height is not known when others come to own them.
namespace tickwire::test::ownership {

constexpr DecodeLimits kRings{.cycles = OwnershipCycles::accept};

/// Reads the way back before the way on.
struct Branch {
  std::weak_ptr<Branch> parent;
  std::vector<std::shared_ptr<Branch>> children;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(parent, children);
  }
};
using Branches = std::vector<std::shared_ptr<Branch>>;

TEST_CASE("a tree may come leaf first where the program takes objects that own themselves") {
  auto root = std::make_shared<Branch>();
  auto leaf = root;
  for (int i = 0; i < 10; ++i) {
    auto child = std::make_shared<Branch>();
    child->parent = leaf;
    leaf->children = {std::make_shared<Branch>(), child};
    leaf = child;
  }
  const Branches both{leaf, root};

  CHECK(contains(refusal<Branches>(encoded(both), ErrorCode::malformed_object), " owns itself"));
  auto out = decode<Branches>(encoded(both), kRings);
  REQUIRE(out);
  REQUIRE(out->size() == 2);
  auto reached = out->back();
  for (int i = 0; i < 10; ++i)
    reached = reached->children.at(1);
  CHECK(reached == out->front());
}

// Each of them is owned, while it is being read, by an object that it only points back to; that one
// is what the end of the next one's own chain owns.
std::vector<std::byte> chains(std::uint64_t count, int length) {
  std::vector<std::byte> bytes;
  ByteWriter writer(bytes);
  writer.write_varint(count);
  std::uint64_t last = 0;
  std::uint64_t owner = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t own = ++last;
    writer.write_varint(own);
    const std::uint64_t previous = owner;
    owner = ++last;
    writer.write_varint(owner);  // its parent, which has none
    writer.write_varint(0);
    writer.write_varint(1);
    writer.write_varint(own);
    for (int each = 0; each < length; ++each) {
      writer.write_varint(1);  // a child, without a parent
      writer.write_varint(++last);
      writer.write_varint(0);
    }
    writer.write_varint(previous == 0 ? 0 : 1);
    if (previous != 0) writer.write_varint(previous);
  }
  writer.finish();
  return bytes;
}

TEST_CASE("what an object owns counts also for those that owned it before it was read") {
  CHECK(decode<Branches>(chains(4, 5), kRings));
  CHECK(contains(refusal<Branches>(chains(20'000, 5), ErrorCode::budget_exceeded, kRings),
                 "nested more than 100"));
}

struct Holder;

/// Puts something off after it has read what it put off before.
struct Twice {
  std::uint8_t first = 0;
  std::shared_ptr<Holder> second;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::defer(first));
    archive.serializeDeferments();
    archive(cereal::defer(second));
  }
};
struct Holder {
  std::shared_ptr<Twice> twice;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(twice);
  }
};
struct Step {
  std::shared_ptr<Twice> twice;
  std::shared_ptr<Holder> holder;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(twice, holder);
  }
};
using Steps = std::vector<Step>;

// Each holder owns what will own the holder before it, which is known one step later.
Steps steps(int count) {
  Steps made;
  for (int i = 0; i < count; ++i) {
    const auto twice = std::make_shared<Twice>();
    if (i > 0) twice->second = made.back().holder;
    made.push_back({twice, std::make_shared<Holder>()});
    made.back().holder->twice = twice;
  }
  return made;
}

TEST_CASE("what is put off twice is as deep as it may be") {
  const Steps out = through_tickwire(steps(20));
  REQUIRE(out.size() == 20);
  CHECK(out[19].holder->twice->second->twice->second == out[17].holder);

  Steps chain = steps(20'000);
  const auto bytes = encoded(chain);
  for (Step& step : chain)
    step.twice->second.reset();
  CHECK(contains(refusal<Steps>(bytes, ErrorCode::budget_exceeded), "nested more than 100"));
}

}  // namespace tickwire::test::ownership
