// SPDX-License-Identifier: MIT
#include "demos/chat/guest.hpp"

#include <iostream>
#include <tickwire/codec.hpp>

#include "demos/chat/messages.hpp"
#include "demos/shared/printable.hpp"

namespace chat {

void Guest::take(const tickwire::Event& event) {
  using tickwire::EventType;
  switch (event.type) {
    case EventType::object_received:
      if (event.is<Welcome>()) stage_ = Stage::in_room;
      show(event);
      break;
    case EventType::login_failed:
      std::cerr << event.error.message() << '\n';
      room_.close("wrong password");
      break;
    case EventType::interrupted:
      std::cout << "* the network is away\n" << std::flush;
      break;
    case EventType::resumed:
      std::cout << "* and back; nothing was lost\n" << std::flush;
      break;
    case EventType::error:
    case EventType::disconnected:
      if (!left_) std::cerr << demo::printable(event.error.message()) << '\n';
      stage_ = Stage::gone;
      break;
    default:
      break;
  }
}

void Guest::show(const tickwire::Event& event) const {
  if (const auto line = event.as<Line>()) {
    std::cout << demo::printable(line->who) << ": " << demo::printable(line->text) << '\n';
  } else if (const auto moved = event.as<Moved>()) {
    std::cout << "* " << demo::printable(moved->who)
              << (moved->step == Step::in ? " is here\n" : " is gone\n");
  } else if (const auto welcome = event.as<Welcome>()) {
    for (const Line& each : welcome->lines)
      std::cout << demo::printable(each.who) << ": " << demo::printable(each.text) << '\n';
    std::cout << "* here:";
    for (const std::string& name : welcome->guests)
      std::cout << ' ' << demo::printable(name);
    std::cout << '\n';
  }
  std::cout << std::flush;
}

void Guest::say(const std::string& line) {
  if (line == "/quit") return leave();
  const std::string text = demo::printable(line);
  if (text.empty()) return;
  if (text.size() > kMaxTextBytes) {
    std::cerr << "A line has " << kMaxTextBytes << " bytes at most.\n";
    return;
  }
  if (const auto sent = room_.send(Say{text}); !sent) {
    std::cerr << "Not said: " << sent.error().message() << '\n';
  }
}

void Guest::leave() {
  left_ = true;
  if (room_.close("left") != tickwire::ErrorCode::none) stage_ = Stage::gone;
}

}  // namespace chat
