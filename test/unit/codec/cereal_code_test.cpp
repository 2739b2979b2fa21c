// SPDX-License-Identifier: MIT
#define CEREAL_FUTURE_EXPERIMENTAL

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

#include <cereal/access.hpp>
#include <cereal/archives/adapters.hpp>
#include <cereal/cereal.hpp>
#include <cereal/types/base_class.hpp>
#include <cereal/types/memory.hpp>
#include <cereal/types/polymorphic.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>

#include "round_trip.hpp"

// What a program has that was written for Cereal's archives. Nothing of Tickwire's in it.

namespace tickwire::test::cereal_code {

/// Asks the archive what it does.
struct Angle {
  float degrees = 0;
  bool operator==(const Angle&) const = default;

  template <class Archive>
  void serialize(Archive& ar) {
    float radians = degrees / 57.5f;
    if constexpr (Archive::is_saving::value) {
      ar(cereal::make_nvp("radians", radians));
    }
    if (Archive::is_loading::value) {
      ar(cereal::make_nvp("radians", radians));
      degrees = radians * 57.5f;
    }
  }
};

/// Text archives get words, others get numbers.
enum class Mood : std::uint8_t { calm, cross };

template <class Archive, cereal::traits::EnableIf<cereal::traits::is_text_archive<Archive>::value> =
                             cereal::traits::sfinae>
std::string save_minimal(const Archive&, const Mood& mood) {
  return mood == Mood::calm ? "calm" : "cross";
}
template <class Archive, cereal::traits::EnableIf<cereal::traits::is_text_archive<Archive>::value> =
                             cereal::traits::sfinae>
void load_minimal(const Archive&, Mood& mood, const std::string& text) {
  mood = text == "calm" ? Mood::calm : Mood::cross;
}

template <class Archive,
          cereal::traits::DisableIf<cereal::traits::is_text_archive<Archive>::value> =
              cereal::traits::sfinae>
std::uint8_t save_minimal(const Archive&, const Mood& mood) {
  return static_cast<std::uint8_t>(mood);
}
template <class Archive,
          cereal::traits::DisableIf<cereal::traits::is_text_archive<Archive>::value> =
              cereal::traits::sfinae>
void load_minimal(const Archive&, Mood& mood, const std::uint8_t& number) {
  mood = static_cast<Mood>(number);
}

/// A container of the program's own, whole where the archive takes bytes.
template <class T>
struct Grid {
  std::vector<T> cells;
  bool operator==(const Grid&) const = default;
};

template <class Archive, class T>
std::enable_if_t<cereal::traits::is_output_serializable<cereal::BinaryData<T>, Archive>::value &&
                 std::is_arithmetic_v<T>>
CEREAL_SAVE_FUNCTION_NAME(Archive& ar, const Grid<T>& grid) {
  ar(cereal::make_size_tag(static_cast<cereal::size_type>(grid.cells.size())));
  ar(cereal::binary_data(grid.cells.data(), grid.cells.size() * sizeof(T)));
}
template <class Archive, class T>
std::enable_if_t<cereal::traits::is_input_serializable<cereal::BinaryData<T>, Archive>::value &&
                 std::is_arithmetic_v<T>>
CEREAL_LOAD_FUNCTION_NAME(Archive& ar, Grid<T>& grid) {
  cereal::size_type size = 0;
  ar(cereal::make_size_tag(size));
  grid.cells.resize(static_cast<std::size_t>(size));
  ar(cereal::binary_data(grid.cells.data(), static_cast<std::size_t>(size) * sizeof(T)));
}

template <class Archive, class T>
std::enable_if_t<!std::is_arithmetic_v<T>> CEREAL_SAVE_FUNCTION_NAME(Archive& ar,
                                                                     const Grid<T>& grid) {
  ar(cereal::make_nvp("cells", grid.cells));
}
template <class Archive, class T>
std::enable_if_t<!std::is_arithmetic_v<T>> CEREAL_LOAD_FUNCTION_NAME(Archive& ar, Grid<T>& grid) {
  ar(cereal::make_nvp("cells", grid.cells));
}

/// Private functions, found through `cereal::access`, that call the program's own helper.
class Account {
 public:
  Account() = default;
  explicit Account(std::string name) : name_(std::move(name)), length_(name_.size()) {}
  bool operator==(const Account&) const = default;

 private:
  friend class cereal::access;

  template <class Archive>
  void save(Archive& ar, const std::uint32_t version) const {
    ar(CEREAL_NVP(name_), cereal::make_nvp("length", static_cast<std::uint64_t>(length_)),
       cereal::make_nvp("version", version));
  }
  template <class Archive>
  void load(Archive& ar, const std::uint32_t version) {
    std::uint64_t length = 0;
    std::uint32_t said = 0;
    ar(CEREAL_NVP(name_), length, said);
    if (said != version) throw cereal::Exception("the version is another");
    length_ = static_cast<std::size_t>(length);
  }

