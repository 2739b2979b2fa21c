// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <tickwire/codec.hpp>
#include <tickwire/hub.hpp>
#include <tickwire/image.hpp>

#include "test/features/hubs.hpp"

using namespace tickwire;
using namespace std::chrono_literals;
using test::called;
using test::ForgedHello;
using test::Hubs;
using test::ThreeHubs;

namespace {

Image gradient(std::uint32_t width, std::uint32_t height, PixelFormat format, int shift = 0) {
  Image image{width, height, format, {}};
  const std::size_t depth = bytes_per_pixel(format);
  image.pixels.resize(width * height * depth);
  for (std::uint32_t y = 0; y < height; ++y) {
    for (std::uint32_t x = 0; x < width; ++x) {
      for (std::size_t c = 0; c < depth; ++c) {
        const auto level = static_cast<int>(x + y) / 2 + static_cast<int>(c) * 20 + shift;
        image.pixels[(y * width + x) * depth + c] = static_cast<std::byte>(level & 0xff);
      }
    }
  }
  return image;
}

/// What a peer sends whose picture is not what it says.
struct ForgedPicture {
  std::string channel = "image";
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::uint8_t format = 0;
  bool is_jpeg = false;
  std::vector<std::byte> data;
};
template <class Archive>
void serialize(Archive& archive, ForgedPicture& picture) {
  archive(picture.channel, picture.width, picture.height, picture.format, picture.is_jpeg,
          picture.data);
}
TICKWIRE_MESSAGE(ForgedPicture, "tickwire.hub.picture");

}  // namespace

CONTRACT_CASE("pictures go to whom they are meant for, and are read from whom one likes") {
  ThreeHubs hubs(scheme);
  auto& north = hubs.north;
  auto& south = hubs.south;
  auto& west = hubs.west;
  const Connection& first = hubs.first;
  const auto write = [](Hub& hub, const char* channel, const HubPeers& whom) {
    REQUIRE(hub.write_image(gradient(8, 8, PixelFormat::gray), whom, channel));
  };
  // What the hub has got, by the names of the connections.
  const auto read = [](Hub& hub, const char* channel, const HubPeers& from) {
    std::multiset<std::string> names;
    for (const auto& item : hub.read_images(from, channel))
      names.insert(item.from.name());
    return names;
  };
  using Names = std::multiset<std::string>;
  write(north, "named", HubPeers::named("two"));
  write(north, "hub", HubPeers::named("south"));
  write(north, "nobody", HubPeers::named("nobody"));
  write(north, "dialled", HubPeers::dialled());
  write(north, "accepted", HubPeers::accepted());
  write(south, "only", HubPeers::only(first));
  write(south, "dialled", HubPeers::dialled());
  write(south, "accepted", HubPeers::accepted());
  write(west, "dialled", HubPeers::dialled());
  // Pictures of a connection come in order, so that whatever else was sent is there with these.
  write(north, "last", HubPeers::all());
  write(south, "last", HubPeers::all());
  write(west, "last", HubPeers::all());
  Names at_north, at_south, at_west;
  REQUIRE(hubs.pair.until([&] {
    at_north.merge(read(north, "last", HubPeers::all()));
    at_south.merge(read(south, "last", HubPeers::all()));
    at_west.merge(read(west, "last", HubPeers::all()));
    return at_north.size() == 3 && at_south.size() == 2 && at_west.size() == 1;
  }));
  CHECK(read(south, "named", HubPeers::all()) == Names{"two"});
  CHECK(read(west, "named", HubPeers::all()).empty());
  CHECK(read(south, "hub", HubPeers::all()) == Names{"one", "two"});
  CHECK(read(west, "hub", HubPeers::all()).empty());
  CHECK(read(south, "nobody", HubPeers::all()).empty());
  CHECK(read(west, "nobody", HubPeers::all()).empty());
  CHECK(read(south, "dialled", HubPeers::all()).empty());
  CHECK(read(west, "dialled", HubPeers::all()).empty());
  CHECK(read(north, "only", HubPeers::all()) == Names{"one"});
  CHECK(read(north, "accepted", HubPeers::all()).empty());
  // Who is left out of a read keeps its picture for the next.
  CHECK(read(south, "accepted", HubPeers::accepted()).empty());
  CHECK(read(south, "accepted", HubPeers::only(first)) == Names{"one"});
  CHECK(read(south, "accepted", HubPeers::dialled()) == Names{"two"});
  CHECK(read(west, "accepted", HubPeers::dialled()) == Names{"three"});
  CHECK(read(north, "dialled", HubPeers::dialled()).empty());
  CHECK(read(north, "dialled", HubPeers::named("nobody")).empty());
  CHECK(read(north, "dialled", HubPeers::named("west")) == Names{"three"});
  CHECK(read(north, "dialled", HubPeers::named("two")) == Names{"two"});
  CHECK(read(north, "dialled", HubPeers::accepted()) == Names{"one"});
}

