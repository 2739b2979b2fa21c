// SPDX-License-Identifier: MIT
#include <iostream>
#include <string>

#include <tickwire/task.hpp>
#include <tickwire/tickwire.hpp>

/// obj-over-tcp's echo server in asynchronous mode: a task for every connection.
namespace {

tickwire::Task<> echo(tickwire::Connection connection) {
  while (const auto object = co_await tickwire::receive<std::string>(connection)) {
    std::cout << "Object received: " << *object << std::endl;
    co_await tickwire::sent(connection.send(*object));
  }
}

}  // namespace

int main(int argc, char** argv) {
  tickwire::Host host;
  tickwire::Tasks tasks;
  host.attach(tasks);
  tasks.serve(echo);
  const auto errors = host.on_error([](tickwire::Connection, const tickwire::Error& error) {
    std::cout << "ERROR: " << error.message() << std::endl;
  });
  const auto bound = host.listen(argc > 1 ? argv[1] : "tcp://0.0.0.0:10000");
  if (!bound) {
    std::cerr << bound.error().message() << '\n';
    return 1;
  }
  std::cout << "Listening at " << bound->to_string() << std::endl;
  return host.run() == tickwire::ErrorCode::none ? 0 : 1;
}
