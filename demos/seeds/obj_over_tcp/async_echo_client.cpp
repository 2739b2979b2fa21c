// SPDX-License-Identifier: MIT
#include <chrono>
#include <iostream>
#include <string>

#include <tickwire/task.hpp>
#include <tickwire/tickwire.hpp>

/// obj-over-tcp's echo client in asynchronous mode, as a task that reads from top to bottom.
namespace {

using namespace std::chrono_literals;

tickwire::Task<> talk(tickwire::Host& host, std::string url, int& status) {
  auto connection = host.connect(url);
  if (connection) connection = co_await tickwire::connected(*connection);
  if (connection) {
    co_await tickwire::sent(connection->send("my message"));
    const auto echo = co_await tickwire::receive<std::string>(*connection, 10s);
    std::cout << "Echo received: " << (echo ? *echo : echo.error().message()) << '\n';
    status = echo && *echo == "my message" ? 0 : 1;
    connection->close();
    static_cast<void>(co_await tickwire::next_event(*connection));  // its end
  } else {
    std::cout << connection.error().message() << '\n';
  }
  host.stop();
}

}  // namespace

int main(int argc, char** argv) {
  tickwire::Host host;
  tickwire::Tasks tasks;
  host.attach(tasks);
  int status = 1;
  const std::string url = argc > 1 ? argv[1] : "tcp://127.0.0.1:10000";
  if (!tasks.spawn(talk(host, url, status))) return 1;
  return host.run() == tickwire::ErrorCode::none ? status : 1;
}
