// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <tickwire/codec.hpp>
#include <tickwire/testing.hpp>
#include <vector>

#include "demos/arena/bot.hpp"
#include "demos/arena/client.hpp"
#include "demos/arena/server.hpp"

using namespace std::chrono_literals;
using arena::Client;
using arena::Input;
using arena::View;
using State = Client::State;

namespace {

// A round trip of 100 ms, and one datagram of twenty lost.
const tickwire::NetworkConditions far_away{.delay = 48ms, .jitter = 4ms, .loss_ratio = 0.05};

/// A server, its clients and the network between them, under one clock.
class Game {
 public:
  explicit Game(const tickwire::NetworkConditions& conditions = far_away)
      : network_(std::make_shared<tickwire::MemoryNetwork>(11, conditions)),
        server_({.place_kept = 3s, .host = here()}) {
    REQUIRE(server_.listen("memory://arena"));
  }

  Client& enter(const std::string& name, std::function<Input(const View&)> keys) {
    auto client = Client::create(
        {.url = "memory://arena", .name = name, .keys = std::move(keys), .host = here()});
    REQUIRE(client);
    clients_.push_back(*std::move(client));
    return *clients_.back();
  }

  /// A host of no client of ours.
  std::unique_ptr<tickwire::Host> stranger() const {
    return std::make_unique<tickwire::Host>(arena::common_config(here()));
  }

  /// Lets time pass, a frame after the other; `look` is called with each.
  void run(
      tickwire::Duration time, const std::function<void()>& look = [] {}) {
    constexpr tickwire::Duration frame = tickwire::Duration(1s) / 120;
    for (tickwire::Duration passed{}; passed < time; passed += frame) {
      clock_.advance(frame);
      server_.run_for({});
      for (const auto& client : clients_)
        client->run_for({});
      look();
    }
  }

  [[nodiscard]] arena::Server& server() noexcept { return server_; }
  [[nodiscard]] tickwire::MemoryNetwork& network() noexcept { return *network_; }

 private:
  [[nodiscard]] tickwire::HostConfig here() const {
    tickwire::HostConfig config;
    config.clock = &clock_;
    config.memory_network = network_;
    config.log.level = tickwire::LogLevel::off;
    return config;
  }

  tickwire::ManualClock clock_;
  std::shared_ptr<tickwire::MemoryNetwork> network_;
  arena::Server server_;
  std::vector<std::unique_ptr<Client>> clients_;
};

// Up and down at one side of the box, where nobody else is.
std::function<Input(const View&)> patrol(Input side) {
  return [side, tick = 0](const View&) mutable {
    ++tick;
    const Input way = tick / 50 % 2 == 0 ? arena::key_up : arena::key_down;
    return static_cast<Input>(tick < 120 ? side : side | way);
  };
}

const arena::Body& body_of(const arena::Server& server, const std::string& name, const View& view) {
  const auto disk = std::ranges::find(view.disks, name, &View::Disk::name);
  REQUIRE(disk != view.disks.end());
  const auto player = std::ranges::find(server.world().players, disk->id, &arena::Player::id);
  REQUIRE(player != server.world().players.end());
  return player->body;
}

}  // namespace

TEST_CASE("over a bad network the own player is never corrected, and others move smoothly") {
  Game game;
  Client& ann = game.enter("ann", patrol(arena::key_left));
  game.enter("bob", patrol(arena::key_right));
  game.run(4s);
  REQUIRE(ann.state() == State::playing);
  float longest_step = 0;
  std::optional<arena::Vec> last;
  game.run(30s, [&] {
    for (const View::Disk& disk : ann.view().disks) {
      if (disk.name != "bob") continue;
      if (last) longest_step = std::max(longest_step, length(disk.position - *last));
      last = disk.position;
    }
  });
  const auto figures = ann.figures();
  CHECK(figures.snapshots.lost > 10);
  CHECK(figures.snapshots.lost < 150);
  CHECK(figures.snapshots.starved <= 3);
  CHECK(game.server().counters().inputs.missing == 0);
  CHECK(figures.corrections.count == 0);
  // A player runs 6 pixels a tick, which is two of these frames.
  CHECK(longest_step > 2);
  CHECK(longest_step < 9);
  CHECK(figures.connection.rtt > 90ms);
  CHECK(figures.connection.rtt < 140ms);
}

TEST_CASE("what others do to a player corrects it, rarely and by little, and both ends agree") {
  Game game;
  Client& ann = game.enter("ann", arena::play);
  Client& bob = game.enter("bob", arena::play);
  game.run(30s);
  for (Client* const client : {&ann, &bob}) {
    const auto corrections = client->figures().corrections;
    CHECK(corrections.count > 0);
    CHECK(corrections.count < 60);
    CHECK(corrections.sum / static_cast<double>(corrections.count) < 80);
  }
  std::uint32_t points = 0;
  for (const View::Disk& disk : ann.view().disks)
    points += disk.score;
  CHECK(points >= 15);
}

