// SPDX-License-Identifier: MIT
#include <chrono>
#include <condition_variable>
#include <iostream>
#include <mutex>
#include <string>

#include <tickwire/runner.hpp>
#include <tickwire/tickwire.hpp>

/// Alvaro's client: it lives on a thread of its own, and the program waits for the connection, with
/// a time-out. With a third argument it trusts that certificate: `client tls://localhost:8888
/// CERT`.
int main(int argc, char** argv) {
  using namespace std::chrono_literals;
  using tickwire::Connection;
  std::mutex mutex;
  std::condition_variable changed;
  bool is_connected = false;
  int messages = 0;
  const auto tell = [&](auto&& change) {
    const std::lock_guard lock(mutex);
    change();
    changed.notify_all();
  };

  const std::string url = argc > 1 ? argv[1] : "tcp://127.0.0.1:8888";
  tickwire::HostConfig config;
  if (argc > 2) config.tls.pinned_certificate_file = argv[2];
  auto client = tickwire::Runner::start(
      config, [&](tickwire::Host& host, tickwire::RunnerKeeper& keeper) -> tickwire::Result<void> {
        keeper.keep(host.on_connected([&](Connection server) {
          server.send("Good day.", {.metadata = {{"whoami", "client"}}});
          tell([&] { is_connected = true; });
        }));
        keeper.keep(host.on_message<std::string>([&](Connection, const std::string& text) {
          std::cout << "Message: " << text << std::endl;
          tell([&] { ++messages; });
        }));
        keeper.keep(host.on_error([](Connection, const tickwire::Error& error) {
          std::cout << error.message() << std::endl;
        }));
        const auto dialled = host.connect(url);
        if (!dialled) return dialled.error();
        return {};
      });
  if (!client) {
    std::cerr << client.error().message() << '\n';
    return 1;
  }
  std::unique_lock lock(mutex);
  if (!changed.wait_for(lock, 6s, [&] { return is_connected; })) return 1;
  std::cout << "Connected!" << std::endl;
  return changed.wait_for(lock, 6s, [&] { return messages == 2; }) ? 0 : 1;
}
