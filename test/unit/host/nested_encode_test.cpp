// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <tickwire/codec.hpp>

#include "test/support/host_pair.hpp"

/// Objects whose own functions throw, or send while they are being encoded: they would write into
/// the memory that is used.
namespace nested_encode {

using namespace tickwire;

struct Talker {
  std::string begin = "begin";
  std::string end = "end";
  Connection says_to{};  // no connection: it says nothing
  std::string says{};
  std::vector<ErrorCode>* answers = nullptr;
};
template <class Archive>
void save(Archive& archive, const Talker& talker) {
  archive(talker.begin);
  if (talker.answers != nullptr) {
    Connection to = talker.says_to;
    const auto sent = to.send(talker.says);
    talker.answers->push_back(sent ? ErrorCode::none : sent.error().code);
  }
  archive(talker.end);
}
template <class Archive>
void load(Archive& archive, Talker& talker) {
  archive(talker.begin, talker.end);
}
TICKWIRE_MESSAGE(Talker, "nested_encode.talker");

struct Thrower {};
template <class Archive>
void serialize(Archive& archive, Thrower&) {
  int number = 1;
  archive(number);
  throw std::runtime_error("not today");
}
TICKWIRE_MESSAGE(Thrower, "nested_encode.thrower");

}  // namespace nested_encode

using namespace tickwire;
using namespace std::chrono_literals;
using nested_encode::Talker;

TEST_CASE("an object that sends while it is serialized is refused that, and is sent itself") {
  test::HostPair pair(test::memory_scheme());
  pair.connect();
  for (const std::size_t bytes : {10u, 100'000u}) {
    CAPTURE(bytes);
    std::vector<ErrorCode> answers;
    const Talker silent;
    const Talker talking{
        .says_to = pair.caller, .says = std::string(bytes, 'x'), .answers = &answers};
    pair.server.log.clear();
    REQUIRE(pair.caller.send(silent));
    REQUIRE(pair.caller.send(talking));
    CHECK(answers == std::vector{ErrorCode::reentrant_call});
    REQUIRE(test::send_text(pair.caller, "behind it"));
    REQUIRE(pair.until([&] { return pair.server.log.messages() >= 3; }));
    const auto texts = pair.server.log.texts();
    REQUIRE(texts.size() == 3);
    CHECK(texts[1] == texts[0]);
    CHECK(texts[2] == "behind it");
  }
}

TEST_CASE("an object that broadcasts while it is serialized reaches nobody with that") {
  test::HostPair pair(test::memory_scheme());
  pair.connect();
  std::vector<ErrorCode> answers;
  const Talker talking{.says_to = pair.caller, .says = "x", .answers = &answers};
  const BroadcastResult sent = pair.client->broadcast(talking);
  CHECK(sent.queued == 1);
  CHECK(answers == std::vector{ErrorCode::reentrant_call});
  pair.run(20ms);
  CHECK(pair.server.log.messages() == 1);
}

TEST_CASE("an object whose functions throw is refused, and counted with those it was for") {
  test::HostPair pair(test::memory_scheme());
  pair.connect();
  const Connection second = pair.connect(pair.client);
  const nested_encode::Thrower thrower;
  const auto refused = [](Connection connection) {
    return connection.stats().drops.refused_invalid;
  };
  const auto sent = pair.caller.send(thrower);
  REQUIRE_FALSE(sent);
  CHECK(sent.error().code == ErrorCode::encode_failed);
  CHECK(sent.error().detail.find("not today") != std::string::npos);
  CHECK(refused(pair.caller) == 1);
  CHECK_FALSE(Connection().send(thrower));

  const BroadcastResult all = pair.client->broadcast(thrower);
  CHECK(all.id == 0);
  CHECK(all.queued == 0);
  CHECK(all.refused == 2);
  CHECK(pair.client->broadcast(thrower, {.except = second}).refused == 1);
  CHECK(refused(pair.caller) == 3);
  CHECK(refused(second) == 1);

  const Connection targets[] = {pair.caller, Connection(), second};
  CHECK(pair.client->send_to(targets, thrower).refused == 3);
  CHECK(refused(pair.caller) == 4);
  CHECK(refused(second) == 2);
}

TEST_CASE("metadata that cannot be encoded is refused, and counted with those it was for") {
  test::HostPair pair(test::memory_scheme());
  pair.connect();
  Value deep;
  for (int i = 0; i < 1000; ++i)
    deep = Value(Value::List{std::move(deep)});
  SendOptions options;
  options.metadata.set("deep", std::move(deep));
  const auto refused = [&] { return pair.caller.stats().drops.refused_invalid; };
  const auto sent = test::send_text(pair.caller, "x", options);
  REQUIRE_FALSE(sent);
  REQUIRE(sent.error().code == ErrorCode::encode_failed);
  CHECK(refused() == 1);
  CHECK(test::broadcast_text(*pair.client, "x", {.send = options}).refused == 1);
  CHECK(refused() == 2);
  const Connection targets[] = {pair.caller};
  CHECK(test::send_text_to(*pair.client, targets, "x", options).refused == 1);
  CHECK(refused() == 3);
}
