// SPDX-License-Identifier: MIT
#include <tickwire/filter.hpp>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "test/support/host_pair.hpp"

/// What two hosts agree to do to their messages.
using namespace tickwire;
using namespace std::chrono_literals;
using test::HostPair;
using test::PairOptions;

namespace {

using Filters = std::vector<std::shared_ptr<Filter>>;
using Sizes = std::initializer_list<std::size_t>;

std::shared_ptr<Filter> lz4() {
  auto made = lz4_filter();
  REQUIRE(made);
  return *made;
}
std::shared_ptr<Filter> zstd() {
  auto made = zstd_filter();
  REQUIRE(made);
  return *made;
}

/// A program's own filter: adds a key to every byte, and a byte in front.
class Shift final : public Filter {
 public:
  /// What goes wrong in it.
  enum class Fault : std::uint8_t { none, spoils, throws_out, throws_in };

  Shift(std::string name, std::uint8_t key, FilterNeed need = FilterNeed::required,
        Fault fault = Fault::none)
      : name_(std::move(name)), key_(key), need_(need), fault_(fault) {}

  [[nodiscard]] std::string_view name() const noexcept override { return name_; }
  [[nodiscard]] FilterNeed need() const noexcept override { return need_; }
  [[nodiscard]] std::size_t room_bytes(std::size_t bytes) const noexcept override {
    return bytes + 1;
  }
  [[nodiscard]] std::optional<std::size_t> apply(std::span<const std::byte> message,
                                                 std::span<std::byte> into) override {
    ++applied;
    if (fault_ == Fault::throws_out) throw std::runtime_error("a filter's own");
    into[0] = std::byte{fault_ == Fault::spoils ? std::uint8_t(~key_) : key_};
    for (std::size_t i = 0; i < message.size(); ++i)
      into[i + 1] = shifted(message[i], key_);
    return message.size() + 1;
  }
  [[nodiscard]] bool undo(std::span<const std::byte> transformed,
                          std::span<std::byte> into) override {
    ++undone;
    if (fault_ == Fault::throws_in) throw std::runtime_error("a filter's own");
    if (transformed.size() != into.size() + 1 || transformed[0] != std::byte{key_}) return false;
    for (std::size_t i = 0; i < into.size(); ++i)
      into[i] = shifted(transformed[i + 1], static_cast<std::uint8_t>(256 - key_));
    return true;
  }
  int applied = 0;
  int undone = 0;

 private:
  static std::byte shifted(std::byte byte, std::uint8_t by) noexcept {
    return static_cast<std::byte>(std::to_integer<unsigned>(byte) + by);
  }
  std::string name_;
  std::uint8_t key_;
  FilterNeed need_;
  Fault fault_;
};

std::shared_ptr<Shift> shift(std::string name, std::uint8_t key,
                             FilterNeed need = FilterNeed::required,
                             Shift::Fault fault = Shift::Fault::none) {
  return std::make_shared<Shift>(std::move(name), key, need, fault);
}

PairOptions with_filters(Filters server, Filters client) {
  PairOptions options;
  options.server.filters = std::move(server);
  options.client.filters = std::move(client);
  return options;
}

void carries(HostPair& pair, Connection from, test::LoggedHost& to, const std::string& text,
             const SendOptions& options = {}) {
  to.log.clear();
  REQUIRE(test::send_text(from, text, options));
  REQUIRE(pair.until([&] { return to.log.messages() == 1; }));
  CHECK(to.log.texts().front() == text);
}

Event custom_event(Connection connection) {
  Event event;
  event.type = EventType::custom;
  event.connection = connection;
  return event;
}

std::string random_text(std::size_t bytes, std::uint32_t seed) {
  std::string text(bytes, ' ');
  std::uint64_t state = seed;
  for (char& each : text) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    each = static_cast<char>(state >> 33);
  }
  return text;
}

}  // namespace

