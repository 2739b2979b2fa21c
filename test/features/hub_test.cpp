// SPDX-License-Identifier: MIT
#include <tickwire/hub.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <tickwire/codec.hpp>

#include "test/support/host_pair.hpp"

using namespace tickwire;
using namespace std::chrono_literals;
using test::HostPair;

namespace {

HubOptions called(const char* name) {
  HubOptions options;
  options.name = name;
  return options;
}

/// Two hubs that know each other, under the name of their connection.
struct Hubs {
  explicit Hubs(const test::Scheme& scheme, HubOptions north_options = called("north"),
                HubOptions south_options = called("south"), test::PairOptions options = {})
      : pair(scheme, std::move(options)),
        north(std::move(north_options)),
        south(std::move(south_options)) {
    pair.server->attach(north);
    pair.client->attach(south);
  }
  Connection call(const char* name, const ConnectOptions& options = {}) {
    const std::size_t before = north.peers().size();
    auto dialled = south.connect(name, pair.address.to_string(), options);
    REQUIRE(dialled);
    REQUIRE(pair.until([&] {
      return north.peers().size() > before && !south.peers(HubPeers::only(*dialled)).empty();
    }));
    return *dialled;
  }

  HostPair pair;
  Hub north;
  Hub south;
};

/// The south calls the north twice, as "one" and "two", and the west calls it as "three".
struct ThreeHubs : Hubs {
  explicit ThreeHubs(const test::Scheme& scheme) : Hubs(scheme) {
    pair.add()->attach(west);
    first = call("one");
    call("two");
    REQUIRE(west.connect("three", pair.address.to_string()));
    REQUIRE(pair.until([&] { return north.peers().size() == 3 && west.peers().size() == 1; }));
  }

  Hub west{called("west")};
  Connection first;
};

ConnectOptions trying(std::size_t attempts) {
  ConnectOptions options;
  options.reconnect = ReconnectPolicy{.max_attempts = attempts, .first_delay = 10ms};
  return options;
}

template <class T>
std::vector<T> values(const std::vector<HubItem<T>>& items) {
  std::vector<T> found;
  for (const auto& each : items)
    found.push_back(each.value);
  return found;
}

using Texts = std::vector<std::string>;

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

}  // namespace

CONTRACT_CASE("hubs know each other by name, and read what the other has written") {
  Hubs hubs(scheme);
  auto& north = hubs.north;
  auto& south = hubs.south;
  hubs.call("hello!");
  REQUIRE(north.peers().size() == 1);
  REQUIRE(south.peers().size() == 1);
  CHECK(north.peers()[0].name == "hello!");
  CHECK(south.peers()[0].name == "hello!");
  CHECK(north.peers()[0].hub == "south");
  CHECK(south.peers()[0].hub == "north");
  CHECK(north.read<std::string>("test").empty());
  CHECK(south.write("test", "hubs are connected").queued == 1);
  CHECK(south.write("count", 7).queued == 1);
  CHECK(north.write("test", Value::map({{"speed", 3.5}})).queued == 1);
  REQUIRE(hubs.pair.until([&] {
    return north.read<int>("count").size() == 1 && south.read<Value>("test").size() == 1;
  }));
  CHECK(values(north.read<std::string>("test")) == Texts{"hubs are connected"});
  CHECK(south.read<Value>("test")[0].value["speed"].real() == 3.5);
  // The newest stays until another comes.
  CHECK(north.read<int>("count")[0].number == 1);
  CHECK(south.write("count", 8).queued == 1);
  CHECK(south.write("count", 9).queued == 1);
  REQUIRE(hubs.pair.until([&] { return north.read<int>("count")[0].number == 3; }));
  CHECK(values(north.read<int>("count")) == std::vector<int>{9});
  CHECK(hubs.pair.server.log.messages() == 0);
  CHECK(hubs.pair.client.log.messages() == 0);
  south.close();
  REQUIRE(hubs.pair.until([&] { return north.peers().empty() && south.peers().empty(); }));
  CHECK(north.read<int>("count").empty());
}

CONTRACT_CASE("a channel that keeps all hands out each value once, in order") {
  Hubs hubs(scheme);
  hubs.north.keep("events", HubKeep::all);
  hubs.call("a");
  for (int i = 0; i < 100; ++i)
    CHECK(hubs.south.write("events", i).queued == 1);
  std::vector<int> read;
  REQUIRE(hubs.pair.until([&] {
    for (const auto& item : hubs.north.read<int>("events"))
      read.push_back(item.value);
    return read.size() == 100;
  }));
  for (int i = 0; i < 100; ++i)
    CHECK(read[static_cast<std::size_t>(i)] == i);
  CHECK(hubs.north.read<int>("events").empty());
}

