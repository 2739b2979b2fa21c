// SPDX-License-Identifier: MIT
#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <system_error>
#include <tickwire/access_list.hpp>
#include <utility>

#include "demos/shared/log.hpp"
#include "demos/shared/printable.hpp"
#include "demos/shared/program.hpp"
#include "demos/shared/seconds.hpp"
#include "demos/shared/standard_streams.hpp"
#include "protocol.hpp"
#include "relay/relay.hpp"
#include "tls_options.hpp"

namespace {

struct Options {
  std::vector<std::string> urls;
  std::string ready_file;
  std::string access_file;
  double seconds = 0;
  voice::RelayConfig relay;
  bool verbose = false;
};

void read_options(CLI::App& app, Options& options) {
  app.add_option("--listen", options.urls, "where to take calls, as in enet://0.0.0.0:7777")
      ->required();
  app.add_option("--ready-file", options.ready_file,
                 "a file to write the addresses into, one a line, once up");
  app.add_option("--seconds", options.seconds, "end after so long (0: run until stopped)")
      ->check(demo::seconds());
  app.add_option("--max-clients", options.relay.max_clients, "clients at the same time")
      ->capture_default_str()
      ->check(CLI::Range(1, 4000));
  app.add_option("--max-per-address", options.relay.max_clients_per_address,
                 "clients from one address")
      ->capture_default_str()
      ->check(CLI::Range(1, 4000));
  app.add_option("--max-room", options.relay.max_room_members, "members of one room")
      ->capture_default_str()
      ->check(CLI::Range(std::size_t{2}, voice::most_room_members));
  app.add_option("--access", options.access_file, "addresses to refuse, one a line");
  voice::add_server_tls_options(app, options.relay.host.tls);
  app.add_flag("--verbose", options.verbose, "say who comes and goes, and log what connections do");
}

// Renewed certificates come into use without anybody being cut off.
void reload_certificates(voice::Relay& relay, const Options& options, demo::Log& log) {
  if (!voice::has_tls(options.urls)) {
    return log.write("there is no tls:// address, so no certificate to read");
  }
  const auto reloaded = relay.host().reload_certificates();
  log.write(reloaded ? "certificates were read anew"
                     : "the old certificates stay: " + reloaded.error().message());
}

void reload_access(tickwire::AccessList& access, demo::Log& log) {
  const auto reloaded = access.reload();
  log.write(reloaded ? "the access list was read anew"
                     : "the old access list stays: " + demo::printable(reloaded.error().message()));
}

tickwire::Result<void> open_access(Options& options, demo::Log& log) {
  if (options.access_file.empty()) return {};
  auto access = tickwire::AccessList::open({.file = options.access_file});
  if (!access) return std::move(access).error();
  options.relay.host.access = *access;
  if (std::error_code error; !std::filesystem::exists(options.access_file, error)) {
    log.write("The access list " + demo::printable(options.access_file) +
              " does not exist yet; nobody is refused.");
  }
  return {};
}

[[nodiscard]] bool write_addresses(const std::string& file,
                                   const std::vector<tickwire::Address>& addresses) {
  std::string lines;
  for (const tickwire::Address& address : addresses)
    lines += address.to_string() + '\n';
  return demo::write_file(file, lines);
}

// Lets everybody hear the goodbye, for a second at most.
void close(voice::Relay& relay, demo::Log& log) {
  relay.close();
  const demo::Deadline goodbye(1.0);
  while (relay.is_anybody_here() && !goodbye.is_over()) {
    relay.run_for(std::chrono::milliseconds(20));
  }
  const auto& counters = relay.counters();
  log.write("relay ends: " + std::to_string(counters.speech_received) + " speech packets in, " +
            std::to_string(counters.speech_forwarded) + " out, " +
            std::to_string(counters.speech_refused) + " refused, " +
            std::to_string(counters.joins_refused) + " joins refused");
}

int run(Options& options, demo::Log& log, demo::Log& warnings) {
  if (const auto opened = open_access(options, log); !opened) {
    return demo::fail(opened.error().message());
  }
  voice::Relay relay(options.relay);
  for (const std::string& url : options.urls) {
    const auto bound = relay.listen(url);
    if (!bound) return demo::fail(bound.error().message());
    log.write("relay listens on " + bound->to_string());
  }
  if (!options.ready_file.empty() &&
      !write_addresses(options.ready_file, relay.host().listening_addresses())) {
    return demo::fail("The file " + options.ready_file + " cannot be written.");
  }
  const demo::Deadline end(options.seconds);
  while (!demo::is_stopped() && !end.is_over() && !relay.failure()) {
    relay.run_for(std::chrono::milliseconds(200));
    log.flush();
    warnings.flush();
    if (!demo::take_hangup()) continue;
    reload_certificates(relay, options, log);
    if (options.relay.host.access) reload_access(*options.relay.host.access, log);
  }
  close(relay, log);
  return relay.failure() ? demo::fail(relay.failure()->message()) : 0;
}

}  // namespace

int main(int argc, char** argv) {
  demo::open_standard_streams();
  Options options;
  CLI::App app("Passes voices on between the members of rooms.", "tickwire-voice-relay");
  read_options(app, options);
  CLI11_PARSE(app, argc, argv);
  if (const std::string reason = voice::address_objection(app, options.urls); !reason.empty()) {
    return demo::fail(reason);
  }
  demo::Log log(1);
  demo::Log warnings(2);
  options.relay.host.log.sink = [&](tickwire::LogLevel level, std::string_view line) {
    const bool warns = level >= tickwire::LogLevel::warning;
    warnings.write((warns ? "tickwire warns: " : "tickwire: ") + demo::printable(line));
  };
  if (options.verbose) {
    options.relay.host.log.level = tickwire::LogLevel::info;
    options.relay.news = [&](const std::string& line) { log.write(line); };
  }
  demo::catch_stop_signals(demo::Hangup::is_noted);
  return demo::run_guarded([&] { return run(options, log, warnings); });
}
