// SPDX-License-Identifier: MIT
#include <chrono>
#include <iostream>
#include <string>

#include <tickwire/hub.hpp>
#include <tickwire/tickwire.hpp>

/// socket.engine's second computer: calls the first by a name, reads what all have written.
int main(int argc, char** argv) {
  using namespace std::chrono_literals;
  using tickwire::HubPeers;
  tickwire::Host host;
  tickwire::Hub hub({.name = "second"});
  host.attach(hub);
  const auto connection = hub.connect("hello!", argc > 1 ? argv[1] : "tcp://127.0.0.1:8080");
  if (!connection) {
    std::cerr << connection.error().message() << '\n';
    return 1;
  }
  bool has_text = false;
  bool has_image = false;
  while (!has_text || !has_image) {
    const auto event = host.wait_for(100ms);
    if (event && event->type == tickwire::EventType::error) {
      std::cout << event->error.message() << '\n';
      return 1;
    }
    for (const auto& item : hub.read<std::string>("test", HubPeers::named("hello!"))) {
      if (!std::exchange(has_text, true)) std::cout << item.value << '\n';
    }
    for (const auto& item : hub.read_images()) {
      std::cout << "an image of " << item.value.width << " x " << item.value.height << '\n';
      has_image = true;
    }
  }
  hub.close();
  while (!hub.peers().empty())
    static_cast<void>(host.wait_for(100ms));
}
