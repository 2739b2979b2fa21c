// SPDX-License-Identifier: MIT
#include "relay/relay.hpp"

#include <algorithm>
#include <tickwire/codec.hpp>

#include "protocol.hpp"

namespace voice {
namespace {

tickwire::HostConfig host_config(const RelayConfig& config) {
  tickwire::HostConfig host = config.host;
  host.application = application;
  host.tick_rate_hz = std::nullopt;
  host.channels = channels();
  host.limits.max_connections = config.max_clients;
  host.limits.max_message_bytes = 64 * 1024;
  // Nobody here asks what became of a packet.
  host.events = tickwire::EventMask::all().without(tickwire::EventType::data_sent);
  return host;
}

const tickwire::Clock& clock_of(const RelayConfig& config) {
  return config.host.clock != nullptr ? *config.host.clock : tickwire::steady_clock();
}

}  // namespace

Relay::Relay(RelayConfig config) : config_(std::move(config)), host_(host_config(config_)) {}

tickwire::Result<tickwire::Address> Relay::listen(const std::string& url) {
  return host_.listen(url);
}

void Relay::run_for(tickwire::Duration timeout) {
  for (auto event = host_.wait_for(timeout); event; event = host_.poll())
    handle(*event);
}

void Relay::close() {
  host_.close("the relay is closing");
}

void Relay::handle(const tickwire::Event& event) {
  switch (event.type) {
    case tickwire::EventType::connected: {
      tickwire::Connection connection = event.connection;
      connection.set_user_data(Client());
      break;
    }
    case tickwire::EventType::object_received:
      if (event.is<Speech>()) return pass_on(event);
      if (const auto request = event.as<JoinRoom>()) {
        join(event.connection, request->room);
      } else {
        refuse(event.connection, "this relay does not understand the request");
      }
      break;
    case tickwire::EventType::disconnected:
      leave(event.connection);
      break;
    default:
      break;
  }
}

void Relay::join(tickwire::Connection connection, const std::string& name) {
  if (name.empty()) return refuse(connection, "a room needs a name");
  if (name.size() > max_room_bytes) {
    return refuse(connection, "the room's name is longer than 64 bytes");
  }
  leave(connection);
  Room& room = rooms_[name];
  if (room.members.size() >= config_.max_room_members) {
    return refuse(connection, "the room is full");
  }
  auto* client = connection.user_data<Client>();
  client->room = name;
  client->talker = free_talker(room);

  RoomJoined joined{client->talker, {}};
  for (const tickwire::Connection& member : room.members) {
    joined.others.push_back({member.user_data<Client>()->talker, member.name()});
  }
  const MemberJoined news{{client->talker, connection.name()}};
  host_.send_to(room.members, news, {.channel = room_channel});
  connection.send(joined, {.channel = room_channel});
  room.members.push_back(connection);
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
  if (client->room.empty() || talker_of(event.bytes()) != client->talker || !may_speak(*client)) {
    ++counters_.speech_refused;
    return;
  }
  const Room& room = rooms_.find(client->room)->second;
  const auto& listeners = others(room, event.connection);
  counters_.speech_forwarded += host_.forward(event, listeners, {.channel = speech_channel}).queued;
}

// A bucket that fills at the allowed rate and holds half a second of it.
bool Relay::may_speak(Client& client) {
  const auto now = clock_of(config_).now();
  const std::uint32_t full = std::max(config_.max_speech_hz / 2, 1u);
  const auto step = tickwire::Duration(std::chrono::seconds(1)) / config_.max_speech_hz;
  const auto earned = (now - client.credit_at) / step;
  if (earned >= full) {
    client.speech_credit = full;
    client.credit_at = now;
  } else if (earned > 0) {
    client.speech_credit =
        std::min(full, client.speech_credit + static_cast<std::uint32_t>(earned));
    client.credit_at += earned * step;
  }
  if (client.speech_credit == 0) return false;
  --client.speech_credit;
  return true;
}

void Relay::refuse(tickwire::Connection connection, const std::string& reason) {
  ++counters_.joins_refused;
  connection.close(reason);
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
