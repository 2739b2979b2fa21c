// SPDX-License-Identifier: MIT
#include <iostream>
#include <string>
#include <thread>

#include <tickwire/tickwire.hpp>

/// tinyproto's chat client: `chat_client NAME [URL]`; every line that is typed is said.
int main(int argc, char** argv) {
  using tickwire::Connection;
  using tickwire::Error;
  if (argc < 2) {
    std::cout << "usage: " << argv[0] << " NAME [URL]\n";
    return 2;
  }
  tickwire::Host client;
  const auto dialled =
      client.connect(argc > 2 ? argv[2] : "tcp://127.0.0.1:9124", {.name = argv[1]});
  if (!dialled) {
    std::cerr << dialled.error().message() << '\n';
    return 1;
  }
  bool came_up = false;
  const auto up = client.on_connected([&](Connection server) {
    came_up = true;
    std::cout << "You are in." << std::endl;
    std::thread([server, poster = client.poster()] {
      std::string line;
      while (std::getline(std::cin, line)) {
        if (!poster([server, line] { server.send(line); })) return;
      }
      poster([server] { server.close(); });
    }).detach();
  });
  const auto words = client.on_message<std::string>(
      [](Connection, const std::string& line) { std::cout << line << std::endl; });
  const auto end = [&](Connection, const Error& why) {
    std::cout << why.message() << std::endl;
    client.stop();
  };
  const auto down = client.on_disconnected(end);
  const auto never = client.on_error(end);
  return client.run() == tickwire::ErrorCode::none && came_up ? 0 : 1;
}
