// SPDX-License-Identifier: MIT
#include <iostream>
#include <memory>
#include <string>

#include <tickwire/session_handler.hpp>
#include <tickwire/tickwire.hpp>

/// tinyproto's echo server: a class for each connection. QUIT ends a connection, SRVQUIT the server
/// and everybody's. It listens at every address that is given.
namespace {

class EchoConnection : public tickwire::SessionHandler {
 public:
  explicit EchoConnection(tickwire::Host& server) : server_(server) {
    handle(&EchoConnection::on_text);
  }
  void on_open() override {
    std::cout << "Connection opened from " << connection().address().to_string() << std::endl;
  }
  void on_close(const tickwire::Error&) override {
    std::cout << "Connection closed from " << connection().address().to_string() << std::endl;
  }

 private:
  void on_text(const std::string& text) {
    if (text == "QUIT") {
      close();
    } else if (text == "SRVQUIT") {
      server_.close("The server shuts down.");
    } else {
      send("Echo back: " + text);
    }
  }

  tickwire::Host& server_;
};

}  // namespace

int main(int argc, char** argv) {
  tickwire::Host server;
  tickwire::SessionHandlers connections(
      [&](tickwire::Connection) { return std::make_unique<EchoConnection>(server); });
  server.attach(connections);
  for (int i = 1; i < argc || i == 1; ++i) {
    const auto bound = server.listen(i < argc ? argv[i] : "tcp://127.0.0.1:9123");
    if (!bound) {
      std::cerr << bound.error().message() << '\n';
      return 1;
    }
    std::cout << "Listening at " << bound->to_string() << std::endl;
  }
  server.on_update([&](const tickwire::Tick&) {
    const bool is_closed = server.listening_addresses().empty();
    if (is_closed && connections.count() == 0) server.stop();
  });
  return server.run() == tickwire::ErrorCode::none ? 0 : 1;
}
