// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>

#include "client/console.hpp"
#include "conversation.hpp"
#include "stranger.hpp"

using namespace std::chrono_literals;
using voice_test::Conversation;
using voice_test::MemorySink;
using voice_test::Stranger;

namespace {

/// How loud the loudest sample is among those that came after the first ones.
int peak_since(const MemorySink& sink, std::size_t first) {
  int peak = 0;
  for (std::size_t i = first; i < sink.samples.size(); ++i)
    peak = std::max(peak, std::abs(int{sink.samples[i]}));
  return peak;
}

double power_of(const MemorySink& sink, std::size_t from, std::size_t to) {
  double sum = 0.0;
  for (std::size_t i = from; i < to; ++i)
    sum += static_cast<double>(sink.samples[i]) * sink.samples[i];
  return sum / static_cast<double>(to - from);
}

voice::Companion only_companion(const voice::Client& client) {
  const auto all = client.companions();
  REQUIRE(all.size() == 1);
  return all.front();
}

}  // namespace

TEST_CASE("who mutes himself says once that he is silent, and then nothing until he unmutes") {
  Conversation talk;
  auto& ann = talk.enter("ann", "den", 180, 10.0);
  Stranger spy(talk, "spy");
  spy.join("den");
  talk.run(1s);
  REQUIRE(spy.heard.size() > 30);
  CHECK(ann.client->is_speaking());
  const auto sent = ann.client->speech_sent();
  const auto heard = spy.heard.size();
  ann.client->mute();
  CHECK(ann.client->is_muted());
  talk.run(2s);
  CHECK(ann.client->speech_sent() == sent);
  CHECK(spy.heard.size() == heard + 1);
  CHECK(spy.ends == 1);
  CHECK_FALSE(ann.client->is_speaking());
  ann.client->unmute();
  talk.run(1s);
  CHECK(ann.client->speech_sent() >= sent + 45);
  // Time went on while it was silent: the numbers do, too.
  CHECK(spy.heard.back() > spy.heard[heard] + 100);
  CHECK(spy.ends == 1);
}

TEST_CASE("who is deafened hears nothing, is muted, and misses no packet meanwhile") {
  Conversation talk;
  auto& ann = talk.enter("ann", "den", 180, 10.0);
  auto& bob = talk.enter("bob", "den", 240, 10.0);
  talk.run(1s);
  CHECK(peak_since(bob.hears, 0) > 1000);
  const auto sent = bob.client->speech_sent();
  CHECK(bob.client->is_speaking());
  bob.client->deafen();
  CHECK_FALSE(bob.client->is_speaking());
  CHECK(bob.client->is_deafened());
  CHECK(bob.client->is_muted());
  const auto before = bob.hears.samples.size();
  talk.run(2s);
  CHECK(bob.hears.samples.size() >= before + 90 * voice::frame_samples);
  CHECK(peak_since(bob.hears, before) == 0);
  CHECK(bob.client->speech_sent() == sent);
  const auto after = bob.hears.samples.size();
  bob.client->undeafen();
  CHECK_FALSE(bob.client->is_muted());
  talk.run(1s);
  CHECK(peak_since(bob.hears, after) > 1000);
  CHECK(bob.client->speech_sent() > sent + 40);
  REQUIRE(bob.client->heard().size() == 1);
  const auto counters = bob.client->heard()[0].counters;
  CHECK(counters.packets.received > 190);
  CHECK(counters.packets.late + counters.packets.lost == 0);
  CHECK(counters.packets.discarded <= 2);
  CHECK(ann.client->state() == voice::Client::State::talking);
}

TEST_CASE("who was muted before he was deafened is so afterwards; to unmute is to hear again") {
  Conversation talk;
  auto& ann = talk.enter("ann", "den", 0);
  voice::Client& client = *ann.client;
  client.mute();
  client.deafen();
  client.deafen();
  client.undeafen();
  CHECK(client.is_muted());
  CHECK_FALSE(client.is_deafened());
  client.unmute();
  client.deafen();
  client.mute();
  client.undeafen();
  CHECK(client.is_muted());
  client.deafen();
  client.unmute();
  CHECK_FALSE(client.is_deafened());
  CHECK_FALSE(client.is_muted());
  client.undeafen();
  CHECK_FALSE(client.is_muted());
}