TEST_CASE("who stops keys is where the server says") {
  Game game;
  bool is_running = true;
  Client& ann = game.enter(
      "ann", [&](const View& view) { return is_running ? arena::play(view) : Input{0}; });
  game.enter("bob", arena::play);
  game.run(5s);
  is_running = false;
  game.enter("cleo", arena::play);
  game.run(3s);
  const arena::Body& server = body_of(game.server(), "ann", ann.view());
  CHECK(length(server.velocity) < 1);
  CHECK(length(server.position - ann.prediction().shown()) < 1);
  CHECK(ann.view().disks.size() == 3);
}

TEST_CASE("who comes late is told how things stand") {
  Game game;
  game.enter("ann", arena::play);
  game.run(6s);
  Client& late = game.enter("bob", [](const View&) { return Input{0}; });
  game.run(500ms);
  const View& view = late.view();
  REQUIRE(view.disks.size() == 2);
  CHECK(view.crown == view.disks[0].id);
  CHECK(view.disks[0].name == "ann");
  CHECK(view.disks[0].score >= 4);
}

TEST_CASE("who loses the connection is back at the same place, with its points") {
  Game game;
  Client& ann = game.enter("ann", arena::play);
  game.run(6s);
  const View::Disk before = *ann.view().find(ann.view().own);
  REQUIRE(before.score >= 4);
  game.network().sever_all();
  game.run(100ms);
  CHECK(ann.state() == State::away);
  game.run(2s);
  CHECK(ann.state() == State::playing);
  const View::Disk after = *ann.view().find(ann.view().own);
  CHECK(after.id == before.id);
  CHECK(after.score >= before.score);
  CHECK(ann.figures().returns == 1);
  CHECK(game.server().counters().joins_resumed == 1);
  game.run(2s);
  CHECK(ann.prediction().corrections().count < 5);
}

TEST_CASE("a place is kept for a while, and a goodbye gives it up at once") {
  Game game;
  Client& ann = game.enter("ann", arena::play);
  Client& bob = game.enter("bob", arena::play);
  game.run(1s);
  CHECK(game.server().world().players.size() == 2);
  bob.leave();
  game.run(500ms);
  CHECK(bob.state() == State::ended);
  CHECK(game.server().world().players.size() == 1);
  game.network().drop_everything(30s);
  game.run(6s);
  CHECK(ann.state() == State::away);
  CHECK(game.server().world().players.size() == 1);
  game.run(10s);
  CHECK(game.server().world().players.empty());
}

TEST_CASE("names that nobody can read, and names that are taken, stay outside") {
  Game game;
  const auto still = [](const View&) { return Input{0}; };
  game.enter("ann", still);
  game.run(500ms);
  for (const auto& [name, reason] :
       {std::pair("", "You need a name"), std::pair("a\u200b", "control or invisible characters"),
        std::pair("a name of twenty-five byt", "24 bytes at most"),
        std::pair("ann", "somebody called ann plays")}) {
    Client& other = game.enter(name, still);
    game.run(1s);
    CHECK(other.state() == State::ended);
    CHECK(other.error().message().find(reason) != std::string::npos);
  }
}

TEST_CASE("nonsense moves nobody, is counted, and too much of anything is dropped") {
  Game game({.delay = 10ms});
  Client& witness = game.enter("ann", [](const View&) { return Input{0}; });
  auto host = game.stranger();
  const auto connection = host->connect("memory://arena", {.name = "mallory"});
  REQUIRE(connection);
  const auto pump = [&] {
    while (auto event = host->poll())
      if (event->type == tickwire::EventType::connected) event->connection.send(arena::Join{5});
  };
  game.run(1s, pump);
  const arena::Body before = body_of(game.server(), "mallory", witness.view());

  CHECK(connection->send(arena::Inputs{9, {255}}, arena::state_options));
  CHECK(connection->send(arena::Inputs{0xffffffff, {}}, {.channel = arena::state_channel}));
  CHECK(connection->send(arena::Left{1}));
  CHECK(connection->send(std::string("hello")));
  CHECK(connection->send_bytes(std::vector<std::byte>(100)));
  game.run(1s, pump);
  CHECK(game.server().counters().packets_malformed >= 4);
  CHECK(body_of(game.server(), "mallory", witness.view()) == before);
  CHECK(witness.view().disks.size() == 2);

  for (std::uint32_t number = 1; number <= 500; ++number)
    connection->send(arena::Inputs{number, {arena::key_right}},
                     {.delivery = tickwire::Delivery::reliable, .channel = arena::state_channel});
  game.run(1s, pump);
  const auto counters = game.server().counters();
  CHECK(counters.packets_too_many > 300);
  CHECK(counters.inputs.taken - witness.figures().ticks <= 70);
}

TEST_CASE("a caller that asks for no place is sent away") {
  Game game;
  auto host = game.stranger();
  REQUIRE(host->connect("memory://arena", {.name = "mallory"}));
  bool is_gone = false;
  game.run(8s, [&] {
    while (auto event = host->poll())
      if (event->type == tickwire::EventType::disconnected) is_gone = true;
  });
  CHECK(is_gone);
}
