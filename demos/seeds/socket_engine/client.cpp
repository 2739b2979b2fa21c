// SPDX-License-Identifier: MIT
#include <chrono>
#include <iostream>

#include <tickwire/hub.hpp>
#include <tickwire/tickwire.hpp>

/// socket.engine's client: writes on a channel, and is done when the host closes.
int main(int argc, char** argv) {
  using namespace std::chrono_literals;
  using tickwire::EventType;
  tickwire::Host host;
  tickwire::Hub hub({.name = "client"});
  host.attach(hub);
  const auto connection = hub.connect("client", argc > 1 ? argv[1] : "tcp://127.0.0.1:8080");
  if (!connection) {
    std::cerr << connection.error().message() << '\n';
    return 1;
  }
  bool has_written = false;
  while (true) {
    const auto event = host.wait_for(100ms);
    if (!has_written && !hub.peers().empty()) {
      has_written = hub.write("test", "client is connected!").queued == 1;
    }
    if (!event) continue;
    if (event->type == EventType::disconnected || event->type == EventType::error) {
      std::cout << event->error.message() << '\n';
      return has_written ? 0 : 1;
    }
  }
}
