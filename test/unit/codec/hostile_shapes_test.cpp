// SPDX-License-Identifier: MIT
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <cereal/types/memory.hpp>

#include "round_trip.hpp"

/// Objects whose functions put things off, or point to what is not there yet, and bytes that make
/// the worst of it.
namespace tickwire::test::shapes {

struct Late {
  std::string text;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::defer(text));
  }
};

/// Is written to before anything is read.
struct Wipes {
  std::string text;
  auto operator<=>(const Wipes&) const = default;
  template <class Archive>
  void save(Archive& archive) const {
    archive(text);
  }
  template <class Archive>
  void load(Archive& archive) {
    text.assign(60, ' ');
    archive(text);
  }
};

struct LateKey {
  int id = 0;
  Wipes text;
  auto operator<=>(const LateKey&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(id, cereal::defer(text));
  }
};
struct LateHash {
  std::size_t operator()(const LateKey& key) const { return static_cast<std::size_t>(key.id); }
};

/// Reads what was put off so far, inside of what was put off.
struct Page {
  std::uint8_t note = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::defer(note));
    archive.serializeDeferments();
  }
};
struct Section {
  std::vector<Page> pages;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::defer(pages));
  }
};

/// Is made with its parent.
struct Child {
  std::weak_ptr<Child> parent;
  std::vector<std::shared_ptr<Child>> kids;

  explicit Child(std::weak_ptr<Child> of) : parent(std::move(of)) {}
  template <class Archive>
  void serialize(Archive& archive) {
    archive(parent, kids);
  }
  template <class Archive>
  static void load_and_construct(Archive& archive, cereal::construct<Child>& construct) {
    std::weak_ptr<Child> parent;
    archive(parent);
    construct(parent);
    archive(construct->kids);
  }
};

/// Goes on after what it holds was refused.
struct Stubborn {
  std::set<LateKey> keys;
  template <class Archive>
  void save(Archive& archive) const {
    archive(keys);
  }
  template <class Archive>
  void load(Archive& archive) {
    for (int i = 0; i < 2; ++i) {
      try {
        i == 0 ? static_cast<void>(archive(keys)) : archive.serializeDeferments();
      } catch (const std::exception&) {
      }
    }
  }
};
struct LateStubborn {
  Stubborn stubborn;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::defer(stubborn));
  }
};

struct Knot {
  std::shared_ptr<Knot> a;
  std::shared_ptr<Knot> b;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::defer(a), cereal::defer(b));
  }
};

struct OldTree {
  std::uint32_t id = 0;
  std::vector<OldTree> kids;
  template <class Archive>
  void serialize(Archive& archive, std::uint32_t) {
    archive(id, kids);
  }
};
struct NewTree {
  std::uint32_t id = 0;
  std::vector<NewTree> kids;
  std::uint32_t extra = 777;
  template <class Archive>
  void serialize(Archive& archive, std::uint32_t version) {
    archive(id, kids);
    if (version >= 1) archive(extra);
  }
};

struct OldLate {
  std::uint32_t late = 0;
  template <class Archive>
  void serialize(Archive& archive, std::uint32_t) {
    archive(cereal::defer(late));
  }
};
struct NewLate {
  std::uint32_t late = 2;
  std::uint32_t level = 99;
  template <class Archive>
  void serialize(Archive& archive, std::uint32_t version) {
    archive(cereal::defer(late));
    if (version >= 1) archive(level);
  }
};

/// A container of its own, behind something else.
template <class Before>
struct Own {
  Before before{};
  std::string letters = "twenty letters in all";
  template <class Archive>
  void save(Archive& archive) const {
    archive(before, cereal::make_size_tag(static_cast<cereal::size_type>(letters.size())));
    for (const char each : letters)
      archive(each);
  }
  template <class Archive>
  void load(Archive& archive) {
    cereal::size_type size = 0;
    archive(before);
    archive(cereal::make_size_tag(size));
    letters.assign(static_cast<std::size_t>(size), ' ');
    for (char& each : letters)
      archive(each);
  }
};

struct Odd {
  std::array<std::uint32_t, 2> words{0x04030201, 0x08070605};
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::binary_data(words.data(), 6));
  }
};

enum class Far : std::int64_t { first, last };
template <class Archive>
std::uint8_t save_minimal(const Archive&, const Far& far) {
  return static_cast<std::uint8_t>(far);
}
template <class Archive>
void load_minimal(const Archive&, Far& far, const std::uint8_t& value) {
  far = static_cast<Far>(value);
}
TICKWIRE_ENUM_RANGE(Far, first, last);

