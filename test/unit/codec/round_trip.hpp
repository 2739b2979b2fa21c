// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <cereal/archives/portable_binary.hpp>

#include <tickwire/archive.hpp>

namespace tickwire::test {

/// The encoded form of an object, which is known to encode.
template <class T>
std::vector<std::byte> encoded(const T& object) {
  std::vector<std::byte> bytes;
  const auto result = encode(object, bytes);
  INFO(result.error().message());
  REQUIRE(result.has_value());
  return bytes;
}

/// What comes out of Cereal's own portable archives, the reference for ours.
template <class T>
T through_cereal(const T& object) {
  std::stringstream stream;
  {
    cereal::PortableBinaryOutputArchive archive(stream);
    archive(object);
    archive.serializeDeferments();
  }
  T result{};
  cereal::PortableBinaryInputArchive archive(stream);
  archive(result);
  archive.serializeDeferments();
  return result;
}

/// What comes out of ours.
template <class T>
T through_tickwire(const T& object, const DecodeLimits& limits = {}) {
  T result{};
  const auto done = decode_into(encoded(object), result, limits);
  INFO(done.error().message());
  REQUIRE(done.has_value());
  return result;
}

/// Runs one body for both pairs of archives.
template <class T, class Check>
void both_ways(const T& object, Check check, const DecodeLimits& limits = {}) {
  SUBCASE("Cereal's own archives") {
    check(through_cereal(object));
  }
  SUBCASE("Tickwire's archives") {
    check(through_tickwire(object, limits));
  }
}

/// The object comes out of both as it went in. Also when it is decoded over another one.
template <class T>
void check_round_trip(const T& object) {
  CHECK((through_cereal(object) == object));
  CHECK((through_tickwire(object) == object));
  T other = object;
  REQUIRE(decode_into(encoded(T{}), other).has_value());
  CHECK((other == T{}));
  REQUIRE(decode_into(encoded(object), other).has_value());
  CHECK((other == object));
}

/// The sentence that a decode ends with, which is known to fail with `code`.
template <class T>
std::string refusal(const std::vector<std::byte>& bytes, ErrorCode code,
                    const DecodeLimits& limits = {}) {
  T object{};
  const auto done = decode_into(bytes, object, limits);
  REQUIRE_FALSE(done.has_value());
  INFO(done.error().message());
  CHECK(done.error().code == code);
  return done.error().message();
}

/// Bytes written as numbers.
inline std::vector<std::byte> bytes_of(std::initializer_list<unsigned> numbers) {
  std::vector<std::byte> bytes;
  for (const unsigned number : numbers)
    bytes.push_back(static_cast<std::byte>(number));
  return bytes;
}

[[nodiscard]] inline bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace tickwire::test
