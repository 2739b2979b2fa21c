// SPDX-License-Identifier: MIT
#include "idle.hpp"

#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <ctime>
#include <thread>
#include <utility>
#include <vector>

#include "options.hpp"
#include "report.hpp"
#include "usage.hpp"

namespace bench {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

double microseconds_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

/// The median over those that found nothing, with a pause before each.
double poll_microseconds(const IdleEnd& end, Clock::duration pause) {
  // Who has slept may have to wait for the processor, which is not what is asked. Reading that
  // clock costs as much as a short poll.
  const clockid_t clock = pause > 0s ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
  std::vector<double> times;
  for (const auto until = Clock::now() + 1s; Clock::now() < until || times.empty();) {
    if (pause > 0s) std::this_thread::sleep_for(pause);
    const double before = microseconds_of(clock);
    const bool found_nothing = end.poll();
    const double time = microseconds_of(clock) - before;
    if (found_nothing) times.push_back(time);
  }
  return at_share(std::move(times), 0.5);
}

}  // namespace

IdleOptions read_idle_options(int argc, char** argv, const IdleOptions& defaults) {
  IdleOptions options = defaults;
  CLI::App app("Accepts connections that stay idle, and prints what they cost, as lines of JSON.");
  add_names(app, options.workload, options.peer);
  app.add_option("--scheme", options.scheme, "what they go over: tcp, tls, enet, ...");
  app.add_option("--connections", options.connections, "how many")->check(CLI::Range(1, 200'000));
  app.add_option("--listeners", options.listeners, "ports that they are spread over")
      ->check(CLI::Range(1, 64));
  app.add_option("--keep-alive", options.keep_alive_seconds, "seconds between two of them")
      ->check(CLI::Range(0.1, 3600.0));
  app.add_option("--seconds", options.seconds, "how long to watch them sleep")
      ->check(CLI::Range(0.1, 600.0));
  read_or_exit(app, argc, argv);
  return options;
}

unsigned time_limit_seconds(const IdleOptions& options) {
  return static_cast<unsigned>(std::ceil(options.seconds)) + 120;
}

void measure_idle(const IdleOptions& options, const IdleEnd& end) {
  const auto print = [&](std::string_view metric, double value, std::string_view unit) {
    Figure figure({.workload = options.workload,
                   .peer = options.peer,
                   .metric = metric,
                   .value = value,
                   .unit = unit,
                   .better = "lower"});
    figure.add("transport", options.scheme).add("encryption", end.encryption);
    figure.add("connections", options.connections);
    figure.add("keep_alive_seconds", options.keep_alive_seconds);
    figure.add_two_processes().print();
  };
  end.rest(1);
  const auto bytes = static_cast<double>(resident_bytes()) - static_cast<double>(end.bytes_before);
  print("memory", bytes / static_cast<double>(options.connections), "B/connection");
  print("poll", poll_microseconds(end, 0s), "us");
  const double busy_before = processor_seconds();
  end.rest(options.seconds);
  print("idle_cpu", (processor_seconds() - busy_before) * 1e3 / options.seconds, "ms/s");
  // Each has a look to do that is due, which those of a tight loop rarely have.
  print("poll_each_16ms", poll_microseconds(end, 16ms), "us");
}

}  // namespace bench
