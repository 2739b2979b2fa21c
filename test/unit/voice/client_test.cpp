// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <optional>

#include "conversation.hpp"
#include "stranger.hpp"

using namespace std::chrono_literals;
using voice_test::clarity;
using voice_test::Conversation;
using voice_test::Stranger;
using State = voice::Client::State;

namespace {

/// A relay that answers each request for a room with what it likes.
class FalseRelay {
 public:
  explicit FalseRelay(Conversation& talk) : host_(voice_test::protocol_host(talk)) {
    REQUIRE(host_.listen("memory://false"));
    talk.url = "memory://false";
    talk.bystanders.push_back([this] { take(); });
  }

  std::function<void(tickwire::Connection)> answer = [](tickwire::Connection) {};

 private:
  void take() {
    while (auto event = host_.poll())
      if (event->is<voice::JoinRoom>()) answer(event->connection);
  }

  tickwire::Host host_;
};

/// A relay that can break down and be started anew.
class FrailRelay {
 public:
  explicit FrailRelay(Conversation& talk) : talk_(talk) {
    talk.url = "memory://frail";
    start();
    talk.bystanders.push_back([this] {
      if (relay) relay->run_for({});
    });
  }

  void start() {
    relay.emplace(talk_.here({}));
    REQUIRE(relay->listen("memory://frail"));
  }

  std::optional<voice::Relay> relay;

 private:
  Conversation& talk_;
};

/// A microphone that hears nothing, and can be lost.
class Microphone final : public voice::SoundSource {
 public:
  Pull pull(voice::Frame&) override { return Pull::nothing_yet; }
  [[nodiscard]] bool finished() const override { return false; }
  [[nodiscard]] bool is_live() const noexcept override { return true; }
  void drop_queued() override { ++drops; }
  [[nodiscard]] std::optional<tickwire::Error> failure() const override { return lost; }

  int drops = 0;
  std::optional<tickwire::Error> lost;
};

}  // namespace

TEST_CASE("a client whose request is not answered ends with a sentence") {
  Conversation talk;
  FalseRelay mute(talk);
  auto& ann = talk.enter("ann", "den", 0);
  talk.run(4s);
  CHECK(ann.client->state() == State::joining);
  talk.run(2s);
  CHECK(ann.client->state() == State::ended);
  CHECK(ann.client->error().message() ==
        "The relay did not answer the request for the room within 5 seconds.");
}

TEST_CASE("a relay that tells of more people than a room has costs the client next to nothing") {
  Conversation talk;
  FalseRelay liar(talk);
  liar.answer = [](tickwire::Connection connection) {
    voice::RoomJoined joined{1, {}};
    for (std::uint16_t talker = 2; talker < 5000; ++talker)
      joined.others.push_back({talker, ""});
    CHECK(connection.send(joined, {.channel = voice::room_channel}));
  };
  auto& ann = talk.enter("ann", "den", 0);
  talk.run(200ms);
  CHECK(ann.client->state() == State::ended);
  CHECK(ann.client->others().size() <= voice::Client::most_others);
  CHECK(ann.client->error().message() == "The relay tells of more than 1000 people in the room.");
}

TEST_CASE("what a client keeps of those who are gone has an end, and loses no packet") {
  Conversation talk;
  FalseRelay station(talk);
  tickwire::Connection client;
  station.answer = [&](tickwire::Connection connection) {
    client = connection;
    CHECK(connection.send(voice::RoomJoined{1, {}}, {.channel = voice::room_channel}));
  };
  auto& ann = talk.enter("ann", "den", 0);
  talk.run(50ms);
  constexpr std::uint32_t passers = 1100;
  for (std::uint32_t i = 0; i < passers; ++i) {
    const std::string name = std::to_string(i);
    CHECK(client.send(voice::MemberJoined{{2, name}}, {.channel = voice::room_channel}));
    talk.run(5ms);
    CHECK(client.send(voice::Speech{2, i, {std::byte{1}}}, {.channel = voice::speech_channel}));
    talk.run(5ms);
    CHECK(client.send(voice::MemberLeft{2}, {.channel = voice::room_channel}));
  }
  talk.run(50ms);
  const auto heard = ann.client->heard();
  CHECK(heard.size() == voice::Client::most_others + 1);
  std::uint64_t received = 0;
  for (const auto& each : heard)
    received += each.counters.packets.received;
  CHECK(received == passers);
}

