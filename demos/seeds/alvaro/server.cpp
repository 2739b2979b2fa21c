// SPDX-License-Identifier: MIT
#include <iostream>
#include <string>

#include <tickwire/tickwire.hpp>
#include <tickwire/workers.hpp>

/// Alvaro's server: callbacks, metadata beside the data, and a background task with a finish
/// function. With a certificate and its key it speaks TLS: `server tls://0.0.0.0:8888 CERT KEY`.
int main(int argc, char** argv) {
  using tickwire::Connection;
  using tickwire::EventType;
  tickwire::HostConfig config;
  if (argc > 3) {
    config.tls.certificate_file = argv[2];
    config.tls.private_key_file = argv[3];
  }
  tickwire::Host server(config);
  tickwire::Workers workers(server);

  const auto new_client = server.on_connected([&](Connection client) {
    std::cout << "New connection from " << client.address().to_string() << std::endl;
    client.send("Hello, World!", {.metadata = {{"whoami", "server"}}});
    workers.run([] { return std::string("Hello from the background!"); },
                [client](const tickwire::Result<std::string>& words) {
                  std::cout << "Finished the task" << std::endl;
                  client.send(words ? *words : words.error().message());
                });
  });
  const auto got_data = server.on_event([](const tickwire::Event& event) {
    const auto text = event.as<std::string>();
    if (!text) return;
    std::cout << "Message: " << *text << std::endl;
    const tickwire::Metadata metadata = event.metadata();
    const tickwire::Value* who = metadata.find("whoami");
    if (who != nullptr && *who == tickwire::Value("client")) {
      std::cout << "MetaData transferred successfully!" << std::endl;
    }
  });
  const auto lost_client = server.on_disconnected([](Connection, const tickwire::Error& why) {
    std::cout << "Lost a client: " << why.message() << std::endl;
  });

  const auto bound = server.listen(argc > 1 ? argv[1] : "tcp://127.0.0.1:8888");
  if (!bound) {
    std::cerr << bound.error().message() << '\n';
    return 1;
  }
  std::cout << "Listening at " << bound->to_string() << std::endl;
  return server.run() == tickwire::ErrorCode::none ? 0 : 1;
}
