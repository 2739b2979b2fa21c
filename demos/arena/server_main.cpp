// SPDX-License-Identifier: MIT
#include <CLI/CLI.hpp>
#include <chrono>

#include "demos/arena/schemes.hpp"
#include "demos/arena/server.hpp"
#include "demos/shared/log.hpp"
#include "demos/shared/program.hpp"
#include "demos/shared/seconds.hpp"
#include "demos/shared/standard_streams.hpp"

namespace {

struct Options {
  std::vector<std::string> urls{"enet://0.0.0.0:7878"};
  std::string ready_file;
  double seconds = 0;
  arena::ServerConfig server;
};

void read_options(CLI::App& app, Options& options) {
  app.add_option("--listen", options.urls, "where to take calls (default: enet://0.0.0.0:7878)");
  app.add_option("--max-players", options.server.max_players, "players at the same time")
      ->capture_default_str()
      ->check(CLI::Range(std::size_t{1}, arena::max_players));
  app.add_option("--ready-file", options.ready_file,
                 "a file to write the addresses into, one a line, once up");
  app.add_option("--seconds", options.seconds, "end after so long (0: run until stopped)")
      ->check(demo::seconds());
}

// Lets everybody hear the goodbye, for a second at most.
void close(arena::Server& server, demo::Log& log) {
  server.close();
  const demo::Deadline goodbye(1.0);
  while (server.is_anybody_here() && !goodbye.is_over())
    server.run_for(std::chrono::milliseconds(20));
  const arena::ServerCounters counters = server.counters();
  log.write("server ends: inputs " + std::to_string(counters.inputs.taken) + " taken, " +
            std::to_string(counters.inputs.missing) + " missing, " +
            std::to_string(counters.inputs.refused) + " too early; packets " +
            std::to_string(counters.packets_malformed) + " malformed, " +
            std::to_string(counters.packets_too_many) + " too many; joins " +
            std::to_string(counters.joins_refused) + " refused");
}

int run(const Options& options, demo::Log& log) {
  arena::Server server(options.server);
  std::string addresses;
  for (const std::string& url : options.urls) {
    const auto bound = server.listen(url);
    if (!bound) return demo::fail(bound.error().message());
    log.write("server listens on " + bound->to_string());
    addresses += bound->to_string() + '\n';
  }
  if (!options.ready_file.empty() && !demo::write_file(options.ready_file, addresses)) {
    return demo::fail("The file " + options.ready_file + " cannot be written.");
  }
  const demo::Deadline end(options.seconds);
  while (!demo::is_stopped() && !end.is_over() && !server.failure()) {
    server.run_for(std::chrono::milliseconds(100));
    log.flush();
  }
  close(server, log);
  return server.failure() ? demo::fail(server.failure()->message()) : 0;
}

}  // namespace

int main(int argc, char** argv) {
  demo::open_standard_streams();
  Options options;
  CLI::App app("Keeps the world of a small game for up to 16 players.", "tickwire-arena-server");
  read_options(app, options);
  CLI11_PARSE(app, argc, argv);
  for (const std::string& url : options.urls)
    if (const std::string reason = arena::scheme_objection(url); !reason.empty()) {
      return demo::fail(reason);
    }
  demo::Log log(1);
  options.server.news = [&](const std::string& line) { log.write(line); };
  demo::catch_stop_signals();
  return demo::run_guarded([&] { return run(options, log); });
}
