// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <optional>
#include <string>

#include "test/support/host_pair.hpp"

/// One message for many.
using namespace tickwire;
using namespace std::chrono_literals;
using test::HostPair;
using test::LoggedHost;

namespace {

/// A server with three guests, one host each.
struct Party {
  explicit Party(const test::Scheme& scheme) : pair(scheme) {
    for (int i = 0; i < 3; ++i) {
      LoggedHost& guest = i == 0 ? pair.client : pair.add();
      callers.push_back(pair.connect(guest));
      callees.push_back(pair.server.log.last(EventType::connected).connection);
      guests.push_back(&guest);
    }
  }

  [[nodiscard]] std::size_t heard() const {
    std::size_t sum = 0;
    for (const LoggedHost* guest : guests)
      sum += guest->log.messages();
    return sum;
  }

  HostPair pair;
  std::vector<LoggedHost*> guests;
  std::vector<Connection> callers;
  std::vector<Connection> callees;
};

/// The next received message of a host.
Event next_message(HostPair& pair, LoggedHost& host) {
  std::optional<Event> found;
  host.awake = false;
  REQUIRE(pair.until([&] {
    while (auto event = host->poll()) {
      const bool message =
          event->type == EventType::object_received || event->type == EventType::data_received;
      if (message && !found) {
        found = std::move(event);
      } else {
        host.log.add(*event);
      }
    }
    return found.has_value();
  }));
  host.awake = true;
  return *std::move(found);
}

}  // namespace

CONTRACT_CASE("a broadcast reaches everybody but the one who is left out") {
  Party party(scheme);
  BroadcastOptions options;
  options.except = party.callees[1];
  const BroadcastResult result = test::broadcast_text(*party.pair.server, "to all", options);
  CHECK(result.id != 0);
  CHECK(result.queued == 2);
  CHECK(result.refused == 0);
  REQUIRE(party.pair.until([&] { return party.heard() == 2; }));
  party.pair.run(50ms);
  CHECK(party.guests[0]->log.texts() == std::vector<std::string>{"to all"});
  CHECK(party.guests[1]->log.texts().empty());
  CHECK(party.guests[2]->log.texts() == std::vector<std::string>{"to all"});
  CHECK(party.pair.server.log.count(EventType::data_sent) == 2);
  for (const test::Told& told : party.pair.server.log.all()) {
    if (told.type == EventType::data_sent) CHECK(told.id == result.id);
  }
}

CONTRACT_CASE("a broadcast to nobody has no id") {
  HostPair pair(scheme);
  const BroadcastResult result = test::broadcast_text(*pair.server, "anybody?");
  CHECK(result.id == 0);
  CHECK(result.queued == 0);
  CHECK(result.refused == 0);
}

CONTRACT_CASE("a large broadcast arrives everywhere, from one copy") {
  Party party(scheme);
  const std::string large = test::pattern(300'000);
  const BroadcastResult result = test::broadcast_text(*party.pair.server, large);
  CHECK(result.queued == 3);
  REQUIRE(party.pair.until([&] { return party.heard() == 3; }));
  for (const LoggedHost* guest : party.guests)
    CHECK((guest->log.texts().front() == large));
}

CONTRACT_CASE("send_to reaches those who are named and counts those who are gone") {
  Party party(scheme);
  CHECK(party.callees[2].close() == ErrorCode::none);
  const Connection targets[] = {party.callees[0], party.callees[2], Connection()};
  const BroadcastResult result = test::send_text_to(*party.pair.server, targets, "some");
  CHECK(result.queued == 1);
  CHECK(result.refused == 2);
  REQUIRE(party.pair.until([&] { return party.heard() == 1; }));
  CHECK(party.guests[0]->log.texts() == std::vector<std::string>{"some"});
}

CONTRACT_CASE("a received message is sent on under its type, with its metadata") {
  Party party(scheme);
  for (const std::size_t size : {0u, 20u, 1000u, 5000u, 400'000u}) {
    CAPTURE(size);
    for (LoggedHost* guest : party.guests)
      guest->log.clear();
    const std::string text = test::pattern(size);
    SendOptions options;
    options.metadata = {{"from", "zero"}};
    REQUIRE(test::send_text(party.callers[0], text, options));
    const Event event = next_message(party.pair, party.pair.server);
    const Connection targets[] = {party.callees[1], party.callees[2]};
    const BroadcastResult result = party.pair.server->forward(event, targets);
    CHECK(result.queued == 2);
    REQUIRE(party.pair.until([&] { return party.heard() == 2; }));
    for (const std::size_t i : {1u, 2u}) {
      const test::Told& told = party.guests[i]->log.last(EventType::object_received);
      CHECK((told.text == text));
      CHECK(told.type_id == event.type_id);
      CHECK(told.metadata == options.metadata);
    }
  }
}

CONTRACT_CASE("bytes are sent on as bytes, and metadata of the forwarder's own replaces the old") {
  Party party(scheme);
  SendOptions options;
  options.metadata = {{"a", 1}};
  const std::string text = test::pattern(2000);
  REQUIRE(party.callers[0].send_bytes(std::as_bytes(std::span(text)), options));
  const Event event = next_message(party.pair, party.pair.server);
  SendOptions own = test::on_channel(4);
  own.metadata = {{"b", 2}};
  const Connection targets[] = {party.callees[1]};
  CHECK(party.pair.server->forward(event, targets, own).queued == 1);
  REQUIRE(party.pair.until([&] { return party.heard() == 1; }));
  const test::Told& told = party.guests[1]->log.last(EventType::data_received);
  CHECK((told.text == text));
  CHECK(told.metadata == own.metadata);
  CHECK(told.channel == 4);
}

CONTRACT_CASE("a message can be sent on long after it came, also by another host") {
  Party party(scheme);
  const std::string text = test::pattern(50'000);
  REQUIRE(test::send_text(party.callers[0], text));
  const Event event = next_message(party.pair, party.pair.server);
  CHECK(party.callers[0].close() == ErrorCode::none);
  party.pair.run(100ms);
  const Connection back[] = {party.callers[1]};
  CHECK((*party.guests[1])->forward(event, back).queued == 1);
  REQUIRE(party.pair.until([&] { return party.pair.server.log.messages() == 1; }));
  CHECK((party.pair.server.log.texts().front() == text));
}

CONTRACT_CASE("an event that is no message cannot be sent on") {
  Party party(scheme);
  Event event;
  event.type = EventType::connected;
  const Connection targets[] = {party.callees[0]};
  const BroadcastResult result = party.pair.server->forward(event, targets);
  CHECK(result.queued == 0);
  CHECK(result.refused == 1);
}
