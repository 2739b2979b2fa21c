// SPDX-License-Identifier: MIT
#include <tickwire/image.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
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

// Cameras append a film to a picture, and editors keep their own data in it.
TEST_CASE("what only looks like a JPEG's scans is none") {
  if (!has_jpeg()) return;
  const auto jpeg = encode_jpeg(noise(16));
  REQUIRE(jpeg);
  std::vector<std::byte> looks_like_scans;
  for (int i = 0; i < 10'000; ++i) {
    looks_like_scans.push_back(std::byte{0xff});
    looks_like_scans.push_back(std::byte{0xda});
  }
  auto longer = *jpeg;
  SUBCASE("behind its end") {
    longer.insert(longer.end(), looks_like_scans.begin(), looks_like_scans.end());
  }
  SUBCASE("in a program's own segment") {
    const std::size_t size = looks_like_scans.size() + 2;
    const std::byte head[] = {std::byte{0xff}, std::byte{0xe5}, static_cast<std::byte>(size >> 8),
                              static_cast<std::byte>(size & 0xff)};
    looks_like_scans.insert(looks_like_scans.begin(), std::begin(head), std::end(head));
    longer.insert(longer.begin() + 2, looks_like_scans.begin(), looks_like_scans.end());
  }
  const auto image = decode_jpeg(longer);
  REQUIRE(image);
  CHECK(image->pixels == decode_jpeg(*jpeg)->pixels);
}

TEST_CASE("a JPEG for printing is refused as that") {
  if (!has_jpeg()) return;
  std::vector<std::byte> head;
  for (const int each :
       {0xff, 0xd8, 0xff, 0xc0, 0,    20, 8,  0, 8, 0, 8, 4, 1, 17, 0, 2, 17, 0,  3, 17,   0,
        4,    17,   0,    0xff, 0xda, 0,  14, 4, 1, 0, 2, 0, 3, 0,  4, 0, 0,  63, 0, 0xff, 0xd9})
    head.push_back(static_cast<std::byte>(each));
  const auto image = decode_jpeg(head);
  REQUIRE_FALSE(image);
  CHECK(image.error().code == ErrorCode::not_supported);
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
