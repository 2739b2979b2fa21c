// SPDX-License-Identifier: MIT
#include <tickwire/image.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

using namespace tickwire;

namespace {

Image noise(std::uint32_t side) {
  Image image{side, side, PixelFormat::rgb, std::vector<std::byte>(std::size_t{side} * side * 3)};
  std::uint32_t state = 1;
  for (std::byte& each : image.pixels) {
    state = state * 1664525u + 1013904223u;
    each = static_cast<std::byte>(state >> 24);
  }
  return image;
}

std::size_t find_marker(const std::vector<std::byte>& jpeg, unsigned marker) {
  for (std::size_t i = 0; i + 1 < jpeg.size(); ++i) {
    if (jpeg[i] == std::byte{0xff} && jpeg[i + 1] == static_cast<std::byte>(marker)) return i;
  }
  return jpeg.size();
}

}  // namespace

TEST_CASE("a build without JPEG says so") {
  if (has_jpeg()) return;
  CHECK(encode_jpeg(noise(8)).error().code == ErrorCode::not_supported);
  CHECK(decode_jpeg({}).error().code == ErrorCode::not_supported);
}

TEST_CASE("a JPEG above the limits is refused before memory is spent") {
  if (!has_jpeg()) return;
  auto jpeg = encode_jpeg(noise(64));
  REQUIRE(jpeg);
  CHECK(decode_jpeg(*jpeg, PixelFormat::rgb, {.max_side = 63}).error().code ==
        ErrorCode::budget_exceeded);
  CHECK(decode_jpeg(*jpeg, PixelFormat::rgb, {.max_pixels = 4095}).error().code ==
        ErrorCode::budget_exceeded);
  CHECK(decode_jpeg(*jpeg, PixelFormat::rgb, {.max_side = 64, .max_pixels = 4096}));
  // The same few bytes, which now promise 65,000 x 65,000 pixels: 12 GB.
  const std::size_t frame = find_marker(*jpeg, 0xc0);
  REQUIRE(frame + 9 < jpeg->size());
  for (const std::size_t i : {5u, 7u}) {
    (*jpeg)[frame + i] = std::byte{0xfd};
    (*jpeg)[frame + i + 1] = std::byte{0xe8};
  }
  CHECK(decode_jpeg(*jpeg).error().code == ErrorCode::budget_exceeded);
}

TEST_CASE("a JPEG that says once more, and once more, is refused") {
  if (!has_jpeg()) return;
  auto jpeg = encode_jpeg(noise(16));
  REQUIRE(jpeg);
  const std::size_t scan = find_marker(*jpeg, 0xda);
  REQUIRE(scan < jpeg->size());
  const std::vector<std::byte> once(jpeg->begin() + static_cast<std::ptrdiff_t>(scan),
                                    jpeg->end() - 2);
  for (int i = 0; i < 200; ++i)
    jpeg->insert(jpeg->end() - 2, once.begin(), once.end());
  CHECK(decode_jpeg(*jpeg).error().code == ErrorCode::budget_exceeded);
}

TEST_CASE("what is no JPEG, or a part of one, or a damaged one, is refused or decodes") {
  if (!has_jpeg()) return;
  CHECK(decode_jpeg({}).error().code == ErrorCode::malformed_object);
  CHECK(decode_jpeg(std::vector<std::byte>(100)).error().code == ErrorCode::malformed_object);
  const auto jpeg = encode_jpeg(noise(40), 70);
  REQUIRE(jpeg);
  for (std::size_t size = 0; size < jpeg->size() - 2; size += 7) {
    CAPTURE(size);
    CHECK_FALSE(decode_jpeg(std::span(jpeg->data(), size)));
  }
  std::uint32_t state = 7;
  INFO("seed 7");
  const auto next = [&] { return state = state * 1664525u + 1013904223u; };
  for (int round = 0; round < 2000; ++round) {
    auto broken = *jpeg;
    for (int i = 0; i < 3; ++i)
      broken[(next() >> 8) % broken.size()] = static_cast<std::byte>(next() >> 24);
    const auto image = decode_jpeg(broken, PixelFormat::rgba, {.max_pixels = 100'000});
    if (image) CHECK(image->pixels.size() == std::size_t{image->width} * image->height * 4);
  }
}

TEST_CASE("an image that is wrong, or a quality, is not encoded") {
  if (!has_jpeg()) return;
  CHECK(encode_jpeg(Image{}).error().code == ErrorCode::invalid_argument);
  CHECK(encode_jpeg(noise(8), 0).error().code == ErrorCode::invalid_argument);
  CHECK(encode_jpeg(noise(8), 101).error().code == ErrorCode::invalid_argument);
  Image short_of_one = noise(8);
  short_of_one.pixels.pop_back();
  CHECK(encode_jpeg(short_of_one).error().code == ErrorCode::invalid_argument);
}
