// SPDX-License-Identifier: MIT
#include "relay/relay.hpp"

#include <algorithm>
#include <tickwire/codec.hpp>

#include "demos/shared/printable.hpp"
#include "protocol.hpp"

namespace voice {
namespace {

tickwire::HostConfig host_config(const RelayConfig& config) {
  tickwire::HostConfig host = config.host;
  host.application = application;
  host.tick_rate_hz = std::nullopt;
  host.channels = channels();
  host.limits.max_connections = config.max_clients;
  host.limits.max_connections_per_address = config.max_clients_per_address;
  host.limits.max_message_bytes = max_message_bytes;
  // Nobody here asks what became of a packet.
  host.events = tickwire::EventMask::all().without(tickwire::EventType::data_sent);
  return host;
}

}  // namespace

Relay::Relay(RelayConfig config) : config_(std::move(config)), host_(host_config(config_)) {}

tickwire::Result<tickwire::Address> Relay::listen(const std::string& url) {
  return host_.listen(url);
}

void Relay::run_for(tickwire::Duration timeout) {
  for (auto event = host_.wait_for(timeout); event; event = host_.poll())
    handle(*event);
  send_loiterers_away();
}

void Relay::close() {
  host_.close("the relay is closing");
}

void Relay::handle(const tickwire::Event& event) {
  switch (event.type) {
    case tickwire::EventType::connected:
      welcome(event.connection);
      break;
    case tickwire::EventType::object_received:
      if (event.is<Speech>()) return pass_on(event);
      if (const auto request = event.as<JoinRoom>()) {
        join(event.connection, *request);
      } else {
        refuse(event.connection, "this relay does not understand the request");
      }
      break;
    case tickwire::EventType::disconnected:
      tell(event.connection, "is gone: " + event.error.message());
      leave(event.connection);
      --callers_;
      break;
    case tickwire::EventType::error:
      if (event.error.code == tickwire::ErrorCode::listener_lost) failure_ = event.error;
      break;
    default:
      break;
  }
}

void Relay::welcome(tickwire::Connection connection) {
  Client client;
  client.name = connection.name();
  connection.set_user_data(std::move(client));
  newcomers_.push_back({connection, host_.now()});
  ++callers_;
  tell(connection, "is here");
}

void Relay::join(tickwire::Connection connection, const JoinRoom& request) {
  auto* client = connection.user_data<Client>();
  // What came behind a request that was refused has no say any more.
  if (client == nullptr || !connection.is_open()) return;
  if (!request.room.empty() && client->room == request.room) {
    ++counters_.joins_ignored;
    return;
  }
  if (!client->joins.take(host_.now(), config_.max_joins_hz, config_.max_joins_at_once)) {
    return refuse(connection, "that is too much going in and out");
  }
  if (const std::string reason = objection(*client, request); !reason.empty()) {
    return refuse(connection, reason);
  }
  leave(connection);
  if (!seat(connection, request)) return refuse(connection, "the room is full");
  tell(connection, "goes in");
}

// Why somebody may not come in; empty when he may, but for a room that is full.
std::string Relay::objection(const Client& client, const JoinRoom& request) {
  if (request.room.empty()) return "a room needs a name";
  if (request.room.size() > max_room_bytes) return "the room's name is longer than 64 bytes";
  if (const std::string fault = demo::name_fault(request.room); !fault.empty()) {
    return "the room's name " + fault;
  }
  if (client.name.empty()) return "you need a name that the others can see";
  if (const std::string fault = demo::name_fault(client.name); !fault.empty()) {
    return "your name " + fault;
  }
  if (!is_free(client.name, request)) {
    return "somebody called " + client.name +
           " is in the room; take another name, or wait a quarter of a minute if that was you";
  }
  return {};
}

// Who comes back after his connection broke takes the place of the one that did not notice yet.
bool Relay::is_free(const std::string& name, const JoinRoom& request) {
  const auto room = rooms_.find(request.room);
  if (room == rooms_.end()) return true;
  for (const tickwire::Connection& member : room->second.members) {
    const auto* client = member.user_data<Client>();
    if (client->name != name) continue;
    if (request.seat == 0 || client->seat != request.seat) return false;
    const tickwire::Connection old = member;
    old.close("you came back over another connection");
    leave(old);
    return true;
  }
  return true;
}

// The one who comes is told first: a room whose members he cannot be told is full.
bool Relay::seat(tickwire::Connection connection, const JoinRoom& request) {
  const auto found = rooms_.try_emplace(request.room).first;
  Room& room = found->second;
  auto* client = connection.user_data<Client>();
  RoomJoined joined{free_talker(room), {}};
  for (const tickwire::Connection& member : room.members) {
    const auto* other = member.user_data<Client>();
    joined.others.push_back({other->talker, other->name});
  }
  if (room.members.size() >= config_.max_room_members ||
      !connection.send(joined, {.channel = room_channel})) {
    if (room.members.empty()) rooms_.erase(found);
    return false;
  }
  client->room = request.room;
  client->talker = joined.own_talker;
  client->seat = request.seat;
  host_.send_to(room.members, MemberJoined{{client->talker, client->name}},
                {.channel = room_channel});
  room.members.push_back(connection);
  return true;
}

void Relay::leave(tickwire::Connection connection) {
  auto* client = connection.user_data<Client>();
  if (client == nullptr || client->room.empty()) return;
  const auto room = rooms_.find(client->room);
  std::erase(room->second.members, connection);
  host_.send_to(room->second.members, MemberLeft{client->talker}, {.channel = room_channel});
  if (room->second.members.empty()) rooms_.erase(room);
  client->room.clear();
}

void Relay::pass_on(const tickwire::Event& event) {
  ++counters_.speech_received;
  auto* client = event.connection.user_data<Client>();
  // Half a second of speech may come at once.
  if (client->room.empty() || talker_of(event.bytes()) != client->talker ||
      !client->speech.take(host_.now(), config_.max_speech_hz,
                           std::max(config_.max_speech_hz / 2, 1u))) {
    ++counters_.speech_refused;
    return;
  }
  const Room& room = rooms_.find(client->room)->second;
  const auto& listeners = others(room, event.connection);
  counters_.speech_forwarded += host_.forward(event, listeners, {.channel = speech_channel}).queued;
}

void Relay::refuse(tickwire::Connection connection, const std::string& reason) {
  ++counters_.joins_refused;
  tell(connection, "is refused: " + reason);
  leave(connection);
  connection.close(reason);
}

// A connection that says nothing would keep its place for ever: the library answers its echoes.
void Relay::send_loiterers_away() {
  while (!newcomers_.empty() && newcomers_.front().came_at + config_.time_to_join <= host_.now()) {
    const tickwire::Connection connection = newcomers_.front().connection;
    newcomers_.pop_front();
    const auto* client = connection.user_data<Client>();
    if (client == nullptr || !client->room.empty() || !connection.is_open()) continue;
    ++counters_.loiterers;
    tell(connection, "is sent away: in no room");
    connection.close("you went into no room");
  }
}

void Relay::tell(tickwire::Connection connection, const std::string& what) const {
  if (!config_.news) return;
  const auto* client = connection.user_data<Client>();
  const std::string where =
      client == nullptr || client->room.empty() ? "" : ", room " + client->room;
  config_.news(demo::printable(connection.name() + " (" + connection.address().to_string() + where +
                               ") " + what));
}

// The next number that nobody in the room has; one that has just left is not taken up at once.
std::uint16_t Relay::free_talker(Room& room) const {
  const auto is_taken = [&](std::uint16_t talker) {
    return std::any_of(room.members.begin(), room.members.end(), [&](const auto& member) {
      return member.template user_data<Client>()->talker == talker;
    });
  };
  do {
    ++room.last_talker;
  } while (room.last_talker == 0 || is_taken(room.last_talker));
  return room.last_talker;
}

std::vector<tickwire::Connection>& Relay::others(const Room& room, tickwire::Connection one) {
  others_.clear();
  for (const tickwire::Connection& member : room.members) {
    if (member != one) others_.push_back(member);
  }
  return others_;
}

}  // namespace voice
