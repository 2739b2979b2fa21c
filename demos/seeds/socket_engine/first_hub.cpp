// SPDX-License-Identifier: MIT
#include <chrono>
#include <iostream>

#include <tickwire/hub.hpp>
#include <tickwire/tickwire.hpp>

/// socket.engine's first computer: opens a hub, waits for another, writes to all, with a picture.
int main(int argc, char** argv) {
  using namespace std::chrono_literals;
  tickwire::Host host;
  tickwire::Hub hub({.name = "first"});
  host.attach(hub);
  const auto bound = hub.open(argc > 1 ? argv[1] : "tcp://0.0.0.0:8080");
  if (!bound) {
    std::cerr << bound.error().message() << '\n';
    return 1;
  }
  std::cout << "Listening at " << bound->to_string() << std::endl;
  while (hub.peers().empty())
    static_cast<void>(host.wait_for(100ms));
  hub.write("test", "hubs are connected");
  tickwire::Image image{64, 48, tickwire::PixelFormat::gray, {}};
  image.pixels.assign(64 * 48, std::byte{128});
  if (const auto written = hub.write_image(image); !written) {
    std::cerr << written.error().message() << '\n';
    return 1;
  }
  while (!hub.peers().empty())  // until the other has read it
    static_cast<void>(host.wait_for(100ms));
}
