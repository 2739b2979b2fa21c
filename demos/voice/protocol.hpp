// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>
#include <tickwire/config.hpp>
#include <tickwire/message_name.hpp>

/// What relay, client and load generator say to each other.
namespace voice {

inline constexpr const char* application = "tickwire-voice/1";
inline constexpr std::size_t max_message_bytes = 64 * 1024;
inline constexpr std::size_t max_room_bytes = 64;
inline constexpr std::size_t max_name_bytes = 64;
/// What a room may have at most, so that a `RoomJoined` with everybody's name fits.
inline constexpr std::size_t most_room_members = 500;
static_assert(most_room_members * (max_name_bytes + 16) < max_message_bytes);

/// Who is where: reliable. Speech: only the newest counts, and nothing else may hold it up.
inline constexpr std::uint8_t room_channel = 0;
inline constexpr std::uint8_t speech_channel = 1;

[[nodiscard]] inline std::vector<tickwire::ChannelConfig> channels() {
  return {{.delivery = tickwire::Delivery::reliable},
          {.delivery = tickwire::Delivery::sequenced, .priority = 1}};
}

/// A client asks to come in. Its name is that of its connection.
struct JoinRoom {
  std::string room;
  /// A secret of the client, the same on all its connections: who comes back with it takes the
  /// place of an old connection that the relay still believes in. 0: none.
  std::uint64_t seat = 0;
};
template <class Archive>
void serialize(Archive& archive, JoinRoom& join) {
  archive(join.room, join.seat);
}
TICKWIRE_MESSAGE(JoinRoom, "voice.join");

struct Member {
  std::uint16_t talker = 0;  ///< stands for the member in `Speech`; unique in the room
  std::string name;
};
template <class Archive>
void serialize(Archive& archive, Member& member) {
  archive(member.talker, member.name);
}

/// The relay lets a client in.
struct RoomJoined {
  std::uint16_t own_talker = 0;
  std::vector<Member> others;
};
template <class Archive>
void serialize(Archive& archive, RoomJoined& joined) {
  archive(joined.own_talker, joined.others);
}
TICKWIRE_MESSAGE(RoomJoined, "voice.joined");

struct MemberJoined {
  Member member;
};
template <class Archive>
void serialize(Archive& archive, MemberJoined& joined) {
  archive(joined.member);
}
TICKWIRE_MESSAGE(MemberJoined, "voice.member_joined");

struct MemberLeft {
  std::uint16_t talker = 0;
};
template <class Archive>
void serialize(Archive& archive, MemberLeft& left) {
  archive(left.talker);
}
TICKWIRE_MESSAGE(MemberLeft, "voice.member_left");

/// 20 ms of one talker. The relay passes it on as it is.
struct Speech {
  std::uint16_t talker = 0;
  std::uint32_t sequence = 0;   ///< counts 20 ms of the talker's time, sent or not
  std::vector<std::byte> opus;  ///< empty: the talker falls silent
};
template <class Archive>
void serialize(Archive& archive, Speech& speech) {
  archive(speech.talker, speech.sequence, speech.opus);
}
TICKWIRE_MESSAGE(Speech, "voice.speech");

/// Whose speech it claims to be, read without decoding it.
[[nodiscard]] inline std::optional<std::uint16_t> talker_of(std::span<const std::byte> speech) {
  if (speech.size() < sizeof(std::uint16_t)) return std::nullopt;
  return static_cast<std::uint16_t>(std::to_integer<unsigned>(speech[0]) |
                                    std::to_integer<unsigned>(speech[1]) << 8);
}

}  // namespace voice
