// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <tickwire/codec.hpp>

#include "test/support/host_pair.hpp"

/// An object whose own functions send while it is being encoded: it would write into the memory
/// that they use.
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
