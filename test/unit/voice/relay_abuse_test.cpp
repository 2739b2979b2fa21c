// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <deque>

#include "conversation.hpp"
#include "stranger.hpp"

#ifdef __linux__
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#endif

using namespace std::chrono_literals;
using voice_test::Conversation;
using voice_test::Stranger;

TEST_CASE("who asks again and again for the room where he is makes no traffic") {
  Conversation talk;
  Stranger bob(talk, "bob");
  bob.join("den");
  Stranger ann(talk, "ann");
  for (int i = 0; i < 5000; ++i)
    ann.join("den");
  talk.run(500ms);
  CHECK(ann.times_let_in == 1);
  CHECK(bob.news == 1);
  CHECK(talk.relay.counters().joins_ignored == 4999);
  CHECK_FALSE(ann.is_gone);
}

TEST_CASE("who runs from room to room is sent away, who walks is not") {
  Conversation talk;
  Stranger runner(talk, "ann");
  Stranger walker(talk, "bob");
  for (int i = 0; i < 1000; ++i)
    runner.join(i % 2 == 0 ? "den" : "attic");
  for (int i = 0; i < 10; ++i) {
    walker.join(i % 2 == 0 ? "den" : "attic");
    talk.run(600ms);
  }
  CHECK(runner.is_gone);
  CHECK(runner.why == "that is too much going in and out");
  CHECK(runner.times_let_in == 5);
  CHECK(talk.relay.counters().joins_refused == 1);
  CHECK_FALSE(walker.is_gone);
  CHECK(walker.times_let_in == 10);
  CHECK(talk.relay.rooms() == 1);
}

TEST_CASE("who goes into no room is sent away after ten seconds, who is in one stays") {
  Conversation talk;
  Stranger ann(talk, "ann");
  Stranger bob(talk, "bob");
  bob.join("den");
  talk.run(9s);
  CHECK_FALSE(ann.is_gone);
  talk.run(2s);
  CHECK(ann.is_gone);
  CHECK(ann.why == "you went into no room");
  CHECK_FALSE(bob.is_gone);
  CHECK(talk.relay.counters().loiterers == 1);
}

TEST_CASE("one address has so many connections, and no more") {
  Conversation talk({}, {.max_clients_per_address = 2});
  const auto bound = talk.relay.listen("tcp://127.0.0.1:0");
  REQUIRE(bound);
  std::deque<Stranger> callers;
  for (const char* name : {"ann", "bob", "cleo"})
    callers.emplace_back(talk, name, bound->to_string());
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (!callers[2].is_gone && std::chrono::steady_clock::now() < end)
    talk.run(5ms);
  CHECK(callers[2].why.find("too many connections of this address") != std::string::npos);
  CHECK_FALSE(callers[0].is_gone);
  CHECK_FALSE(callers[1].is_gone);
}

TEST_CASE("a name that is empty, cannot be seen or is taken is refused, with a reason") {
  Conversation talk;
  Stranger ann(talk, "ann");
  ann.join("den");
  Stranger nobody(talk, "");
  nobody.join("den");
  Stranger unseen(talk, "bob\u200b");
  unseen.join("den");
  Stranger room(talk, "bob");
  room.join("den\x1b[2J");
  Stranger blank(talk, "ann ");
  blank.join("den");
  Stranger second_ann(talk, "ann");
  second_ann.join("den");
  Stranger elsewhere(talk, "ann");
  elsewhere.join("attic");
  talk.run(200ms);
  CHECK(nobody.why == "you need a name that the others can see");
  CHECK(unseen.why == "your name has control or invisible characters or is no UTF-8");
  CHECK(room.why == "the room's name has control or invisible characters or is no UTF-8");
  CHECK(blank.why == "your name begins or ends with a blank");
  CHECK(second_ann.why.find("somebody called ann is in the room; take another name") == 0);
  CHECK_FALSE(ann.is_gone);
  CHECK(ann.news == 0);
  CHECK_FALSE(elsewhere.is_gone);
  CHECK(talk.relay.counters().joins_refused == 5);
}

TEST_CASE("who comes back with the secret of his seat takes the place of his old connection") {
  Conversation talk;
  Stranger ann(talk, "ann");
  ann.join("den", 7);
  Stranger bob(talk, "bob");
  bob.join("den", 8);
  talk.run(50ms);
  Stranger back(talk, "ann");
  back.join("den", 7);
  talk.run(200ms);
  CHECK(back.times_let_in == 1);
  CHECK(ann.is_gone);
  CHECK(ann.why == "you came back over another connection");
  CHECK(bob.news == 2);
  Stranger thief(talk, "bob");
  thief.join("den", 7);
  talk.run(200ms);
  CHECK(thief.is_gone);
  CHECK_FALSE(bob.is_gone);
}

// What one message cannot say, nobody is let in for: he would be heard and hear nobody.
TEST_CASE("a room whose members cannot all be told in one message is full") {
  Conversation talk(
      {}, {.max_clients = 2000, .max_clients_per_address = 2000, .max_room_members = 2000});
  tickwire::HostConfig config = voice_test::protocol_host(talk);
  config.limits.max_connections = 2000;
  config.events = tickwire::EventMask::none();
  tickwire::Host crowd(config);
  std::vector<tickwire::Connection> members;
  const auto drain = [&] {
    while (crowd.poll()) {
    }
  };
  talk.bystanders.emplace_back(drain);
  for (int i = 0; i < 1000; ++i) {
    std::string name = std::to_string(i);
    name.resize(voice::max_name_bytes, 'x');
    const auto member = crowd.connect("memory://relay", {.name = name});
    REQUIRE(member);
    members.push_back(*member);
  }
  talk.run(50ms);
  for (const tickwire::Connection& member : members)
    CHECK(member.send(voice::JoinRoom{"den"}, {.channel = voice::room_channel}));
  talk.run(50ms);
  const auto refused = talk.relay.counters().joins_refused;
  CHECK(refused > 0);
  CHECK(refused < 1000 - voice::most_room_members);
  talk.run(2500ms);
  CHECK(crowd.connections().size() == 1000 - refused);
}

#ifdef __linux__

// Spoils the socket that listens at a port, as nobody but the system can.
void spoil_listener(std::uint16_t port) {
  for (int descriptor = 3; descriptor < 1024; ++descriptor) {
    sockaddr_in address{};
    socklen_t bytes = sizeof address;
    int listens = 0;
    socklen_t listens_bytes = sizeof listens;
    if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &bytes) == 0 &&
        address.sin_family == AF_INET && ntohs(address.sin_port) == port &&
        getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &listens_bytes) == 0 &&
        listens == 1) {
      shutdown(descriptor, SHUT_RDWR);
    }
  }
}

TEST_CASE("a relay that listens no longer says so") {
  Conversation talk;
  const auto bound = talk.relay.listen("tcp://127.0.0.1:0");
  REQUIRE(bound);
  talk.run(50ms);
  CHECK_FALSE(talk.relay.failure());
  spoil_listener(bound->port);
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (!talk.relay.failure() && std::chrono::steady_clock::now() < end)
    talk.run(5ms);
  REQUIRE(talk.relay.failure());
  CHECK(talk.relay.failure()->message().find(bound->to_string()) != std::string::npos);
}

#endif