TEST_CASE("after the relay has broken down and come back its clients are in their room again") {
  Conversation talk;
  FrailRelay frail(talk);
  auto& ann = talk.enter("ann", "den", 180, 12.0);
  auto& bob = talk.enter("bob", "den", 0);
  talk.run(2s);
  CHECK(bob.client->others() == std::vector<std::string>{"ann"});
  const auto sent = ann.client->speech_sent();
  CHECK(sent > 80);

  frail.relay.reset();
  talk.run(200ms);
  CHECK(ann.client->state() == State::away);
  CHECK(ann.client->error().code == tickwire::ErrorCode::connection_reset);
  CHECK(bob.client->others().empty());
  talk.run(1s);

  frail.start();
  Stranger spy(talk, "spy", "memory://frail");
  spy.join("den");
  talk.run(6s);
  CHECK(ann.client->state() == State::talking);
  CHECK(bob.client->state() == State::talking);
  auto others = bob.client->others();
  std::sort(others.begin(), others.end());  // who came back first is left to chance
  CHECK(others == std::vector<std::string>{"ann", "spy"});
  CHECK(ann.client->speech_sent() > sent + 100);
  // Time went on while it was away: the numbers do, too.
  REQUIRE_FALSE(spy.heard.empty());
  CHECK(spy.heard.front() > sent + 50);
  REQUIRE(bob.client->heard().size() == 2);
  CHECK(bob.client->heard()[0].name == "ann");
  CHECK(bob.client->heard()[0].counters.packets.received > sent + 100);
}

TEST_CASE("a first call that fails ends a client, and so does a goodbye of the relay") {
  Conversation talk;
  auto& ann = talk.enter("ann", "den", 0);
  talk.url = "memory://nobody";
  auto& bob = talk.enter("bob", "den", 0);
  talk.run(200ms);
  CHECK(bob.client->state() == State::ended);
  CHECK(bob.client->error().code == tickwire::ErrorCode::connection_refused);
  CHECK(ann.client->state() == State::talking);
  talk.relay.close();
  talk.run(200ms);
  CHECK(ann.client->state() == State::ended);
  CHECK(ann.client->error().message() == "the relay is closing");
}

TEST_CASE(
    "what a microphone heard before the room was reached is dropped, and its loss ends a client") {
  Conversation talk;
  auto& bob = talk.enter("bob", "den", 0);
  Microphone microphone;
  auto ann = voice::Client::create(
      {.url = talk.url, .room = "den", .name = "ann", .host = talk.host()}, &microphone, nullptr);
  REQUIRE(ann);
  talk.bystanders.push_back([&] { (*ann)->run_for({}); });
  talk.run(500ms);
  CHECK((*ann)->state() == State::talking);
  CHECK(microphone.drops == 1);
  microphone.lost = tickwire::Error{tickwire::ErrorCode::not_supported, 0, "It is gone."};
  talk.run(200ms);
  CHECK((*ann)->state() == State::ended);
  CHECK((*ann)->error().message() == "It is gone.");
  CHECK(bob.client->others().empty());
}

TEST_CASE("a client that is away can leave at once") {
  Conversation talk;
  FrailRelay frail(talk);
  auto& ann = talk.enter("ann", "den", 0);
  talk.run(200ms);
  frail.relay.reset();
  talk.run(200ms);
  REQUIRE(ann.client->state() == State::away);
  ann.client->leave();
  CHECK(ann.client->state() == State::ended);
}

TEST_CASE("clients whose connections are cut are back in their room at once") {
  Conversation talk;
  auto& ann = talk.enter("ann", "den", 180);
  auto& bob = talk.enter("bob", "den", 0);
  talk.run(500ms);
  talk.network->sever_all();
  talk.run(2s);
  CHECK(ann.client->state() == State::talking);
  CHECK(bob.client->others() == std::vector<std::string>{"ann"});
}

TEST_CASE("a request for a room that cannot be sent ends the client with the reason") {
  Conversation talk;
  const auto& ann = *talk.enter("ann", std::string(voice::max_message_bytes, 'x'), 0).client;
  talk.run(100ms);
  CHECK(ann.state() == State::ended);
  CHECK(ann.error().code == tickwire::ErrorCode::message_too_large);
}
