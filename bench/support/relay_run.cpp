// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <cmath>
#include <iostream>
#include <optional>
#include <sstream>
#include <stdexcept>

#include "relay.hpp"
#include "report.hpp"

namespace bench {
namespace {

constexpr std::size_t kFirstRate = 100;  // of each client, where the search begins
constexpr std::size_t kLastRate = 6400;
constexpr int kTries = 4;
constexpr int kHalvings = 3;  // of the way between what passed and what did not
constexpr double kSearchWarmUpSeconds = 0.3;
constexpr unsigned kTrialLimitSeconds = 15;

RelayOutcome run_once(const RelayOptions& options, const RelayEnds& ends) {
  const TextPipe address;
  const TextPipe done;
  Child clients([&] { ends.clients(options, address.receive(), done); });
  RelayMeter meter(options);
  ends.relay(options, address, done, meter);
  meter.finish();
  std::istringstream words(done.receive());
  RelayOutcome outcome;
  outcome.ns_per_packet = meter.ns_per_packet();
  words >> outcome.delivered_ratio >> outcome.delivered_per_second >> outcome.delay_median_ms >>
      outcome.delay_p99_ms >> outcome.behind_ms;
  if (!words) throw std::runtime_error("The clients gave no summary.");
  clients.end();
  return outcome;
}

void print(const RelayOptions& options, std::string_view metric, double value,
           std::string_view unit, std::string_view better) {
  Figure figure({.workload = options.workload,
                 .peer = options.peer,
                 .metric = metric,
                 .value = value,
                 .unit = unit,
                 .better = better});
  figure.add("transport", "udp").add("encryption", "none").add("message_bytes", kVoiceBytes);
  figure.add("connections", options.clients).add("room", options.room);
  figure.add("packets_per_second", options.packets_per_second);
  figure.add_two_processes().print();
}

void measure_cost(const RelayOptions& options, const RelayEnds& ends) {
  const RelayOutcome outcome = run_once(options, ends);
  print(options, "processor", outcome.ns_per_packet, "ns for each packet out", "lower");
  print(options, "delivered", outcome.delivered_ratio, "ratio", "higher");
  print(options, "delay_median", outcome.delay_median_ms, "ms", "lower");
  print(options, "delay_p99", outcome.delay_p99_ms, "ms", "lower");
}

bool is_good(const RelayOutcome& outcome) {
  return outcome.delivered_ratio >= 0.99 && outcome.delay_p99_ms < 10 && outcome.behind_ms < 10;
}

/// In processes of its own, so that a relay that breaks down fails this rate alone.
std::optional<RelayOutcome> try_rate(RelayOptions options, std::size_t rate,
                                     const RelayEnds& ends) {
  options.packets_per_second = rate;
  options.warm_up_seconds = kSearchWarmUpSeconds;
  const TextPipe result;
  Child trial([&] {
    alarm(static_cast<unsigned>(std::ceil(options.seconds)) + kTrialLimitSeconds);
    const RelayOutcome outcome = run_once(options, ends);
    std::ostringstream line;
    line << is_good(outcome) << ' ' << outcome.delivered_per_second << ' '
         << outcome.delivered_ratio << ' ' << outcome.delay_p99_ms;
    result.send(line.str());
  });
  try {
    trial.join();
  } catch (const std::runtime_error&) {
    return std::nullopt;
  }
  std::istringstream words(result.receive());
  bool good = false;
  RelayOutcome outcome;
  words >> good >> outcome.delivered_per_second >> outcome.delivered_ratio >> outcome.delay_p99_ms;
  if (!good) return std::nullopt;
  return outcome;
}

/// The rate doubles until one fails, and is then narrowed down between the two. One that fails is
/// tried again: a machine that stands still for 40 ms in two seconds has failed it. Short trials
/// are for a quick look, and get fewer tries.
void find_most(RelayOptions options, const RelayEnds& ends) {
  const int tries = options.seconds < 1 ? kTries / 2 : kTries;
  std::optional<RelayOutcome> most;
  const auto passes = [&](std::size_t rate) {
    std::optional<RelayOutcome> outcome;
    for (int i = 0; i < tries && !outcome; ++i)
      outcome = try_rate(options, rate, ends);
    if (!outcome) return false;
    most = outcome;
    options.packets_per_second = rate;
    return true;
  };
  std::size_t good = kFirstRate / 4;
  std::size_t bad = kFirstRate;
  for (; bad <= kLastRate && passes(bad); bad *= 2)
    good = bad;
  for (int i = 0; i < kHalvings && good < kLastRate; ++i) {
    const auto middle = static_cast<std::size_t>(std::sqrt(static_cast<double>(good * bad)));
    (passes(middle) ? good : bad) = middle;
  }
  if (!most) throw std::runtime_error("No rate was delivered in time.");
  print(options, "most", most->delivered_per_second, "forwards/s in time", "higher");
  print(options, "delivered_then", most->delivered_ratio, "ratio", "higher");
  print(options, "delay_p99_then", most->delay_p99_ms, "ms", "lower");
}

}  // namespace

int run_relay(const RelayOptions& options, const RelayEnds& ends) {
  constexpr unsigned kMostTrials = 11 * kTries;
  const auto limit = static_cast<unsigned>(std::ceil(options.seconds)) + 30;
  return run_program(options.finds_most ? kMostTrials * limit : limit, [&] {
    if (options.finds_most) return find_most(options, ends);
    measure_cost(options, ends);
  });
}

}  // namespace bench