CONTRACT_CASE("one writes to all, by name, to those it dialled and to those that dialled it") {
  ThreeHubs hubs(scheme);
  auto& north = hubs.north;
  auto& south = hubs.south;
  auto& west = hubs.west;
  const Connection& first = hubs.first;
  CHECK(north.write("x", 0, HubPeers::all()).queued == 3);
  CHECK(north.write("x", 1, HubPeers::named("two")).queued == 1);
  CHECK(north.write("x", 2, HubPeers::named("south")).queued == 2);
  CHECK(north.write("x", 3, HubPeers::named("nobody")).queued == 0);
  CHECK(north.write("x", 4, HubPeers::dialled()).queued == 0);
  CHECK(north.write("x", 5, HubPeers::accepted()).queued == 3);
  CHECK(south.write("y", 6, HubPeers::dialled()).queued == 2);
  CHECK(south.write("y", 7, HubPeers::only(first)).queued == 1);
  CHECK(south.write("y", 8, HubPeers::accepted()).queued == 0);
  CHECK(west.write("y", 9).queued == 1);
  REQUIRE(hubs.pair.until([&] {
    return values(north.read<int>("y", HubPeers::named("one"))) == std::vector<int>{7} &&
           values(north.read<int>("y", HubPeers::named("two"))) == std::vector<int>{6} &&
           values(north.read<int>("y", HubPeers::named("west"))) == std::vector<int>{9};
  }));
  CHECK(north.read<int>("y").size() == 3);
  CHECK(north.read<int>("y", HubPeers::accepted()).size() == 3);
  CHECK(north.read<int>("y", HubPeers::dialled()).empty());
  CHECK(south.read<int>("x", HubPeers::dialled()).size() == 2);
}

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

TEST_CASE("a hub that calls again after a loss is greeted again, and no other call is") {
  Hubs hubs(test::memory_scheme());
  auto& north = hubs.north;
  auto& south = hubs.south;
  auto& pair = hubs.pair;
  ConnectOptions plain = trying(3);
  plain.name = "plain";
  pair.connect(plain);
  Connection from = hubs.call("hello!", trying(3));
  for (int loss = 1; loss <= 2; ++loss) {
    CAPTURE(loss);
    const Connection to = north.peers()[0].connection;
    CHECK(south.write("count", 0).queued == 1);
    REQUIRE(pair.until([&] { return north.read<int>("count").size() == 1; }));
    pair.network->sever_all();
    REQUIRE(pair.until([&] {
      const auto here = north.peers();
      const auto there = south.peers();
      return here.size() == 1 && here[0].connection != to && there.size() == 1 &&
             there[0].connection != from;
    }));
    CHECK(north.peers()[0].name == "hello!");
    CHECK(north.peers()[0].hub == "south");
    CHECK(south.peers()[0].hub == "north");
    CHECK(north.read<int>("count").empty());  // went with the connection
    CHECK(south.write("count", loss).queued == 1);
    CHECK(north.write("test", "welcome back").queued == 1);
    REQUIRE(pair.until([&] {
      return values(north.read<int>("count")) == std::vector<int>{loss} &&
             values(south.read<std::string>("test")) == Texts{"welcome back"};
    }));
    from = south.peers()[0].connection;
    const auto up = static_cast<std::size_t>(2 + 2 * loss);
    REQUIRE(pair.until([&] { return pair.client.log.count(EventType::connected) == up; }));
  }
  pair.run(1s);
  CHECK(north.peers().size() == 1);
  CHECK(pair.server.log.messages() == 0);
}

TEST_CASE("a hub whose first calls find nobody is a peer once somebody answers") {
  Hubs hubs(test::memory_scheme());
  ConnectOptions options = trying(10);
  options.timeout = 300ms;
  const auto dialled = hubs.south.connect("early", "memory://later", options);
  REQUIRE(dialled);
  hubs.pair.run(50ms);
  CHECK(hubs.south.peers().empty());
  REQUIRE(hubs.north.open("memory://later"));
  REQUIRE(hubs.pair.until([&] {
    return hubs.north.peers().size() == 1 && hubs.south.peers(HubPeers::only(*dialled)).size() == 1;
  }));
  CHECK(hubs.south.write("count", 1).queued == 1);
  REQUIRE(hubs.pair.until([&] { return values(hubs.north.read<int>("count")) == std::vector{1}; }));
  // After a loss nobody answers the first calls, either.
  hubs.pair.network->sever_all();
  hubs.pair.server.awake = false;
  hubs.pair.run(2s);
  CHECK(hubs.south.peers().empty());
  hubs.pair.server.awake = true;
  REQUIRE(hubs.pair.until([&] {
    return hubs.north.peers().size() == 1 && hubs.south.peers().size() == 1 &&
           hubs.south.write("count", 2).queued == 1;
  }));
  REQUIRE(hubs.pair.until([&] { return values(hubs.north.read<int>("count")) == std::vector{2}; }));
}

