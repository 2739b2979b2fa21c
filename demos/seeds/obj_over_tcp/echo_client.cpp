// SPDX-License-Identifier: MIT
#include <chrono>
#include <iostream>

#include <tickwire/tickwire.hpp>

/// obj-over-tcp's echo client in synchronous mode: sends an object, prints what comes back.
int main(int argc, char** argv) {
  using namespace std::chrono_literals;
  using tickwire::EventType;
  const auto my_object = tickwire::Value::map({{"echo test object", "message string"}});

  tickwire::Host host;
  const auto connection = host.connect(argc > 1 ? argv[1] : "tcp://127.0.0.1:10000");
  if (!connection) {
    std::cerr << connection.error().message() << '\n';
    return 1;
  }
  bool has_echo = false;
  while (true) {
    while (const auto event = host.wait_for(100ms)) {
      if (event->type == EventType::connected) {
        std::cout << "Connected\n";
        if (event->connection.send(my_object)) std::cout << "Object was sent\n";
      } else if (event->type == EventType::object_received) {
        const auto object = event->as<tickwire::Value>();
        has_echo = object && *object == my_object;
        std::cout << (has_echo ? "Object received\n" : "Something else received\n");
        event->connection.close();
      } else if (event->type == EventType::error || event->type == EventType::disconnected) {
        std::cout << event->error.message() << '\n';
        return has_echo ? 0 : 1;
      }
    }
  }
}
