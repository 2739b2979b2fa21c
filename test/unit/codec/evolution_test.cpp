// SPDX-License-Identifier: MIT
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <cereal/types/base_class.hpp>
#include <cereal/types/memory.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>

#include "round_trip.hpp"

// The same message as an old and as a new program have it.

namespace tickwire::test::evolution {

struct OldProfile {
  std::string name;
  template <class Archive>
  void serialize(Archive& archive, const std::uint32_t) {
    archive(name);
  }
};

struct NewProfile {
  std::string name;
  std::uint16_t level = 1;
  std::vector<std::string> friends;
  template <class Archive>
  void serialize(Archive& archive, const std::uint32_t version) {
    archive(name);
    if (version >= 2) archive(level);
    if (version >= 3) archive(friends);
  }
};

/// All the ways that a class may take its version in.
struct FreeVersioned {
  int number = 0;
  bool operator==(const FreeVersioned&) const = default;
};
template <class Archive>
void serialize(Archive& archive, FreeVersioned& object, const std::uint32_t version) {
  archive(object.number);
  if (version != 4) throw cereal::Exception("wrong version");
}

struct SplitVersioned {
  int number = 0;
  bool operator==(const SplitVersioned&) const = default;
  template <class Archive>
  void save(Archive& archive, const std::uint32_t version) const {
    archive(number + static_cast<int>(version));
  }
  template <class Archive>
  void load(Archive& archive, const std::uint32_t version) {
    archive(number);
    number -= static_cast<int>(version);
  }
};

struct FreeSplitVersioned {
  int number = 0;
  bool operator==(const FreeSplitVersioned&) const = default;
};
template <class Archive>
void save(Archive& archive, const FreeSplitVersioned& object, const std::uint32_t) {
  archive(object.number);
}
template <class Archive>
void load(Archive& archive, FreeSplitVersioned& object, const std::uint32_t) {
  archive(object.number);
}

struct MinimalVersioned {
  int number = 0;
  bool operator==(const MinimalVersioned&) const = default;
  template <class Archive>
  int save_minimal(const Archive&, const std::uint32_t) const {
    return number;
  }
  template <class Archive>
  void load_minimal(const Archive&, const int& value, const std::uint32_t) {
    number = value;
  }
};

struct FreeMinimalVersioned {
  int number = 0;
  bool operator==(const FreeMinimalVersioned&) const = default;
};
template <class Archive>
int save_minimal(const Archive&, const FreeMinimalVersioned& object, const std::uint32_t) {
  return object.number;
}
template <class Archive>
void load_minimal(const Archive&, FreeMinimalVersioned& object, const int& value,
                  const std::uint32_t) {
  object.number = value;
}

struct MadeVersioned {
  explicit MadeVersioned(int number_) : number(number_) {}
  int number;
  template <class Archive>
  void serialize(Archive& archive, const std::uint32_t) {
    archive(number);
  }
  template <class Archive>
  static void load_and_construct(Archive& archive, cereal::construct<MadeVersioned>& construct,
                                 const std::uint32_t version) {
    int number = 0;
    archive(number);
    construct(number * 10 + static_cast<int>(version));
  }
};

struct OldCrowd {
  std::vector<OldProfile> profiles;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(profiles);
  }
};
struct NewCrowd {
  std::vector<NewProfile> profiles;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(profiles);
  }
};

/// Has no version of its own, but a base that has.
struct OldHeir : OldProfile {
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::base_class<OldProfile>(this));
  }
};

}  // namespace tickwire::test::evolution

CEREAL_CLASS_VERSION(tickwire::test::evolution::NewProfile, 3)
CEREAL_CLASS_VERSION(tickwire::test::evolution::FreeVersioned, 4)
CEREAL_CLASS_VERSION(tickwire::test::evolution::SplitVersioned, 5)
CEREAL_CLASS_VERSION(tickwire::test::evolution::MadeVersioned, 6)

namespace tickwire::test::evolution {

TEST_CASE("every way in which Cereal hands a class its version works") {
  check_round_trip(FreeVersioned{1});
  check_round_trip(SplitVersioned{1});
  check_round_trip(FreeSplitVersioned{1});
  check_round_trip(MinimalVersioned{1});
  check_round_trip(FreeMinimalVersioned{1});
  both_ways(std::make_unique<MadeVersioned>(1),
            [](const std::unique_ptr<MadeVersioned>& out) { CHECK(out->number == 16); });
}

TEST_CASE("a newer reader takes older data") {
  const auto bytes = encoded(OldProfile{"Kit"});
  const auto profile = decode<NewProfile>(bytes);
  REQUIRE(profile.has_value());
  CHECK(profile->name == "Kit");
  CHECK(profile->level == 1);
  CHECK(profile->friends.empty());

  const auto crowd = decode<NewCrowd>(encoded(OldCrowd{{{"Kit"}, {"Rex"}}}));
  REQUIRE(crowd.has_value());
  CHECK(crowd->profiles[1].name == "Rex");
}

TEST_CASE("an older reader passes over what a newer version appended, and counts it") {
  const auto bytes = encoded(NewProfile{"Kit", 9, {"Rex"}});
  DecodeReport report;
  const auto profile = decode<OldProfile>(bytes, {}, &report);
  REQUIRE(profile.has_value());
  CHECK(profile->name == "Kit");
  CHECK(report.skipped_bytes == 2 + 1 + 4);
  REQUIRE(decode<NewProfile>(bytes, {}, &report).has_value());
  CHECK(report.skipped_bytes == 0);
}

TEST_CASE("an older reader refuses a newer version inside another object") {
  const auto nested = encoded(NewCrowd{{{"Kit", 9, {}}}});
  CHECK(contains(refusal<OldCrowd>(nested, ErrorCode::malformed_object),
                 "an object inside it is of version 3, newer than this program's version 0"));
  refusal<OldHeir>(encoded(NewProfile{"Kit", 9, {}}), ErrorCode::malformed_object);
  refusal<std::unique_ptr<OldProfile>>(encoded(std::make_unique<NewProfile>()),
                                       ErrorCode::malformed_object);
}

TEST_CASE("a newer version does not excuse bytes that are missing") {
  auto bytes = encoded(NewProfile{"Kit", 9, {}});
  bytes.resize(3);
  refusal<OldProfile>(bytes, ErrorCode::malformed_object);
}

TEST_CASE("a version is stored once for each class, however many there are") {
  const auto bytes = encoded(std::vector<OldProfile>(5, OldProfile{"x"}));
  CHECK(bytes.size() == 1 + 1 + 5 * 2);
  using Many = std::tuple<OldProfile, NewProfile, FreeVersioned, SplitVersioned, FreeSplitVersioned,
                          MinimalVersioned, FreeMinimalVersioned, NewProfile, MinimalVersioned,
                          FreeMinimalVersioned>;
  Many many;
  std::get<7>(many).name = "second of its class";
  std::get<9>(many).number = 7;
  const auto out = through_tickwire(many);
  CHECK(std::get<7>(out).name == "second of its class");
  CHECK(std::get<9>(out).number == 7);
}

TEST_CASE("a version that is no number of 32 bits is refused") {
  refusal<OldProfile>(bytes_of({0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0}), ErrorCode::malformed_object);
}

}  // namespace tickwire::test::evolution
