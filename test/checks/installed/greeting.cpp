// SPDX-License-Identifier: MIT
// A program of somebody who installed Tickwire: one host greets another over ENet on loopback.
#include <chrono>
#include <iostream>
#include <string>

#include <tickwire/tickwire.hpp>

struct Greeting {
  std::string text;
};
template <class Archive>
void serialize(Archive& archive, Greeting& greeting) {
  archive(greeting.text);
}
TICKWIRE_MESSAGE(Greeting, "install.greeting");

namespace {

/// The greeting, once both ends met and it came over; empty when the time is up.
std::string exchange(tickwire::Host& server, tickwire::Host& client, const Greeting& greeting) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < deadline) {
    while (auto event = client.wait_for(std::chrono::milliseconds(5))) {
      if (event->type == tickwire::EventType::connected) {
        const auto sent = client.send(event->connection, greeting);
        if (!sent) return sent.error().message();
      }
    }
    client.flush();
    while (auto event = server.poll()) {
      if (event->type == tickwire::EventType::object_received) {
        const auto received = event->as<Greeting>();
        return received ? received->text : received.error().message();
      }
    }
  }
  return {};
}

}  // namespace

int main() {
  tickwire::Host server({.application = "install-check/1"});
  tickwire::Host client({.application = "install-check/1"});
  const auto bound = server.listen("enet://127.0.0.1:0");
  if (!bound) {
    std::cerr << bound.error().message() << '\n';
    return 1;
  }
  if (const auto dialled = client.connect(bound->to_string()); !dialled) {
    std::cerr << dialled.error().message() << '\n';
    return 1;
  }
  const std::string text = exchange(server, client, {"hello from an installed library"});
  std::cout << text << '\n';
  return text == "hello from an installed library" ? 0 : 1;
}
