// SPDX-License-Identifier: MIT
#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <iostream>

#include "program.hpp"
#include "relay/relay.hpp"
#include "tls_options.hpp"

namespace {

struct Options {
  std::vector<std::string> urls;
  std::string ready_file;
  double seconds = 0;
  voice::RelayConfig relay;
  bool verbose = false;
};

void read_options(CLI::App& app, Options& options) {
  app.add_option("--listen", options.urls, "where to take calls, as in enet://0.0.0.0:7777")
      ->required();
  app.add_option("--ready-file", options.ready_file, "a file to write the address into, once up");
  app.add_option("--seconds", options.seconds, "end after so long (0: run until stopped)")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--max-clients", options.relay.max_clients, "clients at the same time")
      ->check(CLI::Range(1, 4000));
  app.add_option("--max-room", options.relay.max_room_members, "members of one room")
      ->check(CLI::Range(2, 1000));
  voice::add_server_tls_options(app, options.relay.host.tls);
  app.add_flag("--verbose", options.verbose, "log who comes and goes");
}

// Renewed certificates come into use without anybody being cut off.
void reload_certificates(voice::Relay& relay) {
  const auto reloaded = relay.host().reload_certificates();
  std::cout << (reloaded ? "certificates were read anew"
                         : "the old certificates stay: " + reloaded.error().message())
            << std::endl;
}

int run(const Options& options) {
  voice::Relay relay(options.relay);
  for (const std::string& url : options.urls) {
    const auto bound = relay.listen(url);
    if (!bound) return voice::fail(bound.error().message());
    std::cout << "relay listens on " << bound->to_string() << std::endl;
  }
  const auto addresses = relay.host().listening_addresses();
  if (!options.ready_file.empty() &&
      !voice::write_file(options.ready_file, addresses.front().to_string() + "\n")) {
    return voice::fail("The file " + options.ready_file + " cannot be written.");
  }
  const voice::Deadline end(options.seconds);
  while (!voice::is_stopped() && !end.is_over()) {
    relay.run_for(std::chrono::milliseconds(200));
    if (voice::take_hangup()) reload_certificates(relay);
  }

  relay.close();
  const voice::Deadline goodbye(1.0);
  while (relay.host().is_connected() && !goodbye.is_over()) {
    relay.run_for(std::chrono::milliseconds(20));
  }
  const auto& counters = relay.counters();
  std::cout << "relay ends: " << counters.speech_received << " speech packets in, "
            << counters.speech_forwarded << " out, " << counters.speech_refused << " refused\n";
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Passes voices on between the members of rooms.", "tickwire-voice-relay");
  read_options(app, options);
  CLI11_PARSE(app, argc, argv);
  if (options.verbose) options.relay.host.log.level = tickwire::LogLevel::info;
  voice::catch_stop_signals();
  return voice::run_guarded([&] { return run(options); });
}
