// SPDX-License-Identifier: MIT
#include <iostream>
#include <string_view>

#include <tickwire/tickwire.hpp>

/// SimpleServer's server: listeners, added before it starts; `--verbose` logs who comes and goes.
int main(int argc, char** argv) {
  using tickwire::Connection;
  using tickwire::NetworkMessage;
  tickwire::HostConfig config;
  config.tick_rate_hz = 120;
  if (argc > 2 && std::string_view(argv[2]) == "--verbose") {
    config.log.level = tickwire::LogLevel::debug;
  }
  tickwire::Host server(config);

  const auto came = server.on_connected([](Connection client) {
    std::cout << "Client connected: " << client.address().to_string() << std::endl;
  });
  const auto went = server.on_disconnected([](Connection client, const tickwire::Error&) {
    std::cout << "Client disconnected: " << client.address().to_string() << std::endl;
  });
  const auto words =
      server.on_network_message([&](Connection client, const NetworkMessage& message) {
        if (message.has_header("handshake")) {
          client.send(NetworkMessage("Hello from the server!").add_header("handshake", "example"));
          server.broadcast(NetworkMessage("Somebody is new."), {.except = client});
        }
        std::cout << "Message received: " << message.body_text() << std::endl;
      });
  server.on_update([](const tickwire::Tick&) {});  // 120 times a second

  const auto bound = server.listen(argc > 1 ? argv[1] : "tcp://127.0.0.1:8080");
  if (!bound) {
    std::cerr << bound.error().message() << '\n';
    return 1;
  }
  std::cout << "Listening at " << bound->to_string() << std::endl;
  return server.run() == tickwire::ErrorCode::none ? 0 : 1;
}