TEST_CASE("a program's own call is left alone where a hub's call of its name has ended for good") {
  Hubs hubs(test::memory_scheme());
  auto& pair = hubs.pair;
  std::string url = pair.address.to_string();
  SUBCASE("closed") {
    hubs.call("hello!", trying(3));
    hubs.south.close();
  }
  SUBCASE("lost, without a further attempt") {
    hubs.call("hello!", trying(0));
    pair.network->sever_all();
  }
  SUBCASE("given up") {
    url = "memory://brief";
    {
      auto& brief = pair.add();
      Hub passer(called("passer"));
      brief->attach(passer);
      REQUIRE(passer.open(url));
      REQUIRE(hubs.south.connect("hello!", url, trying(3)));
      REQUIRE(pair.until([&] { return hubs.south.peers().size() == 1; }));
    }
    pair.network->sever_all();
    pair.hosts.pop_back();
    REQUIRE(pair.until([&] { return pair.client.log.count(EventType::error) == 1; }));
    REQUIRE(pair.server->listen(url));
  }
  REQUIRE(pair.until([&] { return hubs.south.peers().empty() && hubs.north.peers().empty(); }));
  ConnectOptions plain;
  plain.name = "hello!";
  const auto own = pair.client->connect(url, plain);
  REQUIRE(own);
  REQUIRE(pair.until([&] { return own->is_open(); }));
  pair.run(1s);
  CHECK(hubs.south.peers().empty());
  CHECK(hubs.north.peers().empty());
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

TEST_CASE("what another hub may store is bounded, and what is dropped is counted") {
  HubOptions strict = called("strict");
  strict.max_channels = 3;
  strict.max_unread = 4;
  strict.max_stored_bytes = 1000;
  Hubs hubs(test::memory_scheme(), strict);
  hubs.north.keep("all", HubKeep::all);
  hubs.call("a");
  for (int i = 0; i < 10; ++i)
    CHECK(hubs.south.write("all", i).queued == 1);
  hubs.pair.run(20ms);
  CHECK(values(hubs.north.read<int>("all")) == std::vector<int>{6, 7, 8, 9});
  CHECK(hubs.north.stats().values_dropped == 6);
  for (int i = 0; i < 10; ++i)
    CHECK(hubs.south.write("channel " + std::to_string(i), i).queued == 1);
  hubs.pair.run(20ms);
  CHECK(hubs.north.stats().channels_refused == 8);
  CHECK(hubs.north.read<int>("channel 1").size() == 1);
  CHECK(hubs.north.read<int>("channel 5").empty());
  CHECK(hubs.south.write("channel 0", std::string(600, 'x')).queued == 1);
  CHECK(hubs.south.write("channel 1", std::string(600, 'x')).queued == 1);
  hubs.pair.run(20ms);
  CHECK(hubs.north.stats().values_dropped == 7);
  CHECK(hubs.north.read<std::string>("channel 0").size() == 1);
  CHECK(hubs.north.read<std::string>("channel 1").empty());
  // Read as what it is not.
  CHECK(hubs.north.read<int>("channel 0").empty());
  CHECK(hubs.north.stats().values_unreadable == 1);
  CHECK(hubs.south.write("", 1).queued == 0);
  CHECK(hubs.south.write(std::string(65, 'n'), 1).refused == 1);
}

namespace {

/// What a peer sends that is no hub, or a bad one.
struct ForgedHello {
  std::uint32_t version = 1;
  std::string name;
};
template <class Archive>
void serialize(Archive& archive, ForgedHello& hello) {
  archive(hello.version, hello.name);
}
TICKWIRE_MESSAGE(ForgedHello, "tickwire.hub.hello");

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

CONTRACT_CASE("programs without a hub are left alone, until they greet") {
  Hubs hubs(scheme);
  auto& pair = hubs.pair;
  pair.client->detach(hubs.south);
  pair.connect();
  REQUIRE(pair.caller.send("for the program", {.metadata = {{"tickwire.hub", "test"}}}));
  REQUIRE(pair.until([&] { return pair.server.log.messages() == 1; }));
  CHECK(hubs.north.peers().empty());
  CHECK(pair.client.log.messages() == 0);
  REQUIRE(pair.caller.send(ForgedHello{1, "by hand"}));
  REQUIRE(pair.until([&] { return hubs.north.peers().size() == 1; }));
  CHECK(hubs.north.peers()[0].hub == "by hand");
  REQUIRE(pair.caller.send("for the hub", {.metadata = {{"tickwire.hub", "test"}}}));
  REQUIRE(pair.caller.send("for the program", {.metadata = {{"tickwire.hub", 5}}}));
  REQUIRE(pair.until([&] { return pair.server.log.messages() == 2; }));
  CHECK(values(hubs.north.read<std::string>("test")) == Texts{"for the hub"});
  const Connection second = pair.connect(pair.client);
  REQUIRE(second.send(ForgedHello{1, std::string(65, 'n')}));
  REQUIRE(pair.until([&] { return pair.client.log.count(EventType::disconnected, second) == 1; }));
  CHECK(hubs.north.peers().size() == 1);
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
