// SPDX-License-Identifier: MIT
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <tickwire/tickwire.hpp>
#include <vector>

#include "support/process.hpp"
#include "support/report.hpp"
#include "support/tickwire_host.hpp"

/// What connections that say nothing cost the process that accepted them: memory, one `poll()`, and
/// processor time while it sleeps. The diallers are another process.
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using tickwire::EventType;

struct Options {
  std::string workload = "idle_connections";
  std::string peer = "tickwire";
  std::string scheme = "tcp";
  std::size_t connections = 10'000;
  std::size_t listeners = 1;  ///< one address of the dialler has ports for some 28,000 to each
  double keep_alive_seconds = 1;
  double seconds = 3;
};

Options read_options(int argc, char** argv) {
  Options options;
  CLI::App app("Accepts connections that stay idle, and prints what they cost, as lines of JSON.");
  app.add_option("--workload", options.workload, "a name for the report");
  app.add_option("--peer", options.peer, "a name for the report");
  app.add_option("--scheme", options.scheme, "what they go over: tcp, tls, enet, ...");
  app.add_option("--connections", options.connections, "how many")->check(CLI::Range(1, 200'000));
  app.add_option("--listeners", options.listeners, "ports that they are spread over")
      ->check(CLI::Range(1, 64));
  app.add_option("--keep-alive", options.keep_alive_seconds, "seconds between two of them")
      ->check(CLI::Range(0.1, 3600.0));
  app.add_option("--seconds", options.seconds, "how long to watch them sleep")
      ->check(CLI::Range(0.1, 600.0));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error));
  }
  return options;
}

void allow_descriptors(std::size_t count) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t wanted = count + 64;
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = wanted;
  limit.rlim_max = std::max(limit.rlim_max, wanted);
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    throw std::runtime_error("This process may not have " + std::to_string(wanted) +
                             " open files; raise the hard limit (ulimit -Hn).");
  }
}

tickwire::Duration seconds(double count) {
  return std::chrono::duration_cast<tickwire::Duration>(std::chrono::duration<double>(count));
}

tickwire::HostConfig config_for(const Options& options, const bench::TlsFiles* files) {
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
    if (event->type == EventType::error || event->type == EventType::disconnected)
      bench::throw_error(event->error);
  }
  return count;
}

/// Dials, a few hundred at a time, and then answers keep-alives until it is ended.
void dial_all(const Options& options, const bench::TlsFiles* files, const bench::TextPipe& pipe) {
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

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t all_pages = 0;
  std::size_t resident_pages = 0;
  file >> all_pages >> resident_pages;
  if (!file) throw std::runtime_error("/proc/self/statm cannot be read.");
  return resident_pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

double processor_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto total = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return total(usage.ru_utime) + total(usage.ru_stime);
}

void rest(tickwire::Host& host, double length) {
  for (const auto end = Clock::now() + seconds(length); Clock::now() < end;)
    count_connected(host, std::chrono::duration_cast<tickwire::Duration>(end - Clock::now()));
}

/// The median over those that had nothing to hand out.
double poll_microseconds(tickwire::Host& host) {
  std::vector<double> times;
  for (const auto end = Clock::now() + 1s; Clock::now() < end;) {
    const auto before = Clock::now();
    const auto event = host.poll();
    const std::chrono::duration<double, std::micro> time = Clock::now() - before;
    if (!event) times.push_back(time.count());
  }
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

void report(const Options& options, const bench::TlsFiles* files, std::string_view metric,
            double value, std::string_view unit) {
  bench::Figure figure;
  figure.add("workload", options.workload)
      .add("peer", options.peer)
      .add("metric", metric)
      .add("value", value)
      .add("unit", unit)
      .add("better", "lower")
      .add("transport", options.scheme)
      .add("encryption", files == nullptr ? "none" : bench::TlsFiles::encryption)
      .add("connections", options.connections)
      .add("keep_alive_seconds", options.keep_alive_seconds)
      .add("ends", "two processes")
      .add("pinning", "none");
  figure.print();
}

void run(const Options& options) {
  allow_descriptors(options.connections);
  std::optional<bench::TlsFiles> made;
  if (bench::is_encrypted(options.scheme)) made.emplace();
  const bench::TlsFiles* const files = made ? &*made : nullptr;
  const bench::TextPipe pipe;
  bench::Child diallers([&] { dial_all(options, files, pipe); });

  tickwire::Host host(config_for(options, files));
  for (std::size_t i = 0; i < options.listeners; ++i)
    pipe.send(bench::listen_on_loopback(host, options.scheme));
  count_connected(host, 10ms);  // what the first pass allocates belongs to no connection
  const std::size_t before = resident_bytes();
  for (std::size_t connected = 0; connected < options.connections;)
    connected += count_connected(host, 1s);
  rest(host, 1);
  const std::size_t after = resident_bytes();
  const double memory = static_cast<double>(after) - static_cast<double>(before);
  report(options, files, "memory", memory / static_cast<double>(options.connections),
         "B/connection");

  report(options, files, "poll", poll_microseconds(host), "us");
  const double busy_before = processor_seconds();
  rest(host, options.seconds);
  report(options, files, "idle_cpu", (processor_seconds() - busy_before) * 1e3 / options.seconds,
         "ms/s");
  diallers.end();  // before the host goes, which they would complain about
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = read_options(argc, argv);
  return bench::run_program(static_cast<unsigned>(std::ceil(options.seconds)) + 120,
                            [&] { run(options); });
}
