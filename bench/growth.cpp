// SPDX-License-Identifier: MIT
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "support/growth_point.hpp"
#include "support/options.hpp"
#include "support/process.hpp"
#include "support/report.hpp"

/// How messages in a second and memory grow with connections, with the size of a message, with
/// channels or with the listeners of a broadcast.
namespace {

struct Options {
  std::string workload = "growth";
  std::string peer = "tickwire";
  std::string scheme = "tcp";
  std::string by = "connections";
  std::size_t most = 0;  ///< 0: as far as the axis goes
  std::size_t every = 1;
  std::size_t busy = 0;  ///< 0: all
  double seconds = 1;
};

Options read_options(int argc, char** argv) {
  Options options;
  CLI::App app("Measures what grows with what, and prints each point as lines of JSON.");
  bench::add_names(app, options.workload, options.peer);
  app.add_option("--scheme", options.scheme, "what it goes over: tcp, enet");
  app.add_option("--by", options.by, "what grows")
      ->check(CLI::IsMember({"connections", "size", "channels", "listeners"}));
  app.add_option("--most", options.most, "no point above this one");
  app.add_option("--every", options.every, "every so many points only, and the last one")
      ->check(CLI::Range(1, 100));
  app.add_option("--busy", options.busy, "send on so many of the connections only");
  app.add_option("--seconds", options.seconds, "how long for each point")
      ->check(CLI::Range(0.01, 60.0));
  bench::read_or_exit(app, argc, argv);
  return options;
}

std::vector<std::size_t> all_points(std::string_view by) {
  if (by == "connections") return {1, 4, 16, 64, 256, 1000, 4000, 10'000};
  if (by == "channels") return {1, 2, 4, 8, 16, 32, 64};
  if (by == "listeners") return {1, 4, 16, 64, 256, 1000, 4000};
  std::vector<std::size_t> sizes;
  for (std::size_t size = 16; size <= std::size_t{64} << 20; size *= 4)
    sizes.push_back(size);
  return sizes;
}

std::vector<std::size_t> points_of(const Options& options) {
  std::vector<std::size_t> all = all_points(options.by);
  constexpr std::size_t kMostPeersOfEnet = 4095;
  if (options.scheme == "enet" && options.by == "connections")
    std::erase_if(all, [](std::size_t x) { return x > kMostPeersOfEnet; });
  if (options.most > 0) std::erase_if(all, [&](std::size_t x) { return x > options.most; });
  std::vector<std::size_t> points;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (i % options.every == 0 || i + 1 == all.size()) points.push_back(all[i]);
  return points;
}

bench::GrowthPoint point_at(const Options& options, std::size_t x) {
  bench::GrowthPoint point;
  point.scheme = options.scheme;
  if (options.by == "size") {
    point.message_bytes = x;
  } else if (options.by == "channels") {
    point.channels = x;
  } else if (options.by == "connections") {
    // A write holds 16 messages, however many connections there are: all that grows is their
    // number.
    point.connections = x;
    point.busy_connections = options.busy > 0 ? std::min(x, options.busy) : x;
    point.turns_per_pass = std::min(point.busy_connections, point.turns_per_pass);
  } else {
    point.connections = x;
    point.way = bench::Way::broadcast;
    point.turns_per_pass = 1;
  }
  return point;
}

void report(const Options& options, std::size_t x, const bench::Growth& growth) {
  const bench::GrowthPoint point = point_at(options, x);
  const auto print = [&](std::string_view metric, double value, std::string_view unit,
                         std::string_view better) {
    const std::string name = std::string(metric) + "_by_" + options.by;
    bench::Figure figure({.workload = options.workload,
                          .peer = options.peer,
                          .metric = name,
                          .value = value,
                          .unit = unit,
                          .better = better});
    figure.add("at", x).add("transport", options.scheme).add("encryption", "none");
    figure.add("message_bytes", point.message_bytes).add("connections", point.connections);
    figure.add("channels", point.channels).add_two_processes().print();
  };
  const double rate = growth.messages_per_second;
  print("messages", rate, "messages/s", "higher");
  if (options.by == "size")
    print("throughput", rate * static_cast<double>(x) / 1e6, "MB/s", "higher");
  print("user_time", growth.user_ns, "ns/message", "lower");
  print("kernel_time", growth.kernel_ns, "ns/message", "lower");
  print("sender_memory", growth.sender_bytes / 1e3, "kB", "lower");
  print("receiver_memory", growth.receiver_bytes / 1e3, "kB", "lower");
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = read_options(argc, argv);
  const std::vector<std::size_t> points = points_of(options);
  const auto limit = (options.seconds + 10) * static_cast<double>(points.size());
  return bench::run_program(static_cast<unsigned>(std::ceil(limit)), [&] {
    for (const std::size_t x : points)
      report(options, x, bench::measure_growth(point_at(options, x), options.seconds));
  });
}
