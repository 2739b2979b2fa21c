// SPDX-License-Identifier: MIT
#include "demos/chat/room.hpp"

#include <algorithm>
#include <iostream>

#include "demos/shared/printable.hpp"

namespace chat {
namespace {

constexpr std::size_t kKeptLines = 20;
constexpr auto kTimeToLogIn = std::chrono::seconds(30);
constexpr double kLinesPerSecond = 2;
constexpr double kLinesAtOnce = 10;

}  // namespace

void Room::take(const tickwire::Event& event) {
  using tickwire::EventType;
  switch (event.type) {
    case EventType::connected:
      guests_[event.connection].came_at = Clock::now();
      break;
    case EventType::logged_in:
      welcome(event.connection);
      break;
    case EventType::object_received:
      if (const auto say = event.as<Say>()) {
        hear(event.connection, *say);
      } else {
        event.connection.close("that is no chat");
      }
      break;
    case EventType::disconnected:
      say_goodbye(event.connection);
      break;
    case EventType::error:
      std::cerr << event.error.message() << '\n';
      break;
    default:
      break;
  }
}

void Room::welcome(tickwire::Connection connection) {
  Guest& guest = guests_[connection];
  guest.name = accounts_.user(connection);
  guest.lines_left = kLinesAtOnce;
  guest.said_at = Clock::now();
  Welcome words;
  for (const auto& [each, other] : guests_)
    if (!other.name.empty()) words.guests.push_back(other.name);
  std::ranges::sort(words.guests);
  words.lines.assign(last_lines_.begin(), last_lines_.end());
  connection.send(words);
  host_.send_to(listeners(), Moved{guest.name, Step::in});
  std::cout << guest.name << " is here\n" << std::flush;
}

void Room::hear(tickwire::Connection connection, const Say& say) {
  Guest& guest = guests_[connection];
  if (guest.name.empty()) {
    connection.close("log in first");
    return;
  }
  if (say.text.size() > kMaxTextBytes || !may_speak(guest)) {
    connection.close("too much at once");
    return;
  }
  const Line line{guest.name, demo::printable(say.text)};
  if (line.text.empty()) return;
  last_lines_.push_back(line);
  if (last_lines_.size() > kKeptLines) last_lines_.pop_front();
  host_.send_to(listeners(), line);
}

void Room::say_goodbye(tickwire::Connection connection) {
  const auto guest = guests_.find(connection);
  if (guest == guests_.end()) return;
  const std::string name = guest->second.name;
  guests_.erase(guest);
  if (name.empty()) return;
  host_.send_to(listeners(), Moved{name, Step::out});
  std::cout << name << " is gone\n" << std::flush;
}

void Room::send_loiterers_away() {
  for (const auto& [connection, guest] : guests_) {
    if (guest.name.empty() && Clock::now() - guest.came_at > kTimeToLogIn)
      connection.close("log in first");
  }
}

bool Room::may_speak(Guest& guest) const {
  const auto now = Clock::now();
  const std::chrono::duration<double> passed = now - guest.said_at;
  guest.said_at = now;
  guest.lines_left = std::min(kLinesAtOnce, guest.lines_left + passed.count() * kLinesPerSecond);
  if (guest.lines_left < 1) return false;
  guest.lines_left -= 1;
  return true;
}

std::vector<tickwire::Connection> Room::listeners() const {
  std::vector<tickwire::Connection> all;
  for (const auto& [connection, guest] : guests_)
    if (!guest.name.empty()) all.push_back(connection);
  return all;
}

}  // namespace chat
