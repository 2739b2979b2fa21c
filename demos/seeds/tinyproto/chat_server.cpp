// SPDX-License-Identifier: MIT
#include <iostream>
#include <memory>
#include <string>

#include <tickwire/session_handler.hpp>
#include <tickwire/tickwire.hpp>

/// tinyproto's chat server: what one says, all others hear.
namespace {

class ChatConnection : public tickwire::SessionHandler {
 public:
  explicit ChatConnection(tickwire::Host& server) : server_(server) {
    handle(&ChatConnection::on_text);
  }
  void on_open() override { say(connection().name() + " is here."); }
  void on_close(const tickwire::Error&) override { say(connection().name() + " has left."); }

 private:
  void on_text(const std::string& text) { say(connection().name() + ": " + text); }
  void say(const std::string& line) {
    std::cout << line << std::endl;
    server_.broadcast(line, {.except = connection()});
  }

  tickwire::Host& server_;
};

}  // namespace

int main(int argc, char** argv) {
  tickwire::Host server;
  tickwire::SessionHandlers room(
      [&](tickwire::Connection) { return std::make_unique<ChatConnection>(server); });
  server.attach(room);
  const auto bound = server.listen(argc > 1 ? argv[1] : "tcp://127.0.0.1:9124");
  if (!bound) {
    std::cerr << bound.error().message() << '\n';
    return 1;
  }
  std::cout << "Listening at " << bound->to_string() << std::endl;
  return server.run() == tickwire::ErrorCode::none ? 0 : 1;
}