class Small final : public ByteSink {
 public:
  Small() {
    data_ = memory_.data();
    capacity_ = memory_.size();
  }

 private:
  bool grow(std::size_t) override { return false; }
  std::array<std::byte, 8> memory_{};
};

/// Keeps quiet about what it could not write.
struct Swallows {
  template <class Archive>
  void save(Archive& archive) const {
    archive(1);
    try {
      archive(std::string(20, 'x'));
    } catch (...) {
    }
    archive(2);
  }
};

}  // namespace tickwire::test::shapes

CEREAL_CLASS_VERSION(tickwire::test::shapes::NewTree, 1)
CEREAL_CLASS_VERSION(tickwire::test::shapes::NewLate, 1)
CEREAL_SPECIALIZE_FOR_ALL_ARCHIVES(tickwire::test::shapes::Far,
                                   cereal::specialization::non_member_load_save_minimal)

namespace tickwire::test::shapes {

template <class T>
std::string refusal(const std::vector<std::byte>& bytes) {
  const auto decoded = decode<T>(bytes);
  return decoded ? std::string() : decoded.error().message();
}

template <class Map>
std::vector<std::byte> key_twice() {
  std::vector<std::byte> bytes;
  ByteWriter writer(bytes);
  writer.write_varint(2);
  writer(std::string("k"));
  writer.write_varint(50);
  writer(std::string("k"));
  writer.write_varint(0);
  for (int i = 0; i < 50; ++i)
    writer(std::string(40, 'A'));
  writer.finish();
  return bytes;
}

TEST_CASE("a key that is there twice does not free what its first value put off") {
  using Tree = std::map<std::string, std::list<Late>>;
  using Table = std::unordered_map<std::string, std::list<Late>>;
  CHECK(refusal<Tree>(key_twice<Tree>()).find("a key is there twice") != std::string::npos);
  CHECK(refusal<Table>(key_twice<Table>()).find("a key is there twice") != std::string::npos);
  const std::multimap<int, std::string> several{{1, "a"}, {1, "b"}};
  const auto back = decode<std::multimap<int, std::string>>(encoded(several));
  REQUIRE(back);
  CHECK(*back == several);
}

TEST_CASE("a key that puts something off is refused, and its place is never written to") {
  const LateKey one{1, {std::string(60, 'a')}};
  const LateKey two{2, {std::string(60, 'b')}};
  const std::string why = "a key puts something off";
  CHECK(refusal<std::set<LateKey>>(encoded(std::set{one, two})).find(why) != std::string::npos);
  CHECK(refusal<std::multiset<LateKey>>(encoded(std::multiset{one, two})).find(why) !=
        std::string::npos);
  const std::unordered_set<LateKey, LateHash> table{one, two};
  CHECK(refusal<std::unordered_set<LateKey, LateHash>>(encoded(table)).find(why) !=
        std::string::npos);
  const std::unordered_multiset<LateKey, LateHash> several{one, one};
  CHECK(refusal<std::unordered_multiset<LateKey, LateHash>>(encoded(several)).find(why) !=
        std::string::npos);
  CHECK(refusal<Stubborn>(encoded(Stubborn{{one, two}})).find(why) != std::string::npos);
  const LateStubborn late{{{one, two}}};
  CHECK(refusal<LateStubborn>(encoded(late)).find(why) != std::string::npos);
  const std::map<LateKey, int> map{{one, 1}};
  CHECK(refusal<std::map<LateKey, int>>(encoded(map)).find(why) != std::string::npos);
}

TEST_CASE("what is put off inside of what was put off goes as deep as objects may") {
  const auto nested = [](std::size_t count) {
    std::vector<std::byte> bytes;
    ByteWriter writer(bytes);
    writer.write_varint(count);
    for (std::size_t i = 0; i < count; ++i)
      writer.write_varint(1);
    for (std::size_t i = 0; i < count; ++i)
      writer(std::uint8_t{0});
    writer.finish();
    return bytes;
  };
  CHECK(refusal<std::vector<Section>>(nested(20)).empty());
  CHECK(refusal<std::vector<Section>>(nested(20'000)).find("levels deep") != std::string::npos);
}

TEST_CASE("a pointer to an object that is not made yet is refused") {
  std::vector<std::byte> bytes;
  ByteWriter writer(bytes);
  writer.write_varint(1);
  writer.write_varint(1);  // its parent is itself
  writer.write_varint(0);
  writer.finish();
  CHECK(refusal<std::shared_ptr<Child>>(bytes).find("is used before it is made") !=
        std::string::npos);

  const auto root = std::make_shared<Child>(std::weak_ptr<Child>());
  root->kids.push_back(std::make_shared<Child>(root));
  const auto back = decode<std::shared_ptr<Child>>(encoded(root));
  REQUIRE(back);
  REQUIRE((*back)->kids.size() == 1);
  CHECK((*back)->kids[0]->parent.lock() == *back);
}

// A vector of knots, each of which owns the one before it; some own others, too.
std::vector<std::byte> chain(std::uint64_t length,
                             const std::map<std::uint64_t, std::uint64_t>& others) {
  std::vector<std::byte> bytes;
  ByteWriter writer(bytes);
  writer.write_varint(length);
  for (std::uint64_t i = 1; i <= length; ++i)
    writer.write_varint(i);
  for (std::uint64_t i = 1; i <= length; ++i) {
    const auto other = others.find(i);
    writer.write_varint(other == others.end() ? 0 : other->second);
    writer.write_varint(i - 1);
  }
  writer.finish();
  return bytes;
}

TEST_CASE("what hangs on a ring, or between two, is as deep as it may be") {
  using Knots = std::vector<std::shared_ptr<Knot>>;
  const auto rings = [](std::uint64_t n) {
    return std::vector<std::map<std::uint64_t, std::uint64_t>>{
        {}, {{n, n}}, {{1, 1}}, {{1, 1}, {n, n}}, {{1, 2}, {n - 1, n}}};
  };
  for (const auto& each : rings(50)) {
    const auto small = decode<Knots>(chain(50, each));
    REQUIRE(small);
    for (const auto& knot : *small)
      knot->a.reset();
  }
  for (const auto& each : rings(20'000))
    CHECK(refusal<Knots>(chain(20'000, each)).find("levels deep") != std::string::npos);
  // Nobody's end ends a ring.
  const auto ring = decode<Knots>(chain(1000, {{1, 1000}}));
  CHECK(ring);
  if (ring) (*ring)[0]->a.reset();
}

TEST_CASE("a newer version of a type inside itself is refused, as of any inside another") {
  NewTree tree;
  CHECK(refusal<OldTree>(encoded(tree)).empty());
  tree.kids.resize(2);
  CHECK(refusal<OldTree>(encoded(tree)).find("an object inside it is of version 1") !=
        std::string::npos);
}

TEST_CASE("a newer version that puts something off is refused") {
  CHECK(refusal<OldLate>(encoded(NewLate())).find("behind what that has added") !=
        std::string::npos);
  CHECK(refusal<NewLate>(encoded(NewLate())).empty());
}

TEST_CASE("what a size counts is not taken for what another one does") {
  CHECK(refusal<Own<int>>(encoded(Own<int>())).empty());
  CHECK(refusal<Own<std::optional<double>>>(encoded(Own<std::optional<double>>{1.0})).empty());
  CHECK(refusal<Own<std::array<double, 9>>>(encoded(Own<std::array<double, 9>>())).empty());
}

TEST_CASE("binary data that ends within an element arrives whole") {
  const auto bytes = encoded(Odd());
  CHECK(bytes.size() == 6);
  Odd odd;
  odd.words = {};
  REQUIRE(decode_into(bytes, odd));
  CHECK(odd.words == std::array<std::uint32_t, 2>{0x04030201, 0x0605});
}

TEST_CASE("a negative zero stays one") {
  CHECK(std::signbit(decode<long double>(encoded(-0.0L)).value_or(1)));
  CHECK_FALSE(std::signbit(decode<long double>(encoded(0.0L)).value_or(-1)));
  CHECK(decode<long double>(encoded(-2.5L)).value_or(0) == -2.5L);
}

TEST_CASE("where an enumerator is out of its range is said of a shorter form, too") {
  CHECK(refusal<Far>({std::byte{7}}).find("(at byte 0)") != std::string::npos);
}

TEST_CASE("an object that hides that its sink was full is not taken for whole") {
  Small sink;
  const auto result = encode(Swallows(), sink);
  REQUIRE_FALSE(result);
  CHECK(result.error().code == ErrorCode::message_too_large);
  CHECK(sink.bytes().empty());
}

}  // namespace tickwire::test::shapes
