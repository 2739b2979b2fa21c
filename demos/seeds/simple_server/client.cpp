// SPDX-License-Identifier: MIT
#include <chrono>
#include <iostream>

#include <tickwire/tickwire.hpp>

/// SimpleServer's client: connects, or says why not; shakes hands; reads.
int main(int argc, char** argv) {
  using namespace std::chrono_literals;
  using tickwire::NetworkMessage;
  tickwire::Host client;
  const auto dialled = client.connect(argc > 1 ? argv[1] : "tcp://127.0.0.1:8080");
  const auto success = dialled ? client.wait_connected(*dialled, 5s) : dialled;
  if (!success) {
    std::cout << "Connection failed: " << success.error().message() << '\n';
    return 1;
  }
  success->send(NetworkMessage("Hello server!").add_header("handshake"));
  while (success->is_open()) {
    const auto event = client.wait_for(100ms);
    const auto message = event ? event->as<NetworkMessage>() : tickwire::Error{};
    if (!message || !message->has_header("handshake")) continue;
    std::cout << "Server handshake received: " << message->body_text() << '\n';
    success->close();
    while (client.wait_for(100ms)) {
    }
    return 0;
  }
  std::cout << "The server is gone.\n";
  return 1;
}
