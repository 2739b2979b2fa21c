// SPDX-License-Identifier: MIT
#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <tickwire/tickwire.hpp>
#include <vector>

#include "support/idle.hpp"
#include "support/process.hpp"
#include "support/tickwire_host.hpp"
#include "support/usage.hpp"

/// What connections that say nothing cost the process that accepted them: memory, one `poll()`, and
/// processor time while it sleeps. The diallers are another process.
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using tickwire::EventType;

tickwire::Duration seconds(double count) {
  return std::chrono::duration_cast<tickwire::Duration>(std::chrono::duration<double>(count));
}

tickwire::HostConfig config_for(const bench::IdleOptions& options, const bench::TlsFiles* files) {
  tickwire::HostConfig config = bench::host_config(files);
  config.limits.max_connections = options.connections;
  auto& timeouts = config.timeouts;
  timeouts.connect = timeouts.handshake = 60s;
  timeouts.keep_alive = seconds(options.keep_alive_seconds);
  timeouts.idle = std::max<tickwire::Duration>(60s, 4 * timeouts.keep_alive);
  return config;
}

/// Counts events of one type; everything else that ends a connection throws.
std::size_t count_connected(tickwire::Host& host, tickwire::Duration wait) {
  std::size_t count = 0;
  for (auto event = host.wait_for(wait); event; event = host.poll()) {
    if (event->type == EventType::connected) ++count;
    bench::expect_life(*event);
  }
  return count;
}

/// Dials, a few hundred at a time, and then answers keep-alives until it is ended.
void dial_all(const bench::IdleOptions& options, const bench::TlsFiles* files,
              const bench::TextPipe& pipe) {
  constexpr std::size_t kCallsAtOnce = 256;
  std::vector<std::string> urls(options.listeners);
  for (auto& url : urls)
    url = pipe.receive();
  tickwire::Host host(config_for(options, files));
  for (std::size_t dialled = 0, connected = 0;;) {
    for (; dialled < options.connections && dialled - connected < kCallsAtOnce; ++dialled) {
      const auto call = host.connect(urls[dialled % urls.size()]);
      if (!call) bench::throw_error(call.error());
    }
    connected += count_connected(host, 100ms);
  }
}

void rest(tickwire::Host& host, double length) {
  for (const auto end = Clock::now() + seconds(length); Clock::now() < end;)
    count_connected(host, std::chrono::duration_cast<tickwire::Duration>(end - Clock::now()));
}

void run(const bench::IdleOptions& options) {
  bench::allow_descriptors(options.connections);
  std::optional<bench::TlsFiles> made;
  if (bench::is_encrypted(options.scheme)) made.emplace();
  const bench::TlsFiles* const files = made ? &*made : nullptr;
  const bench::TextPipe pipe;
  bench::Child diallers([&] { dial_all(options, files, pipe); });

  tickwire::Host host(config_for(options, files));
  count_connected(host, 10ms);  // what the first pass allocates belongs to no connection
  const std::size_t before = bench::resident_bytes();
  for (std::size_t i = 0; i < options.listeners; ++i)
    pipe.send(bench::listen_on_loopback(host, options.scheme));
  for (std::size_t connected = 0; connected < options.connections;)
    connected += count_connected(host, 1s);
  bench::measure_idle(options, {.bytes_before = before,
                                .poll = [&] { return !host.poll(); },
                                .rest = [&](double length) { rest(host, length); },
                                .encryption = bench::encryption_of(options.scheme)});
  diallers.end();  // before the host goes, which they would complain about
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = bench::read_idle_options(argc, argv, {.peer = "tickwire"});
  return bench::run_program(bench::time_limit_seconds(options), [&] { run(options); });
}
