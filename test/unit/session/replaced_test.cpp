// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "test/support/counting_resource.hpp"
#include "test/support/packet_kit.hpp"
#include "test/support/session_pair.hpp"

/// Messages of which only the newest counts, while they wait: their age, and memory that is short.
using namespace tickwire;
using namespace std::chrono_literals;
using test::SessionEnd;
using test::SessionPair;

namespace {

ErrorCode say(SessionEnd& end, std::string_view text, std::uint64_t key) {
  detail::OutMessage message;
  message.body.is_object = true;
  message.body.type = 77;
  message.body.payload = detail::as_bytes(text);
  message.id = end.last_id + 1;
  message.replace_key = key;
  const ErrorCode code = end.session.send(message, Delivery::sequenced, 0, end.now);
  if (code == ErrorCode::none) ++end.last_id;
  return code;
}

/// Says it until memory runs out, each time under another key.
void say_until_memory_is_out(SessionEnd& end, std::string_view text) {
  for (std::uint64_t key = 100; key < 200; ++key) {
    ErrorCode code = ErrorCode::none;
    try {
      code = say(end, text, key);
    } catch (const std::bad_alloc&) {
      return;
    }
    REQUIRE(code == ErrorCode::none);
  }
  FAIL("memory never ran out");
}

}  // namespace

TEST_CASE("a message that has replaced another is as old as itself") {
  SessionPair pair;
  pair.connect();
  pair.advance(20ms);
  pair.dialler.sink.capacity = 0;
  REQUIRE(say(pair.dialler, "first", 1) == ErrorCode::none);
  REQUIRE(say(pair.dialler, "left as it was", 2) == ErrorCode::none);
  pair.advance(200ms);
  REQUIRE(say(pair.dialler, "newest", 1) == ErrorCode::none);
  pair.advance(60ms);
  pair.dialler.sink.capacity = 1 << 20;
  pair.advance(20ms);
  CHECK(pair.acceptor.texts() == std::vector<std::string>{"newest"});
  CHECK(pair.dialler.session.stats().drops.unreliable_replaced == 1);
  // What stands behind it is not younger for that.
  CHECK(pair.dialler.session.stats().drops.unreliable_too_old == 1);
  CHECK(pair.dialler.session.stats().queued_bytes == 0);
}

TEST_CASE("a message that has replaced another keeps its place, and leaves with the others") {
  SessionPair pair;
  pair.connect();
  pair.dialler.sink.capacity = 0;
  for (std::uint64_t key = 1; key <= 3; ++key)
    REQUIRE(say(pair.dialler, std::to_string(key), key) == ErrorCode::none);
  pair.advance(10ms);
  REQUIRE(say(pair.dialler, "new", 2) == ErrorCode::none);
  pair.dialler.sink.capacity = 1 << 20;
  pair.advance(20ms);
  CHECK(pair.acceptor.texts() == std::vector<std::string>{"1", "new", "3"});
}

TEST_CASE("a message that has replaced a smaller one is counted with its own size") {
  SessionPair pair;
  pair.connect();
  pair.dialler.sink.capacity = 0;
  REQUIRE(say(pair.dialler, "s", 1) == ErrorCode::none);
  REQUIRE(say(pair.dialler, std::string(500, 'l'), 1) == ErrorCode::none);
  pair.dialler.sink.capacity = 1 << 20;
  pair.advance(20ms);
  pair.dialler.sink.capacity = 0;
  REQUIRE(say(pair.dialler, "a", 2) == ErrorCode::none);
  REQUIRE(say(pair.dialler, "b", 3) == ErrorCode::none);
  pair.dialler.sink.capacity = 1 << 20;
  pair.advance(20ms);
  CHECK(pair.acceptor.texts() == std::vector<std::string>{std::string(500, 'l'), "a", "b"});
  CHECK(pair.dialler.session.stats().drops.unreliable_queue_full == 0);
}

TEST_CASE("a replacement that finds no memory changes nothing") {
  test::CountingResource memory;
  SessionEnd end(SessionPair::settings(Direction::dialled), TimePoint(1h), &memory);
  test::forge_open(end, Direction::dialled);
  end.sink.capacity = 0;
  REQUIRE(say(end, "small", 1) == ErrorCode::none);
  memory.leave(0);
  const std::string large(1000, 'x');
  say_until_memory_is_out(end, large);
  const auto queued = end.session.stats().queued_bytes;
  const auto sent = end.session.stats().messages_sent;
  for (int i = 0; i < 70; ++i)
    CHECK_THROWS_AS(static_cast<void>(say(end, large, 1)), std::bad_alloc);
  CHECK(end.session.stats().queued_bytes == queued);
  CHECK(end.session.stats().messages_sent == sent);
  CHECK(end.session.stats().drops.unreliable_replaced == 0);
  memory.lift_limit();
  end.sink.capacity = 1 << 20;
  static_cast<void>(test::flushed(end));
  CHECK(end.session.stats().queued_bytes == 0);
  CHECK(say(end, "more", 1) == ErrorCode::none);
  CHECK(test::flushed(end).size() == 1);
}
