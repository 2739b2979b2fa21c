// SPDX-License-Identifier: MIT
#include <chrono>
#include <iostream>

#include <tickwire/tickwire.hpp>

/// obj-over-tcp's echo server in synchronous mode: every object goes back, of whatever type.
int main(int argc, char** argv) {
  using namespace std::chrono_literals;
  using tickwire::EventType;
  tickwire::Host host;
  const auto bound = host.listen(argc > 1 ? argv[1] : "tcp://0.0.0.0:10000");
  if (!bound) {
    std::cerr << bound.error().message() << '\n';
    return 1;
  }
  std::cout << "Listening at " << bound->to_string() << std::endl;
  while (true) {
    while (const auto event = host.wait_for(100ms)) {
      if (event->type == EventType::connected) {
        std::cout << "Client connected" << std::endl;
      } else if (event->type == EventType::object_received) {
        const tickwire::Connection back[] = {event->connection};
        host.forward(*event, back);  // as it is, decoded by nobody
        std::cout << "An object was received and echoed" << std::endl;
      } else if (event->type == EventType::disconnected) {
        std::cout << "Client disconnected" << std::endl;
      }
    }
  }
}
