// SPDX-License-Identifier: MIT
#include <chrono>
#include <iostream>
#include <string>

#include <tickwire/hub.hpp>
#include <tickwire/runner.hpp>
#include <tickwire/tickwire.hpp>

/// socket.engine's host: a thread of its own serves, this one asks now and then what has come.
int main(int argc, char** argv) {
  using namespace std::chrono_literals;
  tickwire::Hub* hub = nullptr;
  const std::string url = argc > 1 ? argv[1] : "tcp://127.0.0.1:8080";
  auto runner = tickwire::Runner::start(
      {}, [&](tickwire::Host& host, tickwire::RunnerKeeper& keeper) -> tickwire::Result<void> {
        hub = &keeper.make<tickwire::Hub>(tickwire::HubOptions{.name = "host"});
        host.attach(*hub);
        const auto bound = hub->open(url);
        if (!bound) return bound.error();
        std::cout << "Listening at " << bound->to_string() << std::endl;
        host.on_update([&host, hub](const tickwire::Tick&) {
          for (const auto& item : hub->read<std::string>("test")) {
            std::cout << item.value << std::endl;
            host.stop();
          }
        });
        return {};
      });
  if (!runner) {
    std::cerr << runner.error().message() << '\n';
    return 1;
  }
  return runner->wait() ? 0 : 1;
}
