// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <tickwire/codec.hpp>

/// What a room and its guests say to each other.
namespace chat {

inline constexpr const char* kApplication = "tickwire-chat/1";
inline constexpr std::size_t kMaxTextBytes = 500;

/// A guest to the room: a line for all.
struct Say {
  std::string text;
};

/// The room to its guests: a line, and whose it is.
struct Line {
  std::string who;
  std::string text;
};

enum class Step : std::uint8_t { in, out };

/// The room to its guests: somebody has come or gone.
struct Moved {
  std::string who;
  Step step = Step::in;
};

/// The room to one who has come: who is there, and what was said last.
struct Welcome {
  std::vector<std::string> guests;
  std::vector<Line> lines;
};

template <class Archive>
void serialize(Archive& archive, Say& say) {
  archive(say.text);
}
template <class Archive>
void serialize(Archive& archive, Line& line) {
  archive(line.who, line.text);
}
template <class Archive>
void serialize(Archive& archive, Moved& moved) {
  archive(moved.who, moved.step);
}
template <class Archive>
void serialize(Archive& archive, Welcome& welcome) {
  archive(welcome.guests, welcome.lines);
}

TICKWIRE_MESSAGE(Say, "chat.say");
TICKWIRE_MESSAGE(Line, "chat.line");
TICKWIRE_MESSAGE(Moved, "chat.moved");
TICKWIRE_MESSAGE(Welcome, "chat.welcome");

}  // namespace chat
