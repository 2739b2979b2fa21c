// SPDX-License-Identifier: MIT
#include <iostream>

#include <tickwire/access_list.hpp>
#include <tickwire/tickwire.hpp>

/// Alvaro's blacklist: whoever connects is refused from then on.
int main(int argc, char** argv) {
  tickwire::HostConfig config;
  const auto list = tickwire::AccessList::open();
  if (!list) {
    std::cerr << list.error().message() << '\n';
    return 1;
  }
  config.access = *list;
  tickwire::Host server(config);
  const auto connection = server.on_connected([](tickwire::Connection client) {
    std::cout << "Blacklisted " << client.address().host << std::endl;
    client.blacklist(std::chrono::hours(1));
  });
  const auto bound = server.listen(argc > 1 ? argv[1] : "tcp://127.0.0.1:8888");
  if (!bound) {
    std::cerr << bound.error().message() << '\n';
    return 1;
  }
  std::cout << "Listening at " << bound->to_string() << std::endl;
  return server.run() == tickwire::ErrorCode::none ? 0 : 1;
}
