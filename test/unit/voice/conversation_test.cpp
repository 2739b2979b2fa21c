// SPDX-License-Identifier: MIT
#include <sstream>

#include <doctest/doctest.h>

#include <tickwire/codec.hpp>

#include "check/output.hpp"
#include "client/report.hpp"
#include "conversation.hpp"
#include "protocol.hpp"
#include "sound_folder.hpp"

using namespace std::chrono_literals;
using voice_test::clarity;
using voice_test::Conversation;
using voice_test::heard;
using State = voice::Client::State;

TEST_CASE("a listener hears the one who talks, clearly, and the talker does not hear himself") {
  Conversation talk;
  auto& ann = talk.enter("ann", "den", 180);
  auto& bob = talk.enter("bob", "den", 0);
  talk.run(5s);
  CHECK(clarity(ann, bob) >= 0.7);
  CHECK_FALSE(heard(ann, ann));
  CHECK(ann.client->speech_sent() > 190);
  REQUIRE(bob.client->heard().size() == 1);
  CHECK(bob.client->heard()[0].name == "ann");
  CHECK(bob.client->heard()[0].counters.concealed == 0);
}

TEST_CASE("in a mix of three each talker is found by all others, and by nobody in another room") {
  Conversation talk;
  auto& ann = talk.enter("ann", "den", 110);
  auto& bob = talk.enter("bob", "den", 170);
  auto& cleo = talk.enter("cleo", "den", 240);
  auto& dora = talk.enter("dora", "den", 0);
  auto& eve = talk.enter("eve", "attic", 0);
  talk.run(5s);
  for (const auto* talker : {&ann, &bob, &cleo}) {
    CHECK(heard(*talker, dora));
    CHECK_FALSE(heard(*talker, *talker));
  }
  CHECK(heard(ann, bob));
  CHECK(eve.client->heard().empty());
  CHECK(dora.client->others() == std::vector<std::string>{"ann", "bob", "cleo"});
}

TEST_CASE("with 5 % of datagrams lost the speech is still found, and the loss is counted") {
  Conversation talk({.delay = 20ms, .jitter = 5ms, .loss_ratio = 0.05});
  auto& ann = talk.enter("ann", "den", 180);
  auto& bob = talk.enter("bob", "den", 0);
  talk.run(5s);
  CHECK(heard(ann, bob));
  REQUIRE(bob.client->heard().size() == 1);
  const auto counters = bob.client->heard()[0].counters;
  CHECK(counters.packets.lost + counters.packets.late > 5);
  CHECK(counters.concealed > 5);
}

TEST_CASE("what a listener throws away after a standstill shows in his report and in the table") {
  Conversation talk;
  auto& ann = talk.enter("ann", "den", 180);
  auto& bob = talk.enter("bob", "den", 0);
  talk.run(1s);
  for (int i = 0; i < 200; ++i) {
    talk.clock.advance(5ms);
    ann.client->run_for({});
    talk.relay.run_for({});
  }
  talk.run(500ms);
  REQUIRE(bob.client->heard().size() == 1);
  const auto discarded = bob.client->heard()[0].counters.packets.discarded;
  CHECK(discarded > 20);

  const voice_test::SoundFolder folder;
  voice::ClientConfig config;
  config.name = "bob";
  const std::string json = voice::report_json(*bob.client, config, {});
  const auto report = voice::read_report(folder.write("bob.json", json));
  REQUIRE(report);
  CHECK(report->packets.discarded == discarded);
  REQUIRE(report->talkers.size() == 1);
  CHECK(report->talkers[0].discarded == discarded);

  voice::Findings findings;
  findings.clients.push_back({*report, {}, {}});
  std::ostringstream table;
  voice::print_findings(findings, table);
  CHECK(table.str().find("discarded") != std::string::npos);
  CHECK(table.str().find(" " + std::to_string(discarded) + " ") != std::string::npos);
}

TEST_CASE("a room name that is too long is refused with a sentence, and the relay goes on") {
  Conversation talk;
  auto& ann = talk.enter("ann", std::string(10'000, 'x'), 0);
  auto& bob = talk.enter("bob", "den", 0);
  talk.run(200ms);
  CHECK(ann.client->state() == State::ended);
  CHECK(ann.client->error().message() == "the room's name is longer than 64 bytes");
  CHECK(bob.client->state() == State::talking);
  CHECK(talk.relay.counters().joins_refused == 1);
}

TEST_CASE("a client of another application version is told both versions") {
  Conversation talk;
  auto config = talk.host();
  config.application = "tickwire-voice/2";
  tickwire::Host stranger(config);
  const auto connection = stranger.connect("memory://relay");
  REQUIRE(connection);
  std::string said;
  for (int i = 0; i < 20; ++i) {
    talk.run(5ms);
    while (auto event = stranger.poll())
      said = event->error.message();
  }
  CHECK(said.find("'tickwire-voice/1'") != std::string::npos);
  CHECK(said.find("'tickwire-voice/2'") != std::string::npos);
}

TEST_CASE("a client that is gone in the middle of a word leaves the room, and the others talk on") {
  Conversation talk;
  auto& ann = talk.enter("ann", "den", 180);
  auto& bob = talk.enter("bob", "den", 240);
  auto& cleo = talk.enter("cleo", "den", 0);
  talk.run(1s);
  ann.client.reset();
  talk.run(4s);
  CHECK(cleo.client->others() == std::vector<std::string>{"bob"});
  CHECK(heard(bob, cleo));
  REQUIRE(cleo.client->heard().size() == 2);
  CHECK(cleo.client->heard()[0].name == "ann");
}

TEST_CASE("a leaving client says goodbye, and its room is gone with the last") {
  Conversation talk;
  auto& ann = talk.enter("ann", "den", 180);
  talk.run(500ms);
  CHECK(talk.relay.rooms() == 1);
  ann.client->leave();
  talk.run(500ms);
  CHECK(ann.client->state() == State::ended);
  CHECK(ann.client->error().code == tickwire::ErrorCode::closed_locally);
  CHECK(talk.relay.rooms() == 0);
}

TEST_CASE("speech in another's name, without a room, or too much of it is not passed on") {
  Conversation talk;
  auto& bob = talk.enter("bob", "den", 0);
  auto config = talk.host();
  config.application = voice::application;
  config.channels = voice::channels();
  config.limits.max_message_bytes = 64 * 1024;
  tickwire::Host forger(config);
  const auto connection = forger.connect("memory://relay", {.name = "mallory"});
  REQUIRE(connection);
  const auto settle = [&] {
    for (int i = 0; i < 20; ++i) {
      talk.run(5ms);
      while (auto event = forger.poll())
        static_cast<void>(event);
    }
  };
  const auto speak = [&](std::uint16_t talker) {
    CHECK(connection->send(voice::Speech{talker, 1, {std::byte{1}}},
                           {.channel = voice::speech_channel}));
  };
  settle();
  speak(1);
  settle();
  CHECK(talk.relay.counters().speech_refused == 1);

  CHECK(connection->send(voice::JoinRoom{"den"}, {.channel = voice::room_channel}));
  settle();
  REQUIRE(bob.client->others() == std::vector<std::string>{"mallory"});
  speak(1);  // bob's own number
  settle();
  CHECK(talk.relay.counters().speech_refused == 2);
  for (int i = 0; i < 200; ++i)
    speak(2);
  settle();
  CHECK(talk.relay.counters().speech_forwarded >= 50);
  CHECK(talk.relay.counters().speech_forwarded < 100);
  CHECK(bob.client->state() == State::talking);
}