CONTRACT_CASE("who is slow gets the newest picture, and never a queue of old ones") {
  test::PairOptions options;
  Hubs hubs(scheme, called("camera"), called("screen"), std::move(options));
  hubs.call("view");
  hubs.pair.client.awake = false;  // the reader stands still
  constexpr int count = 40;
  for (int i = 0; i < count; ++i) {
    REQUIRE(hubs.north.write_image(gradient(160, 120, PixelFormat::gray, i)));
    hubs.pair.run(5ms);
  }
  // Two under way and one that waits; of 40 the others never left.
  CHECK(hubs.north.stats().pictures_skipped == count - 3);
  CHECK(hubs.pair.server->stats().connections.messages_sent < 10);
  hubs.pair.client.awake = true;
  REQUIRE(hubs.pair.until([&] {
    const auto items = hubs.south.read_images();
    return !items.empty() && items[0].number == 3;
  }));
  CHECK(hubs.south.read_images().empty());  // each once
  // And on it goes, also under a name of one's own.
  REQUIRE(hubs.north.write_image(gradient(8, 8, PixelFormat::gray), HubPeers::all(), "left eye"));
  std::vector<HubItem<Image>> left;
  REQUIRE(hubs.pair.until([&] {
    left = hubs.south.read_images(HubPeers::all(), "left eye");
    return !left.empty();
  }));
  CHECK(left[0].value.width == 8);
  CHECK(left[0].value.height == 8);
  CHECK(left[0].value.format == PixelFormat::gray);
}

TEST_CASE("pictures of every format arrive, exactly when they are sent raw") {
  for (const PixelFormat format : {PixelFormat::gray, PixelFormat::rgb, PixelFormat::bgr,
                                   PixelFormat::rgba, PixelFormat::bgra}) {
    for (const ImageCoding coding : {ImageCoding::raw, ImageCoding::automatic}) {
      CAPTURE(static_cast<int>(format));
      CAPTURE(static_cast<int>(coding));
      HubOptions options = called("camera");
      options.coding = coding;
      Hubs hubs(test::memory_scheme(), options);
      hubs.call("view");
      const Image image = gradient(65, 33, format);
      REQUIRE(hubs.north.write_image(image));
      std::vector<HubItem<Image>> read;
      REQUIRE(hubs.pair.until([&] {
        read = hubs.south.read_images();
        return !read.empty();
      }));
      const Image& got = read[0].value;
      CHECK(got.width == 65);
      CHECK(got.height == 33);
      CHECK(got.format == format);
      REQUIRE(got.pixels.size() == image.pixels.size());
      if (coding == ImageCoding::raw) CHECK(got == image);
      int worst = 0;
      const std::size_t depth = bytes_per_pixel(format);
      for (std::size_t i = 0; i < got.pixels.size(); ++i) {
        if (depth == 4 && i % 4 == 3) continue;
        const int difference =
            std::to_integer<int>(got.pixels[i]) - std::to_integer<int>(image.pixels[i]);
        worst = std::max(worst, std::abs(difference));
      }
      CHECK(worst <= 24);
    }
  }
}

TEST_CASE("pictures that make no sense are refused, with a sentence") {
  Hubs hubs(test::memory_scheme());
  hubs.call("a");
  const auto refusal = [&](Image image) {
    const auto written = hubs.north.write_image(image);
    return written ? ErrorCode::none : written.error().code;
  };
  CHECK(refusal(Image{}) == ErrorCode::invalid_argument);
  CHECK(refusal(Image{2, 2, PixelFormat::rgb, std::vector<std::byte>(11)}) ==
        ErrorCode::invalid_argument);
  CHECK(refusal(Image{20'000, 1, PixelFormat::gray, std::vector<std::byte>(20'000)}) ==
        ErrorCode::invalid_argument);
  CHECK(refusal(Image{1, 1, static_cast<PixelFormat>(9), std::vector<std::byte>(3)}) ==
        ErrorCode::invalid_argument);
  CHECK(refusal(gradient(2, 2, PixelFormat::rgb)) == ErrorCode::none);
  CHECK(
      hubs.north.write_image(gradient(2, 2, PixelFormat::rgb), HubPeers::all(), "").error().code ==
      ErrorCode::invalid_argument);
  HubOptions raw = called("raw");
  raw.coding = ImageCoding::raw;
  test::PairOptions options;
  options.server.limits.max_message_bytes = 10'000;
  Hubs small(test::memory_scheme(), raw, called("b"), std::move(options));
  small.call("a");
  CHECK(small.north.write_image(gradient(100, 100, PixelFormat::gray)).error().code ==
        ErrorCode::message_too_large);
  Hub loose;
  CHECK(loose.write_image(gradient(1, 1, PixelFormat::gray)).error().code ==
        ErrorCode::not_supported);
  CHECK(loose.open("memory://x").error().code == ErrorCode::not_supported);
  CHECK(loose.connect("x", "memory://x").error().code == ErrorCode::not_supported);
  CHECK(loose.write("x", 1).queued == 0);
}

