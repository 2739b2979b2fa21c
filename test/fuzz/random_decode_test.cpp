// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "decode_target.hpp"

namespace tickwire::test::random_decode {
namespace {

using Input = std::vector<std::byte>;

std::size_t below(std::mt19937& random, std::size_t limit) {
  return random() % limit;
}

std::byte any_byte(std::mt19937& random) {
  // Sizes, flags and ids are small mostly, and wrong ones have many bits.
  switch (below(random, 4)) {
    case 0:
      return std::byte{0};
    case 1:
      return static_cast<std::byte>(below(random, 8));
    case 2:
      return std::byte{0xFF};
    default:
      return static_cast<std::byte>(below(random, 256));
  }
}

Input noise(std::mt19937& random, std::size_t types) {
  Input input(1 + below(random, 64));
  for (std::byte& byte : input)
    byte = any_byte(random);
  input[0] = static_cast<std::byte>(below(random, types));
  return input;
}

Input changed(std::mt19937& random, const std::vector<Input>& samples) {
  Input input = samples[below(random, samples.size())];
  for (std::size_t changes = 1 + below(random, 3); changes > 0; --changes) {
    const std::size_t place = 1 + below(random, input.size());
    const auto at = input.begin() + static_cast<std::ptrdiff_t>(place);
    switch (below(random, 4)) {
      case 0:
        if (at != input.end()) *at = any_byte(random);
        break;
      case 1:
        input.insert(at, any_byte(random));
        break;
      case 2:
        if (at != input.end()) input.erase(at);
        break;
      default:
        if (below(random, 4) == 0) input.erase(at, input.end());
    }
  }
  return input;
}

}  // namespace

TEST_CASE("every type of the zoo survives its own encoding") {
  for (const Input& input : zoo::samples()) {
    CAPTURE(std::to_integer<int>(input[0]));
    CHECK(input.size() > 1);
    CHECK(zoo::fuzz_decode(input) == "");
  }
}

TEST_CASE("a million random decodes end in an object or in a sentence") {
  const auto samples = zoo::samples();
  for (const unsigned seed : {1u, 2u, 3u, 4u}) {
    INFO("seed ", seed);
    std::mt19937 random(seed);
    std::string wrong;
    for (int i = 0; i < 250'000 && wrong.empty(); ++i) {
      wrong =
          zoo::fuzz_decode(i % 2 == 0 ? noise(random, samples.size()) : changed(random, samples));
    }
    CHECK(wrong == "");
  }
}

TEST_CASE("inputs that a fuzzer found interesting end in an object or in a sentence") {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(TICKWIRE_DECODE_CORPUS)) {
    CAPTURE(entry.path().filename().string());
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    CHECK(zoo::fuzz_decode(std::as_bytes(std::span(text))) == "");
    ++count;
  }
  CHECK(count > 0);
}

}  // namespace tickwire::test::random_decode
