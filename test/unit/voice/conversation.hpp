// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <tickwire/testing.hpp>

#include "audio/correlate.hpp"
#include "client/client.hpp"
#include "relay/relay.hpp"
#include "synthetic_speech.hpp"

namespace voice_test {

/// Keeps what a client hears.
class MemorySink final : public voice::SoundSink {
 public:
  tickwire::Result<void> push(const voice::Frame& frame) override {
    samples.insert(samples.end(), frame.begin(), frame.end());
    return {};
  }
  tickwire::Result<void> close() override { return {}; }

  voice::Samples samples;
};

/// One person of a conversation.
struct Person {
  voice::Samples says;
  std::unique_ptr<voice::WavSource> source;
  MemorySink hears;
  std::unique_ptr<voice::Client> client;
};

/// A relay and its clients on a simulated network and a clock of their own: ten seconds of talk in
/// a moment.
class Conversation {
 public:
  explicit Conversation(const tickwire::NetworkConditions& conditions = {},
                        voice::RelayConfig config = {})
      : network(std::make_shared<tickwire::MemoryNetwork>(7, conditions)),
        relay(here(std::move(config))) {
    REQUIRE(relay.listen("memory://relay"));
  }

  tickwire::HostConfig host() {
    tickwire::HostConfig config;
    config.clock = &clock;
    config.memory_network = network;
    return config;
  }

  /// A relay's settings, for this network and clock.
  voice::RelayConfig here(voice::RelayConfig config) {
    config.host = host();
    return config;
  }

  /// Comes in; with a pitch of 0 it has nothing to say.
  Person& enter(const std::string& name, const std::string& room, double pitch_hz,
                double seconds = 4.0) {
    people.push_back(std::make_unique<Person>());
    Person& person = *people.back();
    if (pitch_hz > 0) {
      person.says = synthetic_speech(static_cast<unsigned>(people.size()), pitch_hz, seconds);
      person.source = std::make_unique<voice::WavSource>(person.says);
    }
    auto client = voice::Client::create({.url = url, .room = room, .name = name, .host = host()},
                                        person.source.get(), &person.hears);
    REQUIRE(client);
    person.client = *std::move(client);
    return person;
  }

  void run(std::chrono::milliseconds duration) {
    for (std::chrono::milliseconds past{0}; past < duration; past += std::chrono::milliseconds(5)) {
      clock.advance(std::chrono::milliseconds(5));
      for (const auto& person : people) {
        if (person->client) person->client->run_for({});
      }
      relay.run_for({});
      for (const auto& bystander : bystanders)
        bystander();
      for (const auto& person : people) {
        if (person->client) person->client->run_for({});
      }
    }
  }

  tickwire::ManualClock clock;
  std::shared_ptr<tickwire::MemoryNetwork> network;
  voice::Relay relay;
  std::string url = "memory://relay";  ///< whom the next who enters calls
  /// Called in each step, for what else is on the network.
  std::vector<std::function<void()>> bystanders;
  std::vector<std::unique_ptr<Person>> people;
};

/// How well `listener` heard `talker`, when nobody else talked.
inline double clarity(const Person& talker, const Person& listener) {
  return voice::align(voice::to_band(talker.says), voice::to_band(listener.hears.samples))
      .correlation;
}

inline bool heard(const Person& talker, const Person& listener) {
  return voice::find_in_mix(voice::to_band(talker.says), voice::to_band(listener.hears.samples))
      .found();
}

}  // namespace voice_test
