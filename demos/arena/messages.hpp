// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <tickwire/config.hpp>
#include <tickwire/connection.hpp>
#include <tickwire/message_name.hpp>

#include "demos/arena/world.hpp"

/// What server and clients say to each other. Files that send or decode include codec.hpp beside
/// it; this one brings no Cereal.
namespace arena {

inline constexpr const char* application = "tickwire-arena/1";
inline constexpr std::size_t max_players = 16;
inline constexpr std::size_t max_name_bytes = 24;
inline constexpr std::size_t max_message_bytes = 4096;
inline constexpr std::uint32_t ticks_per_snapshot = 2;
/// An input travels in so many packets, one a tick: only when all of them are lost, it is.
inline constexpr std::size_t inputs_per_packet = 10;

/// Who comes, goes and scores: every word counts, in order.
inline constexpr std::uint8_t news_channel = 0;
/// Inputs and snapshots: each holds all that the one before it said, so a lost one is not sent
/// again, and one that comes late is dropped.
inline constexpr std::uint8_t state_channel = 1;

[[nodiscard]] inline std::vector<tickwire::ChannelConfig> channels() {
  return {{.delivery = tickwire::Delivery::reliable},
          {.delivery = tickwire::Delivery::sequenced, .priority = 1}};
}

/// Over `tcp://` a full stream holds what is sent; there, too, only the newest state waits.
inline const tickwire::SendOptions state_options{.channel = state_channel, .replace_key = 1};

/// Of both ends. Nobody waits ten seconds for a player who is gone.
[[nodiscard]] inline tickwire::HostConfig common_config(tickwire::HostConfig host) {
  host.application = application;
  host.tick_rate_hz = ticks_per_second;
  host.channels = channels();
  host.limits.max_message_bytes = max_message_bytes;
  host.timeouts.idle = std::chrono::seconds(4);
  host.events = host.events.without(tickwire::EventType::data_sent);
  return host;
}

/// Client: lets me play. Its name is that of its connection.
struct Join {
  /// A secret of the client, the same on all its connections: who comes back with it gets its
  /// place.
  std::uint64_t seat = 0;
};
template <class Archive>
void serialize(Archive& archive, Join& join) {
  archive(join.seat);
}
TICKWIRE_MESSAGE(Join, "arena.join");

/// Client: the newest keys and some before them.
struct Inputs {
  std::uint32_t newest = 0;  ///< the number of the last of them; the first one ever has 1
  std::vector<Input> keys;   ///< oldest first
};
template <class Archive>
void serialize(Archive& archive, Inputs& inputs) {
  archive(inputs.newest, inputs.keys);
}
TICKWIRE_MESSAGE(Inputs, "arena.inputs");

/// Server: where all are. The same for everybody, so it is encoded once: each finds in it which of
/// its inputs have been seen.
struct Snapshot {
  std::uint32_t tick = 0;
  PlayerId crown = 0;
  std::vector<Player> players;
};
template <class Archive>
void serialize(Archive& archive, Vec& vec) {
  archive(vec.x, vec.y);
}
template <class Archive>
void serialize(Archive& archive, Player& player) {
  Body& body = player.body;
  archive(player.id, player.input_number, body.position, body.velocity, body.dash_rest);
}
template <class Archive>
void serialize(Archive& archive, Snapshot& snapshot) {
  archive(snapshot.tick, snapshot.crown, snapshot.players);
}
TICKWIRE_MESSAGE(Snapshot, "arena.snapshot");
static_assert(max_players * 22 + 16 <= 1100, "a snapshot fits a datagram");

/// What does not change every tick.
struct Member {
  PlayerId id = 0;
  std::string name;
  std::uint32_t score = 0;
};
template <class Archive>
void serialize(Archive& archive, Member& member) {
  archive(member.id, member.name, member.score);
}

/// Server: you are in, and this is how things stand.
struct Welcome {
  PlayerId you = 0;
  std::vector<Member> members;
  Snapshot snapshot;
};
template <class Archive>
void serialize(Archive& archive, Welcome& welcome) {
  archive(welcome.you, welcome.members, welcome.snapshot);
}
TICKWIRE_MESSAGE(Welcome, "arena.welcome");

struct Joined {
  Member member;
};
template <class Archive>
void serialize(Archive& archive, Joined& joined) {
  archive(joined.member);
}
TICKWIRE_MESSAGE(Joined, "arena.joined");

struct Left {
  PlayerId id = 0;
};
template <class Archive>
void serialize(Archive& archive, Left& left) {
  archive(left.id);
}
TICKWIRE_MESSAGE(Left, "arena.left");

struct CrownTaken {
  PlayerId by = 0;
  PlayerId from = 0;  ///< 0: nobody wore it
};
template <class Archive>
void serialize(Archive& archive, CrownTaken& taken) {
  archive(taken.by, taken.from);
}
TICKWIRE_MESSAGE(CrownTaken, "arena.crown_taken");

struct Scored {
  PlayerId id = 0;
  std::uint32_t score = 0;  ///< all points so far
};
template <class Archive>
void serialize(Archive& archive, Scored& scored) {
  archive(scored.id, scored.score);
}
TICKWIRE_MESSAGE(Scored, "arena.scored");

}  // namespace arena
