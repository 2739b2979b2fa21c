// SPDX-License-Identifier: MIT
#include "demos/arena/server.hpp"

#include <algorithm>
#include <tickwire/codec.hpp>

#include "demos/shared/printable.hpp"

namespace arena {
namespace {

// Asked before a caller comes up: the rest is known only when it says which seat it has.
tickwire::Result<void> check_name(const tickwire::ConnectionRequest& request) {
  const auto refused = [](const std::string& why) {
    return tickwire::Error{tickwire::ErrorCode::refused_by_application, 0, why};
  };
  if (request.name.empty()) return refused("You need a name that the others can see.");
  if (request.name.size() > max_name_bytes) return refused("A name has 24 bytes at most.");
  if (const std::string fault = demo::name_fault(request.name); !fault.empty()) {
    return refused("The name " + fault + ".");
  }
  return {};
}

tickwire::HostConfig host_config(const ServerConfig& config) {
  tickwire::HostConfig host = common_config(config.host);
  // More than play: who comes back may not have been missed yet, and who is too many is told so.
  // Half of it is nobody's who calls from a single address, and perhaps never plays.
  host.limits.max_connections_per_address = config.max_players + 2;
  host.limits.max_connections = 2 * (config.max_players + 2);
  host.limits.max_connects_per_address_per_second = 10;
  host.authenticate = check_name;
  return host;
}

// Who comes in appears on a circle, away from the crown and not in a heap.
Body first_body(PlayerId id) {
  constexpr Vec places[] = {{1, 0}, {-1, 0}, {0, 1}, {0, -1}, {.7f, .7f}, {-.7f, .7f}, {.7f, -.7f}};
  Body body;
  body.position = body.position + places[id % std::size(places)] * (height / 3);
  return body;
}

}  // namespace

Server::Server(ServerConfig config) : config_(std::move(config)), host_(host_config(config_)) {
  host_.on_update([this](const tickwire::Tick&) { tick(); });
}

tickwire::Result<tickwire::Address> Server::listen(const std::string& url) {
  return host_.listen(url);
}

void Server::run_for(tickwire::Duration timeout) {
  for (auto event = host_.wait_for(timeout); event; event = host_.poll())
    handle(*event);
}

void Server::close() {
  host_.close("the server is closing");
}

void Server::handle(const tickwire::Event& event) {
  switch (event.type) {
    case tickwire::EventType::connected:
      callers_.push_back({event.connection, host_.now()});
      break;
    case tickwire::EventType::object_received:
      if (event.is<Inputs>()) return take_inputs(event);
      if (const auto request = event.as<Join>()) return join(event.connection, *request);
      ++counters_.packets_malformed;
      break;
    case tickwire::EventType::data_received:
      ++counters_.packets_malformed;
      break;
    case tickwire::EventType::disconnected:
      lose(event.connection, event.error);
      break;
    case tickwire::EventType::error:
      if (event.error.code == tickwire::ErrorCode::listener_lost) failure_ = event.error;
      break;
    default:
      break;
  }
}

void Server::take_inputs(const tickwire::Event& event) {
  Place* const place = place_of(event.connection);
  if (place == nullptr) return;  // not in the game, or not any more
  if (!place->packets.take(host_.now(), config_.max_packets_hz, config_.max_packets_hz / 2)) {
    ++counters_.packets_too_many;
  } else if (event.read(incoming_) != tickwire::ErrorCode::none ||
             !place->inputs.receive(incoming_)) {
    ++counters_.packets_malformed;
  }
}

void Server::join(tickwire::Connection connection, const Join& request) {
  if (place_of(connection) != nullptr || !connection.is_open()) return;
  const auto seated = std::ranges::find(places_, request.seat, &Place::seat);
  if (request.seat != 0 && seated != places_.end()) {
    // Whoever knows the seat is the same player, whether its old connection is missed yet or not.
    seated->connection.close("you came back over another connection");
    ++counters_.joins_resumed;
    tell(seated->member.name + " is back");
    return welcome(*seated, connection);
  }
  const std::string name = connection.name();
  if (const std::string reason = objection(name); !reason.empty()) {
    ++counters_.joins_refused;
    tell(name + " is refused: " + reason);
    connection.close(reason);
    return;
  }
  add_place(connection, request.seat);
}

// Why somebody may not play; empty when he may.
std::string Server::objection(const std::string& name) const {
  if (places_.size() >= config_.max_players) return "the game is full";
  const bool is_taken =
      std::ranges::any_of(places_, [&](const Place& place) { return place.member.name == name; });
  if (!is_taken) return {};
  return "somebody called " + name + " plays; take another name, or wait " +
         "a quarter of a minute if that was you";
}

void Server::add_place(tickwire::Connection connection, std::uint64_t seat) {
  const Member member{free_id(), connection.name(), 0};
  host_.broadcast(Joined{member}, {.send = {.channel = news_channel}, .except = connection});
  world_.players.push_back({member.id, 0, first_body(member.id)});
  places_.push_back({.member = member, .seat = seat});
  tell(member.name + " plays");
  welcome(places_.back(), connection);
}

void Server::welcome(Place& place, tickwire::Connection connection) {
  place.connection = connection;
  place.lost_at.reset();
  place.inputs.restart();
  if (Player* const player = find(world_, place.member.id)) player->input_number = 0;
  Welcome words{place.member.id, {}, {}};
  fill(words.snapshot);
  for (const Place& each : places_)
    words.members.push_back(each.member);
  connection.send(words, {.channel = news_channel});
}

// Who said goodbye is gone. Who was lost may come back.
void Server::lose(tickwire::Connection connection, const tickwire::Error& error) {
  std::erase_if(callers_, [&](const Caller& each) { return each.connection == connection; });
  Place* const place = place_of(connection);
  if (place == nullptr) return;
  if (error.code == tickwire::ErrorCode::closed_by_peer) return remove_place(place->member.id);
  tell(place->member.name + " is lost: " + error.message());
  place->lost_at = host_.now();
}

void Server::remove_place(PlayerId id) {
  const Place& place = *place_of(id);
  tell(place.member.name + " is gone");
  counters_.inputs += place.inputs.counters();
  std::erase_if(places_, [&](const Place& each) { return each.member.id == id; });
  std::erase_if(world_.players, [&](const Player& each) { return each.id == id; });
  host_.broadcast(Left{id}, {.send = {.channel = news_channel}});
}

void Server::tick() {
  due_.clear();
  for (Place& place : places_)
    place.inputs.take_due(place.member.id, due_);
  tell_outcome(step(world_, due_));
  if (world_.tick % ticks_per_snapshot == 0) {
    fill(outgoing_);
    host_.broadcast(outgoing_, {.send = state_options});
  }
  if (world_.tick % ticks_per_second == 0) send_loiterers_away();
}

void Server::tell_outcome(const Outcome& outcome) {
  if (const auto& taken = outcome.crown_taken) {
    host_.broadcast(CrownTaken{taken->by, taken->from}, {.send = {.channel = news_channel}});
  }
  if (Place* const place = place_of(outcome.scored)) {
    host_.broadcast(Scored{outcome.scored, ++place->member.score},
                    {.send = {.channel = news_channel}});
  }
}

// A caller that plays not, and a place that nobody came back to.
void Server::send_loiterers_away() {
  for (const Caller& caller : callers_) {
    if (place_of(caller.connection) == nullptr &&
        host_.now() - caller.came_at > config_.time_to_join) {
      caller.connection.close("you did not ask for a place");
    }
  }
  for (std::size_t i = places_.size(); i-- > 0;) {
    const Place& place = places_[i];
    if (place.lost_at && host_.now() - *place.lost_at > config_.place_kept)
      remove_place(place.member.id);
  }
}

void Server::fill(Snapshot& snapshot) const {
  snapshot.tick = world_.tick;
  snapshot.crown = world_.crown;
  snapshot.players = world_.players;
}

ServerCounters Server::counters() const {
  ServerCounters all = counters_;
  for (const Place& place : places_)
    all.inputs += place.inputs.counters();
  return all;
}

Server::Place* Server::place_of(tickwire::Connection connection) noexcept {
  const auto found = std::ranges::find(places_, connection, &Place::connection);
  return found != places_.end() ? &*found : nullptr;
}

Server::Place* Server::place_of(PlayerId id) noexcept {
  const auto found =
      std::ranges::find_if(places_, [&](const Place& place) { return place.member.id == id; });
  return found != places_.end() ? &*found : nullptr;
}

// The next number that nobody has: one that has just left is not taken up at once.
PlayerId Server::free_id() {
  do {
    ++last_id_;
  } while (last_id_ == 0 || place_of(last_id_) != nullptr);
  return last_id_;
}

void Server::tell(const std::string& line) const {
  if (config_.news) config_.news(demo::printable(line));
}

}  // namespace arena