TEST_CASE("with push-to-talk only what is said while the key is held is sent") {
  Conversation talk;
  Stranger spy(talk, "spy");
  spy.join("den");
  voice::WavSource source(voice_test::synthetic_speech(1, 180, 10.0));
  auto made = voice::Client::create({.url = talk.url,
                                     .room = "den",
                                     .name = "ann",
                                     .activity = {.microphone = voice::Microphone::push_to_talk},
                                     .host = talk.host()},
                                    &source, nullptr);
  REQUIRE(made);
  voice::Client& ann = **made;
  talk.bystanders.push_back([&] { ann.run_for({}); });
  talk.run(1s);
  CHECK(ann.state() == voice::Client::State::talking);
  CHECK(spy.heard.empty());
  std::ostringstream out;
  voice::Console console(ann, out);
  console.take("");
  talk.run(1s);
  CHECK(spy.heard.size() > 40);
  CHECK(spy.ends == 0);
  console.take("");
  talk.run(1s);
  CHECK(spy.ends == 1);
  const auto sent = ann.speech_sent();
  CHECK(sent < 60);
  console.take("mute");
  console.take("");
  talk.run(1s);
  CHECK(ann.speech_sent() == sent);
  CHECK(out.str() == "you talk\nyou no longer talk\nyou are muted\nyou talk, but are muted\n");
}

TEST_CASE("a talker has the volume that he was given, also after he was gone and came back") {
  Conversation talk;
  auto& bob = talk.enter("bob", "den", 0);
  auto& ann = talk.enter("ann", "den", 180, 30.0);
  talk.run(4s);
  const std::size_t one = bob.hears.samples.size();
  REQUIRE(bob.client->set_volume("ann", 50));
  CHECK(only_companion(*bob.client).volume_percent == 50);
  talk.run(100ms);
  const std::size_t two = bob.hears.samples.size();
  talk.run(4s);
  const double ratio = power_of(bob.hears, two, bob.hears.samples.size()) /
                       power_of(bob.hears, voice::sample_rate_hz / 5, one);
  CHECK(ratio > 0.12);
  CHECK(ratio < 0.5);

  ann.client->leave();
  talk.run(500ms);
  CHECK(bob.client->companions().empty());
  CHECK(bob.client->volume_percent("ann") == 50);
  talk.enter("ann", "den", 0);
  talk.run(500ms);
  CHECK(only_companion(*bob.client).volume_percent == 50);
  talk.network->sever_all();
  talk.run(2s);
  CHECK(only_companion(*bob.client).volume_percent == 50);

  REQUIRE(bob.client->set_volume("ann", 0));
  CHECK(only_companion(*bob.client).volume_percent == 0);
  REQUIRE(bob.client->set_volume("ann", voice::full_volume_percent));
  CHECK(bob.client->volume_percent("ann") == voice::full_volume_percent);
}

TEST_CASE("a volume for nobody, or out of its range, is refused and changes nothing") {
  Conversation talk;
  auto& bob = talk.enter("bob", "den", 0);
  talk.enter("ann", "den", 0);
  talk.run(500ms);
  REQUIRE(bob.client->set_volume("ann", 70));
  for (const int percent : {-1, 201}) {
    const auto set = bob.client->set_volume("ann", percent);
    REQUIRE_FALSE(set);
    CHECK(set.error().message() == "A volume is a whole number from 0 to 200 percent.");
  }
  const auto set = bob.client->set_volume("cleo", 50);
  REQUIRE_FALSE(set);
  CHECK(set.error().message() == "Nobody in the room is called cleo.");
  CHECK(bob.client->volume_percent("ann") == 70);
  CHECK(bob.client->volume_percent("cleo") == voice::full_volume_percent);
}

TEST_CASE(
    "who speaks is known while he does, and an open microphone in a quiet room is no speech") {
  Conversation talk;
  auto& bob = talk.enter("bob", "den", 0);
  talk.enter("ann", "den", 180, 2.0);
  talk.run(200ms);
  bool spoke = false;
  for (int i = 0; i < 15; ++i) {
    talk.run(100ms);
    spoke = spoke || only_companion(*bob.client).is_speaking;
  }
  CHECK(spoke);
  // Its file is over; what follows is silence, which is sent.
  talk.run(1s);
  const auto heard = bob.client->heard()[0].counters.packets.received;
  talk.run(1s);
  CHECK(bob.client->heard()[0].counters.packets.received > heard + 40);
  CHECK_FALSE(only_companion(*bob.client).is_speaking);
  // It is what was said that counts, not how loud it is played.
  talk.enter("cleo", "den", 240, 2.0);
  talk.run(100ms);
  bob.client->deafen();
  spoke = false;
  for (int i = 0; i < 15; ++i) {
    talk.run(100ms);
    for (const auto& each : bob.client->companions())
      spoke = spoke || (each.name == "cleo" && each.is_speaking);
  }
  CHECK(spoke);
}