CONTRACT_CASE(
    "compressed messages of every size and delivery arrive unharmed, and travel smaller") {
  for (const auto& filter : {lz4(), zstd()}) {
    CAPTURE(filter->name());
    HostPair pair(scheme, with_filters({filter}, {filter}));
    pair.connect();
    for (const std::size_t bytes : Sizes{0, 1, 63, 64, 65, 1000, 20'000, 3'000'000})
      carries(pair, pair.caller, pair.server, std::string(bytes, 'a'));
    carries(pair, pair.callee, pair.client, std::string(1000, 'b'),
            test::with(Delivery::unreliable, 2));
    SendOptions with_metadata = test::with(Delivery::sequenced, 1);
    with_metadata.metadata.set("from", "the deck");
    carries(pair, pair.callee, pair.client, std::string(900, 'c'), with_metadata);
    CHECK(pair.client.log.last(EventType::object_received).metadata == with_metadata.metadata);
    CHECK(pair.server->stats().connections.bytes_received < 200'000);
  }
}

CONTRACT_CASE("what does not shrink travels as it is") {
  HostPair pair(scheme, with_filters({lz4(), zstd()}, {lz4(), zstd()}));
  pair.connect();
  for (const std::uint32_t bytes : {100u, 5000u, 200'000u})
    carries(pair, pair.caller, pair.server, random_text(bytes, bytes));
}

CONTRACT_CASE("filters work in the dialler's order, whatever the acceptor's") {
  HostPair pair(scheme, with_filters({shift("b", 200), lz4(), shift("a", 3)},
                                     {lz4(), shift("a", 3), shift("b", 200)}));
  pair.connect();
  for (const std::size_t bytes : Sizes{0, 1, 100, 50'000}) {
    carries(pair, pair.caller, pair.server, test::pattern(bytes));
    carries(pair, pair.callee, pair.client, test::pattern(bytes, 7));
  }
}

CONTRACT_CASE("only what both ends have is used") {
  SUBCASE("nothing in common") {
    HostPair pair(scheme, with_filters({zstd()}, {lz4()}));
    pair.connect();
    carries(pair, pair.caller, pair.server, std::string(5000, 'a'));
    CHECK(pair.server->stats().connections.bytes_received > 5000);
  }
  SUBCASE("one end has none") {
    HostPair pair(scheme, with_filters({}, {lz4(), zstd()}));
    pair.connect();
    carries(pair, pair.caller, pair.server, std::string(5000, 'a'));
    carries(pair, pair.callee, pair.client, std::string(5000, 'a'));
  }
}

CONTRACT_CASE(
    "without a filter that one end demands there is no connection, and the reason says so") {
  const auto refusal = [&](Filters server, Filters client) {
    HostPair pair(scheme, with_filters(std::move(server), std::move(client)));
    REQUIRE(pair.client->connect(pair.address.to_string()));
    REQUIRE(pair.until([&] { return pair.client.log.count(EventType::error) == 1; }));
    CHECK(pair.server.log.all().empty());
    return pair.client.log.last(EventType::error).error;
  };
  const Error of_server = refusal({shift("salt", 1)}, {lz4()});
  CHECK(of_server.code == ErrorCode::filter_mismatch);
  CHECK(of_server.message().find("The other end demands the filter 'salt'") != std::string::npos);
  const Error of_client = refusal({lz4()}, {shift("salt", 1)});
  CHECK(of_client.code == ErrorCode::filter_mismatch);
  CHECK(of_client.message().find("does not have the filter 'salt'") != std::string::npos);
}

CONTRACT_CASE("a broadcast is filtered once for all who have the same filters") {
  const auto counted = shift("count", 5, FilterNeed::optional);
  // Shrinks nothing, so optional it would never be used.
  const auto demanded = shift("salt", 9);
  HostPair pair(scheme, with_filters({counted, demanded, lz4()}, {demanded, lz4()}));
  pair.connect();
  HostConfig config;
  config.filters = {demanded};
  test::LoggedHost& third = pair.add(config);
  pair.connect(third);
  demanded->applied = 0;
  const auto sent = test::broadcast_text(*pair.server, std::string(4000, 'x'));
  CHECK(sent.queued == 2);
  REQUIRE(pair.until([&] { return pair.client.log.messages() == 1 && third.log.messages() == 1; }));
  CHECK(pair.client.log.texts().front() == std::string(4000, 'x'));
  CHECK(third.log.texts().front() == std::string(4000, 'x'));
  CHECK(demanded->applied == 2);
}

TEST_CASE("a forwarded message is filtered again for its target") {
  HostPair pair(test::memory_scheme(), with_filters({lz4(), shift("a", 3)}, {shift("a", 3)}));
  pair.connect();
  HostConfig config;
  config.filters = {lz4(), shift("a", 3)};
  test::LoggedHost& third = pair.add(config);
  pair.connect(third);
  REQUIRE(test::send_text(pair.caller, std::string(30'000, 'x')));
  pair.server.awake = false;
  std::optional<Event> event;
  REQUIRE(pair.until([&] {
    while (auto each = pair.server->poll())
      if (each->type == EventType::object_received) event = std::move(each);
    return event.has_value();
  }));
  pair.server.awake = true;
  CHECK(pair.server->forward(*event, pair.server->connections()).queued == 2);
  REQUIRE(pair.until([&] { return pair.client.log.messages() == 1 && third.log.messages() == 1; }));
  CHECK(pair.client.log.texts().front() == std::string(30'000, 'x'));
  CHECK(third.log.texts().front() == std::string(30'000, 'x'));
}

TEST_CASE("a message that is too large is refused, however much it would shrink") {
  auto options = with_filters({lz4()}, {lz4()});
  options.server.limits.max_message_bytes = 10'000;
  HostPair pair(test::memory_scheme(), std::move(options));
  pair.connect();
  const std::vector<std::byte> large(10'001);
  CHECK(pair.caller.send_bytes(large).error().code == ErrorCode::message_too_large);
  CHECK(pair.caller.send_bytes(large, test::with(Delivery::unreliable)).error().code ==
        ErrorCode::message_too_large);
  const std::vector<std::byte> most(10'000);
  CHECK(pair.caller.send_bytes(most));
}

TEST_CASE("bytes that were given away and refused are the caller's again") {
  auto options = with_filters({lz4()}, {lz4()});
  options.client.limits.max_send_queue_bytes = options.client.limits.max_message_bytes + 64;
  HostPair pair(test::memory_scheme(), std::move(options));
  pair.connect();
  const std::string filler = random_text(1'000'000, 3);
  while (pair.caller.send_bytes(std::as_bytes(std::span(filler)))) {
  }
  std::vector<std::byte> mine(900'000, std::byte{7});
  const auto noise = random_text(900'000, 4);
  std::memcpy(mine.data(), noise.data(), noise.size());
  CHECK(pair.caller.send_bytes(std::move(mine)).error().code == ErrorCode::send_queue_full);
  CHECK(mine.size() == 900'000);
}

TEST_CASE("a message that no filter can have made ends its connection and no other") {
  HostPair pair(
      test::memory_scheme(),
      with_filters({shift("a", 3)}, {shift("a", 3, FilterNeed::required, Shift::Fault::spoils)}));
  pair.connect();
  HostConfig config;
  config.filters = {shift("a", 3)};
  test::LoggedHost& third = pair.add(config);
  const Connection other = pair.connect(third);
  pair.server.log.clear();
  REQUIRE(test::send_text(pair.caller, "spoilt"));
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::disconnected) == 1; }));
  const auto& end = pair.server.log.last(EventType::disconnected);
  CHECK(end.error.code == ErrorCode::protocol_violation);
  CHECK(end.connection == pair.callee);
  CHECK(pair.server.log.messages() == 0);
  carries(pair, other, pair.server, "still here");
}

TEST_CASE("messages wait as they came, and are undone as they are handed out") {
  const auto undoing = shift("a", 3);
  HostPair pair(test::memory_scheme(), with_filters({undoing}, {shift("a", 3)}));
  pair.connect();
  pair.server.log.clear();
  for (int i = 0; i < 5; ++i)
    REQUIRE(test::send_text(pair.caller, "text " + std::to_string(i)));
  pair.server.awake = false;
  pair.run(20ms);
  REQUIRE(pair.server->poll());
  pair.server->raise(custom_event(pair.callee));  // behind all that waits
  CHECK(undoing->undone == 1);
  pair.server.awake = true;
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::custom) == 1; }));
  CHECK(undoing->undone == 5);
  CHECK(pair.server.log.texts() ==
        std::vector<std::string>{"text 1", "text 2", "text 3", "text 4"});
}

TEST_CASE("a pass undoes so many bytes, and the next one goes on") {
  PairOptions options = with_filters({shift("a", 3)}, {shift("a", 3)});
  options.server.limits.max_message_bytes = 1'100'000;
  options.server.limits.receive_window_bytes = 4'000'000;
  HostPair pair(test::memory_scheme(), std::move(options));
  pair.connect();
  REQUIRE(pair.server->set_receiving(pair.callee, Receiving::paused) == ErrorCode::none);
  const std::string text(60'000, 'x');
  for (int i = 0; i < 40; ++i)
    REQUIRE(test::send_text(pair.caller, text));
  pair.run(1s);
  REQUIRE(pair.server->set_receiving(pair.callee, Receiving::on) == ErrorCode::none);
  const auto hand_out = [&] {
    int count = 0;
    while (pair.server->poll())
      ++count;
    return count;
  };
  CHECK(hand_out() == 19);  // the first that makes it more than 1.1 MB is the last
  CHECK(hand_out() == 19);
  CHECK(hand_out() == 2);
}

TEST_CASE("of messages that wait, one that no filter can have made is not handed out") {
  HostPair pair(
      test::memory_scheme(),
      with_filters({shift("a", 3)}, {shift("a", 3, FilterNeed::required, Shift::Fault::spoils)}));
  pair.connect();
  pair.server.log.clear();
  pair.server.awake = false;
  REQUIRE(test::send_text(pair.caller, "spoilt"));
  pair.run(20ms);
  pair.server->raise(custom_event(pair.callee));
  pair.server.awake = true;
  REQUIRE(pair.until([&] { return pair.server.log.count(EventType::disconnected) == 1; }));
  CHECK(pair.server.log.messages() == 0);
  CHECK(pair.server.log.count(EventType::custom) == 1);
}

TEST_CASE("what a filter throws stops its message, and neither poll nor send") {
  SUBCASE("out") {
    HostPair pair(test::memory_scheme(),
                  with_filters({shift("a", 3)},
                               {shift("a", 3, FilterNeed::required, Shift::Fault::throws_out)}));
    pair.connect();
    CHECK(test::send_text(pair.caller, "x").error().code == ErrorCode::encode_failed);
    carries(pair, pair.callee, pair.client, "the other way");
  }
  SUBCASE("in") {
    HostPair pair(test::memory_scheme(),
                  with_filters({shift("a", 3, FilterNeed::required, Shift::Fault::throws_in)},
                               {shift("a", 3)}));
    pair.connect();
    REQUIRE(test::send_text(pair.caller, "x"));
    REQUIRE(pair.until([&] { return pair.server.log.count(EventType::disconnected) == 1; }));
  }
}

TEST_CASE("a config with impossible filters is refused by name") {
  const auto complaint = [](Filters filters) {
    HostConfig config;
    config.filters = std::move(filters);
    try {
      const Host host(std::move(config));
    } catch (const std::invalid_argument& error) {
      return std::string(error.what());
    }
    return std::string("none");
  };
  CHECK(complaint({lz4(), zstd(), shift("a", 1), shift("b", 1)}) == "none");
  CHECK(complaint({lz4(), zstd(), shift("a", 1), shift("b", 1), shift("c", 1)}) ==
        "HostConfig::filters must be at most 4");
  CHECK(complaint({nullptr}) == "HostConfig::filters: one is null");
  CHECK(complaint({lz4(), lz4()}) == "HostConfig::filters: 'lz4' is there twice");
  for (const char* name : {"", "Upper", "with space", "123456789012345678901234567890123"}) {
    CHECK(complaint({shift(name, 1)}) ==
          "HostConfig::filters: a name must be 1 to 32 of a-z, 0-9, '-', '.', '_'");
  }
}

TEST_CASE("settings of the compressors that make no sense are refused") {
  CHECK(lz4_filter({.acceleration = 0}).error().code == ErrorCode::invalid_argument);
  CHECK(lz4_filter({.acceleration = 65'538}).error().code == ErrorCode::invalid_argument);
  CHECK(zstd_filter({.level = 20}).error().code == ErrorCode::invalid_argument);
  CHECK(zstd_filter({.level = -8}).error().code == ErrorCode::invalid_argument);
}

TEST_CASE("the compressors refuse noise, cut and swollen bytes, and sizes that are not true") {
  for (const auto& filter : {lz4(), zstd()}) {
    CAPTURE(filter->name());
    const std::string text = test::pattern(3000) + std::string(3000, 'z');
    const auto message = std::as_bytes(std::span(text));
    std::vector<std::byte> packed(filter->room_bytes(message.size()));
    const auto size = filter->apply(message, packed);
    REQUIRE(size);
    packed.resize(*size);
    std::vector<std::byte> into(message.size());
    REQUIRE(filter->undo(packed, into));
    CHECK(std::equal(into.begin(), into.end(), message.begin()));
    std::vector<std::byte> other(message.size() + 1);
    CHECK_FALSE(filter->undo(packed, other));
    CHECK_FALSE(filter->undo(packed, std::span(into).first(message.size() - 1)));
    CHECK_FALSE(filter->undo(std::span(packed).first(packed.size() - 1), into));
    CHECK_FALSE(filter->undo({}, into));
    int undone = 0;
    for (std::uint32_t seed = 1; seed <= 20'000; ++seed) {
      INFO("seed ", seed);
      std::vector<std::byte> damaged = packed;
      const std::string noise = random_text(8, seed);
      const std::size_t at = seed % damaged.size();
      const std::size_t count = std::min(noise.size(), damaged.size() - at);
      std::memcpy(damaged.data() + at, noise.data(), count);
      undone += filter->undo(damaged, into) ? 1 : 0;
    }
    CHECK(undone < 20'000);
  }
}