TEST_CASE("pictures that lie about themselves cost their sender's picture, and nothing else") {
  Hubs hubs(test::memory_scheme());
  auto& pair = hubs.pair;
  pair.client->detach(hubs.south);
  pair.connect();
  REQUIRE(pair.caller.send(ForgedHello{1, "liar"}));
  REQUIRE(pair.until([&] { return hubs.north.peers().size() == 1; }));
  std::uint64_t malformed = 0;
  const auto refuses = [&](ForgedPicture picture) {
    REQUIRE(pair.caller.send(picture));
    pair.run(20ms);
    CHECK(hubs.north.read_images().empty());
    CHECK(hubs.north.stats().pictures_malformed == ++malformed);
  };
  const std::vector<std::byte> few(12);
  refuses({"image", 2, 2, 200, false, few});                  // no such format
  refuses({"image", 0, 0, 1, false, {}});                     // no pixels
  refuses({"image", 0xffffffff, 0xffffffff, 1, false, few});  // the size wraps
  refuses({"image", 0x10000, 0x10000, 0, false, {}});         // as 32 bits this is 0
  refuses({"image", 2, 3, 1, false, few});                    // too few bytes
  refuses({"image", 2, 2, 1, true, few});                     // no JPEG
  refuses({std::string(65, 'n'), 2, 2, 1, false, few});       // too long a name
  refuses({"", 2, 2, 1, false, few});
  REQUIRE(pair.caller.send(ForgedPicture{"image", 2, 2, 1, false, few}));
  pair.run(20ms);
  CHECK(hubs.north.read_images().size() == 1);
}

// Pictures overtake greetings, which travel on another channel, and channels may lose.
TEST_CASE("pictures go on over a bad network, whatever the channels are like") {
  for (const Delivery delivery : {Delivery::reliable, Delivery::sequenced, Delivery::unreliable}) {
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
      INFO("delivery ", static_cast<int>(delivery), ", seed ", seed);
      test::PairOptions options;
      options.seed = seed;
      options.network = {.delay = 30ms, .jitter = 40ms, .loss_ratio = 0.05};
      options.server.channels[0].delivery = delivery;
      options.client.channels[0].delivery = delivery;
      Hubs hubs(test::memory_scheme(), called("north"), called("south"), std::move(options));
      REQUIRE(hubs.south.connect("call", hubs.pair.address.to_string()));
      int late = 0;
      for (int frame = 0; frame < 1000; ++frame) {
        hubs.pair.step(10ms);
        REQUIRE(hubs.north.write_image(gradient(4, 4, PixelFormat::gray)));
        if (!hubs.south.read_images().empty() && frame > 500) ++late;
      }
      CHECK(late > 50);
      CHECK(hubs.pair.client.log.messages() == 0);
      CHECK(hubs.pair.server.log.messages() == 0);
    }
  }
}

TEST_CASE("pictures that are beyond what may be decoded do not hold up those behind them") {
  test::PairOptions options;
  options.client.decode.max_total_bytes = 32 * 1024;
  HubOptions raw = called("north");
  raw.coding = ImageCoding::raw;
  Hubs hubs(test::memory_scheme(), raw, called("south"), std::move(options));
  hubs.call("one");
  for (int i = 0; i < 5; ++i) {
    REQUIRE(hubs.north.write_image(gradient(300, 300, PixelFormat::gray)));
    hubs.pair.run(20ms);
  }
  CHECK(hubs.south.stats().pictures_malformed == 5);
  REQUIRE(hubs.north.write_image(gradient(30, 30, PixelFormat::gray)));
  REQUIRE(hubs.pair.until([&] { return hubs.south.read_images().size() == 1; }));
}
