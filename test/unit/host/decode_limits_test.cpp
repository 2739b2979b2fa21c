// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <cereal/types/base_class.hpp>
#include <cereal/types/memory.hpp>
#include <cereal/types/polymorphic.hpp>

#include <tickwire/tickwire.hpp>

#include "test/support/host_pair.hpp"

/// What `HostConfig::decode` says holds for all that a host receives.
namespace decode_limits_test {

struct Nest {
  std::vector<Nest> children;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(children);
  }
};
TICKWIRE_MESSAGE(Nest, "decode_limits_test.nest");

struct Ring {
  std::shared_ptr<Ring> next;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(next);
  }
};
TICKWIRE_MESSAGE(Ring, "decode_limits_test.ring");

struct Shape {
  virtual ~Shape() = default;
  int sides = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(sides);
  }
};
struct Square : Shape {
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::base_class<Shape>(this));
  }
};
struct Drawing {
  std::unique_ptr<Shape> shape;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(shape);
  }
};
TICKWIRE_MESSAGE(Drawing, "decode_limits_test.drawing");

Nest nested(int levels) {
  Nest nest;
  if (levels > 1) nest.children.push_back(nested(levels - 1));
  return nest;
}

}  // namespace decode_limits_test

CEREAL_REGISTER_TYPE_WITH_NAME(decode_limits_test::Square, "decode_limits_test.square")

using namespace tickwire;
using namespace decode_limits_test;
using test::HostPair;

namespace {

/// A server with these limits, and a client of the usual ones.
struct Room {
  explicit Room(const DecodeLimits& limits)
      : pair(test::memory_scheme(), {.server = {.decode = limits}}) {
    pair.connect();
  }

  /// The event in which the server gets an object.
  template <class T>
  Event received(const T& object, const SendOptions& options = {}) {
    REQUIRE(pair.caller.send(object, options).has_value());
    Event received;
    for (int i = 0; i < 100 && received.type != EventType::object_received; ++i) {
      pair.client.poll();
      while (auto event = pair.server->poll()) {
        if (event->type == EventType::object_received) received = std::move(*event);
      }
      pair.clock.advance(std::chrono::milliseconds(1));
    }
    REQUIRE(received.type == EventType::object_received);
    return received;
  }

  HostPair pair;
};

template <class T>
ErrorCode decoded(const Event& event) {
  const auto object = event.as<T>();
  const ErrorCode code = object ? ErrorCode::none : object.error().code;
  T into{};
  CHECK(event.read(into) == code);
  return code;
}

}  // namespace

TEST_CASE("an event obeys the memory budget of its host's config") {
  const std::string text(2000, 'x');
  Room room({.max_total_bytes = 1999});
  CHECK(decoded<std::string>(room.received(text)) == ErrorCode::budget_exceeded);
  CHECK(decoded<std::string>(room.received(text.substr(1))) == ErrorCode::none);
  Room roomy({});
  CHECK(decoded<std::string>(roomy.received(text)) == ErrorCode::none);
}

TEST_CASE("an event obeys the depth of its host's config, and outlives the host with it") {
  Event kept;
  {
    Room room({.max_depth = 10});
    CHECK(decoded<Nest>(room.received(nested(5))) == ErrorCode::none);
    kept = room.received(nested(6));
  }
  CHECK(decoded<Nest>(kept) == ErrorCode::budget_exceeded);
}

TEST_CASE("an event takes pointers to polymorphic types where its host's config does") {
  const Drawing drawing{std::make_unique<Square>()};
  Room careful({});
  CHECK(decoded<Drawing>(careful.received(drawing)) == ErrorCode::malformed_object);
  Room open({.polymorphic = PolymorphicTypes::accept});
  const auto event = open.received(drawing);
  CHECK(decoded<Drawing>(event) == ErrorCode::none);
  CHECK(dynamic_cast<Square*>(event.as<Drawing>()->shape.get()) != nullptr);
}

TEST_CASE("an event takes an object that owns itself where its host's config does") {
  Ring ring{std::make_shared<Ring>()};
  ring.next->next = ring.next;
  Room careful({});
  CHECK(decoded<Ring>(careful.received(ring)) == ErrorCode::malformed_object);
  Room open({.cycles = OwnershipCycles::accept});
  const auto event = open.received(ring);
  auto taken = event.as<Ring>();
  REQUIRE(taken.has_value());
  CHECK(taken->next->next == taken->next);
  taken->next->next.reset();
  ring.next->next.reset();
}

TEST_CASE("metadata obeys the budgets, too") {
  const Metadata metadata{{"text", std::string(3000, 'x')}};
  Room tight({.max_total_bytes = 2048});
  CHECK(tight.received(1, {.metadata = metadata}).metadata().empty());
  Room roomy({});
  CHECK(roomy.received(1, {.metadata = metadata}).metadata() == metadata);
}

TEST_CASE("listeners obey the budgets: what exceeds them is reported, and the connection stays") {
  Room room({.max_total_bytes = 1024});
  std::vector<std::size_t> texts;
  std::vector<ErrorCode> errors;
  const auto on_text = room.pair.server->on_message<std::string>(
      [&](Connection, const std::string& text) { texts.push_back(text.size()); });
  const auto on_error = room.pair.server->on_error(
      [&](Connection, const Error& error) { errors.push_back(error.code); });
  for (const std::size_t size : {1024u, 1025u, 3u}) {
    REQUIRE(room.pair.caller.send(std::string(size, 'x')).has_value());
    room.pair.client->flush();
    room.pair.clock.advance(std::chrono::milliseconds(1));
    room.pair.server->update();
  }
  CHECK(texts == std::vector<std::size_t>{1024, 3});
  CHECK(errors == std::vector<ErrorCode>{ErrorCode::budget_exceeded});
  CHECK(room.pair.callee.is_open());
}

TEST_CASE("an event that an extension raises is decoded as what is received") {
  Room room({.max_depth = 10});
  Event custom;
  custom.type = EventType::custom;
  room.pair.server->raise(std::move(custom));
  const auto raised = room.pair.server->poll();
  REQUIRE(raised.has_value());
  CHECK(raised->decode_limits.unpacked().max_depth == 10);
}
