// SPDX-License-Identifier: MIT
#include "demos/arena/client.hpp"

#include <tickwire/codec.hpp>

#include "demos/shared/secret.hpp"

namespace arena {
namespace {

tickwire::HostConfig host_config(const ClientConfig& config) {
  tickwire::HostConfig host = common_config(config.host);
  host.limits.max_connections = 1;
  return host;
}

// For a router to start anew: the server keeps the place for some seconds. A first call that fails
// is to be told at once.
const tickwire::ReconnectPolicy patience{.max_attempts = 60,
                                         .retry_first_call = false,
                                         .first_delay = std::chrono::milliseconds(250),
                                         .max_delay = std::chrono::seconds(2)};

}  // namespace

tickwire::Result<std::unique_ptr<Client>> Client::create(ClientConfig config) {
  std::unique_ptr<Client> client(new Client(std::move(config)));
  const auto connection = client->host_.connect(
      client->config_.url, {.name = client->config_.name, .reconnect = patience});
  if (!connection) return connection.error();
  client->connection_ = *connection;
  return client;
}

Client::Client(ClientConfig config)
    : config_(std::move(config)), host_(host_config(config_)), seat_(demo::random_secret()) {
  host_.on_update([this](const tickwire::Tick&) { tick(); });
}

void Client::run_for(tickwire::Duration timeout) {
  for (auto event = host_.wait_for(timeout); event; event = host_.poll())
    handle(*event);
}

void Client::leave() {
  if (state_ == State::away) return end({tickwire::ErrorCode::closed_locally, 0, {}});
  connection_.close("goodbye");
}

void Client::handle(const tickwire::Event& event) {
  if (state_ == State::ended) return;
  switch (event.type) {
    case tickwire::EventType::connected:
      ask_for_place(event.connection);
      break;
    case tickwire::EventType::object_received:
      handle_object(event);
      break;
    case tickwire::EventType::disconnected:
      lose(event);
      break;
    case tickwire::EventType::error:
      end(event.error);
      break;
    default:
      break;
  }
}

void Client::ask_for_place(tickwire::Connection connection) {
  connection_ = connection;
  if (state_ == State::connecting) state_ = State::joining;
  asked_at_ = host_.now();
  connection_.send(Join{seat_}, {.channel = news_channel});
}

void Client::handle_object(const tickwire::Event& event) {
  if (event.is<Snapshot>()) {
    if (state_ == State::playing && event.read(incoming_) == tickwire::ErrorCode::none) {
      take(incoming_);
    }
  } else if (const auto welcome = event.as<Welcome>()) {
    enter(*welcome);
  } else if (const auto joined = event.as<Joined>()) {
    members_[joined->member.id] = joined->member;
    tell(joined->member.name + " plays");
  } else if (const auto left = event.as<Left>()) {
    tell(name_of(left->id) + " is gone");
    members_.erase(left->id);
  } else if (const auto taken = event.as<CrownTaken>()) {
    tell(name_of(taken->by) + " takes the crown");
  } else if (const auto scored = event.as<Scored>()) {
    members_[scored->id].score = scored->score;
  }
}

void Client::enter(const Welcome& welcome) {
  tell(state_ == State::away ? "back" : "in the game");
  if (state_ == State::away) ++figures_.returns;
  state_ = State::playing;
  was_in_game_ = true;
  own_ = welcome.you;
  members_.clear();
  for (const Member& member : welcome.members)
    members_[member.id] = member;
  others_.restart();
  for (const Player& player : welcome.snapshot.players) {
    if (player.id == own_) prediction_.restart(player.body);
  }
  take(welcome.snapshot);
}

void Client::take(const Snapshot& snapshot) {
  crown_ = snapshot.crown;
  others_.add(snapshot, host_.now());
  for (const Player& player : snapshot.players) {
    if (player.id == own_) prediction_.reconcile(player.body, player.input_number);
  }
}

// One tick of the game here: the keys act at once, and travel to the server.
void Client::tick() {
  const bool asks = state_ == State::joining || (state_ == State::away && connection_.is_open());
  if (asks && host_.now() - asked_at_ > time_to_join) {
    connection_.close("no answer");
    return end({tickwire::ErrorCode::timed_out, 0, "The server gave no place within 5 seconds."});
  }
  if (state_ != State::playing || !connection_.is_open()) return;
  ++figures_.ticks;
  prediction_.apply(config_.keys(view()) & all_keys);
  prediction_.fill(outgoing_);
  connection_.send(outgoing_, state_options);
}

const View& Client::view() {
  view_.own = own_;
  view_.crown = crown_;
  view_.disks.clear();
  for (const Player& player : others_.at(host_.now())) {
    const auto member = members_.find(player.id);
    if (member == members_.end()) continue;  // gone already, or to be told of in a moment
    const Vec place = player.id == own_ ? prediction_.shown() : player.body.position;
    view_.disks.push_back({player.id, place, member->second.name, member->second.score});
  }
  return view_;
}

// Who was never in the game has nothing to come back to.
void Client::lose(const tickwire::Event& event) {
  note_figures();
  const tickwire::Connection again = event.connection.successor();
  if (!was_in_game_ || again == tickwire::Connection()) {
    again.close();
    return end(event.error);
  }
  state_ = State::away;
  error_ = event.error;
  tell("away: " + event.error.message());
}

void Client::note_figures() {
  figures_ = figures();
  connection_ = {};
}

ClientFigures Client::figures() const {
  ClientFigures all = figures_;
  all.corrections = prediction_.corrections();
  all.snapshots = others_.counters();
  if (connection_ == tickwire::Connection()) return all;
  all.connection = connection_.stats();
  all.connection.bytes_sent += figures_.connection.bytes_sent;
  all.connection.bytes_received += figures_.connection.bytes_received;
  return all;
}

void Client::end(tickwire::Error error) {
  if (state_ == State::ended) return;
  note_figures();
  state_ = State::ended;
  error_ = std::move(error);
}

void Client::tell(const std::string& line) const {
  if (config_.news) config_.news(line);
}

std::string Client::name_of(PlayerId id) const {
  const auto found = members_.find(id);
  return found != members_.end() ? found->second.name : "somebody";
}

}  // namespace arena