  std::string name_;
  std::size_t length_ = 0;
};

/// Made with something that only the program has.
struct World {
  int gravity = 0;
};
struct Stone {
  explicit Stone(World& world_) : world(world_) {}
  World& world;
  int weight = 0;

  template <class Archive>
  void serialize(Archive& ar) {
    ar(weight);
  }
  template <class Archive>
  static void load_and_construct(Archive& ar, cereal::construct<Stone>& construct) {
    construct(cereal::get_user_data<World>(ar));
    ar(construct->weight);
  }
};

/// A class without a way to its base that Cereal could see.
struct Animal {
  virtual ~Animal() = default;
  int legs = 4;
};
template <class Archive>
void serialize(Archive& ar, Animal& animal) {
  ar(animal.legs);
}
struct Bird : Animal {
  int wings = 2;
};
template <class Archive>
void serialize(Archive& ar, Bird& bird) {
  ar(bird.legs, bird.wings);
}

/// Knows the archive in a template of its own.
template <template <class> class Holder, class T>
struct Wrapped {
  Holder<T> content;
  bool operator==(const Wrapped&) const = default;
  template <typename Archive>
  auto serialize(Archive& archive) -> decltype(archive(content)) {
    return archive(CEREAL_NVP(content));
  }
};

}  // namespace tickwire::test::cereal_code

CEREAL_CLASS_VERSION(tickwire::test::cereal_code::Account, 12)
CEREAL_REGISTER_TYPE(tickwire::test::cereal_code::Bird)
CEREAL_REGISTER_POLYMORPHIC_RELATION(tickwire::test::cereal_code::Animal,
                                     tickwire::test::cereal_code::Bird)
CEREAL_REGISTER_DYNAMIC_INIT(tickwire_cereal_code_test)
CEREAL_FORCE_DYNAMIC_INIT(tickwire_cereal_code_test)

namespace tickwire::test::cereal_code {

TEST_CASE("code that asks the archive whether it saves or loads works") {
  both_ways(Angle{90}, [](const Angle& out) { CHECK(out.degrees == doctest::Approx(90)); });
}

TEST_CASE("ours are no text archives, and say so") {
  static_assert(!cereal::traits::is_text_archive<ByteWriter>::value);
  static_assert(!cereal::traits::is_text_archive<ByteReader>::value);
  check_round_trip(std::vector<Mood>{Mood::calm, Mood::cross});
  CHECK(encoded(Mood::cross).size() == 1);
}

TEST_CASE("code that is chosen by Cereal's traits works") {
  check_round_trip(Grid<float>{{1, 2.5f, -3}});
  check_round_trip(Grid<std::string>{{"a", "b"}});
  CHECK(encoded(Grid<float>{{1, 2, 3}}).size() == 1 + 12);
}

TEST_CASE("classes with private functions and a version work") {
  check_round_trip(Account("Kit"));
  check_round_trip(std::vector<Account>{Account("Kit"), Account("Rex")});
}

TEST_CASE("members of templates work whatever they return") {
  check_round_trip(Wrapped<Grid, int>{{{1, 2}}});
}

TEST_CASE("objects are made with a program's own data through UserDataAdapter") {
  World world{10};
  World other{20};
  const auto stone = std::make_unique<Stone>(world);
  stone->weight = 7;
  std::unique_ptr<Stone> out;
  SUBCASE("Cereal's own archives") {
    std::stringstream stream;
    cereal::PortableBinaryOutputArchive output(stream);
    output(stone);
    cereal::UserDataAdapter<World, cereal::PortableBinaryInputArchive> archive(other, stream);
    archive(out);
  }
  SUBCASE("Tickwire's archives") {
    const auto bytes = encoded(stone);
    cereal::UserDataAdapter<World, ByteReader> archive(other, std::span(bytes));
    archive(out);
    archive.finish();
    // A plain one has no such data.
    CHECK(contains(refusal<std::unique_ptr<Stone>>(bytes, ErrorCode::malformed_object),
                   "not wrapped in UserDataAdapter"));
  }
  REQUIRE(out != nullptr);
  CHECK(out->weight == 7);
  CHECK(&out->world == &other);
}

TEST_CASE("a relation of classes that was registered by hand works") {
  std::shared_ptr<Animal> bird = std::make_shared<Bird>();
  bird->legs = 2;
  both_ways(bird,
            [](const std::shared_ptr<Animal>& out) {
              CHECK(out->legs == 2);
              CHECK(dynamic_cast<const Bird*>(out.get()) != nullptr);
            },
            {.polymorphic = PolymorphicTypes::accept});
}

}  // namespace tickwire::test::cereal_code
