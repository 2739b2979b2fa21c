// SPDX-License-Identifier: MIT
#include <iostream>
#include <string>
#include <thread>

#include <tickwire/tickwire.hpp>

/// tinyproto's echo client: sends what is typed, prints what comes back, until QUIT or SRVQUIT.
int main(int argc, char** argv) {
  using tickwire::Connection;
  using tickwire::Error;
  tickwire::Host client;
  bool came_up = false;
  const auto dialled = client.connect(argc > 1 ? argv[1] : "tcp://127.0.0.1:9123");
  if (!dialled) {
    std::cerr << dialled.error().message() << '\n';
    return 1;
  }
  const auto up = client.on_connected([&](Connection server) {
    came_up = true;
    // What blocks has a thread of its own; it reaches the host by its poster.
    std::thread([server, poster = client.poster()] {
      std::string line;
      while (line != "QUIT" && line != "SRVQUIT" && std::getline(std::cin, line)) {
        if (!poster([server, line] { server.send(line); })) return;
      }
      if (!std::cin) poster([server] { server.close(); });  // the other two the server ends
    }).detach();
  });
  const auto words = client.on_message<std::string>([](Connection, const std::string& text) {
    std::cout << "Response from server: " << text << std::endl;
  });
  const auto end = [&](Connection, const Error& why) {
    std::cout << why.message() << std::endl;
    client.stop();
  };
  const auto down = client.on_disconnected(end);
  const auto never = client.on_error(end);
  return client.run() == tickwire::ErrorCode::none && came_up ? 0 : 1;
}
