// SPDX-License-Identifier: MIT
#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <optional>
#include <stdexcept>
#include <string>
#include <tickwire/tickwire.hpp>
#include <vector>

#include "support/options.hpp"
#include "support/process.hpp"
#include "support/report.hpp"
#include "support/tickwire_host.hpp"
#include "support/usage.hpp"

/// How late the ticks of a host are that answers small messages meanwhile, and whether there are
/// as many as there should be. Who sends the messages is another process.
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using tickwire::EventType;

constexpr std::size_t kMessageBytes = 64;

struct Options {
  std::string workload = "ticks";
  std::string peer = "tickwire";
  std::string scheme = "tcp";
  double rate_hz = 120;
  std::size_t messages_per_second = 4000;  ///< 0: none
  double seconds = 5;
};

Options read_options(int argc, char** argv) {
  Options options;
  CLI::App app("Measures how late ticks are under load, and prints it as lines of JSON.");
  bench::add_names(app, options.workload, options.peer);
  app.add_option("--scheme", options.scheme, "what the messages go over: tcp, tls, enet");
  app.add_option("--rate", options.rate_hz, "ticks in a second")->check(CLI::Range(1.0, 10'000.0));
  app.add_option("--load", options.messages_per_second, "messages in a second; 0: none")
      ->check(CLI::Range(0, 1'000'000));
  app.add_option("--seconds", options.seconds, "how long")->check(CLI::Range(0.1, 600.0));
  bench::read_or_exit(app, argc, argv);
  return options;
}

/// Sends so many messages a second, each millisecond those that are due, until it is ended.
void load(const Options& options, const bench::TlsFiles* files, const std::string& url) {
  tickwire::Host host(bench::host_config(files));
  const auto dialled = host.connect(url);
  if (!dialled) bench::throw_error(dialled.error());
  const auto connection = host.wait_connected(*dialled, 5s);
  if (!connection) bench::throw_error(connection.error());

  const std::vector<std::byte> message(kMessageBytes);
  const auto begin = Clock::now();
  for (std::size_t sent = 0;;) {
    const std::chrono::duration<double> passed = Clock::now() - begin;
    const double due = passed.count() * static_cast<double>(options.messages_per_second);
    for (; static_cast<double>(sent) < due; ++sent) {
      if (auto done = connection->send_bytes(message); !done) bench::throw_error(done.error());
    }
    host.flush();
    for (auto event = host.wait_for(1ms); event; event = host.poll())
      bench::expect_life(*event);
  }
}

/// The steady clock, which stands still while a host is made, so that it is known when its ticks
/// begin.
class StartClock final : public tickwire::Clock {
 public:
  [[nodiscard]] tickwire::TimePoint now() const noexcept override {
    return stands_ ? start_ : tickwire::steady_clock().now();
  }
  [[nodiscard]] tickwire::TimePoint start() const noexcept { return start_; }
  void go() noexcept { stands_ = false; }

 private:
  tickwire::TimePoint start_ = tickwire::steady_clock().now();
  bool stands_ = true;
};

/// What came of the ticks, from the first message on.
struct Seen {
  std::vector<double> late_us;
  std::uint64_t first_index = 0;
  std::uint64_t last_index = 0;
  std::size_t echoed = 0;
  bool counts = false;
};

/// By its number and this clock, not by what the host says about it.
void take_tick(Seen& seen, const Options& options, const StartClock& clock, std::uint64_t index) {
  if (!seen.counts) return;
  if (seen.late_us.empty()) seen.first_index = index;
  seen.last_index = index;
  const std::chrono::duration<double, std::micro> passed = clock.now() - clock.start();
  seen.late_us.push_back(passed.count() - static_cast<double>(index) * 1e6 / options.rate_hz);
}

void serve(const Options& options, tickwire::Host& host, Seen& seen) {
  const auto length =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.seconds));
  seen.counts = options.messages_per_second == 0;
  std::optional<Clock::time_point> end;
  while (!end || Clock::now() < *end) {
    if (seen.counts && !end) end = Clock::now() + length;
    for (auto event = host.wait_for(100ms); event; event = host.poll()) {
      bench::expect_life(*event);
      if (event->type != EventType::data_received) continue;
      seen.counts = true;
      ++seen.echoed;
      if (auto sent = event->connection.send_bytes(event->bytes()); !sent)
        bench::throw_error(sent.error());
    }
  }
}

/// How much later the last fifth of the ticks is than the first.
double drift_us(const std::vector<double>& late_us) {
  const auto fifth = static_cast<std::ptrdiff_t>(late_us.size() / 5);
  return bench::at_share({late_us.end() - fifth, late_us.end()}, 0.5) -
         bench::at_share({late_us.begin(), late_us.begin() + fifth}, 0.5);
}

void report(const Options& options, const Seen& seen) {
  const auto print = [&](std::string_view metric, double value, std::string_view unit,
                         std::string_view better) {
    bench::Figure figure({.workload = options.workload,
                          .peer = options.peer,
                          .metric = metric,
                          .value = value,
                          .unit = unit,
                          .better = better});
    figure.add("transport", options.scheme);
    figure.add("encryption", bench::encryption_of(options.scheme));
    figure.add("message_bytes", kMessageBytes);
    figure.add("ticks", seen.late_us.size()).add("ticks_hz", options.rate_hz);
    figure.add("echoed", seen.echoed).add_two_processes().print();
  };
  print("late_median", bench::at_share(seen.late_us, 0.5), "us", "lower");
  print("late_p99", bench::at_share(seen.late_us, 0.99), "us", "lower");
  print("late_max", bench::at_share(seen.late_us, 1), "us", "lower");
  print("drift", std::abs(drift_us(seen.late_us)), "us", "lower");
  const auto due = static_cast<double>(seen.last_index - seen.first_index + 1);
  print("done", static_cast<double>(seen.late_us.size()) / due, "of those due", "higher");
}

void run(const Options& options) {
  std::optional<bench::TlsFiles> made;
  if (bench::is_encrypted(options.scheme)) made.emplace();
  const bench::TlsFiles* const files = made ? &*made : nullptr;
  const bench::TextPipe url;
  std::optional<bench::Child> loader;
  if (options.messages_per_second > 0) loader.emplace([&] { load(options, files, url.receive()); });

  StartClock clock;
  tickwire::HostConfig config = bench::host_config(files);
  config.clock = &clock;
  config.tick_rate_hz = options.rate_hz;
  tickwire::Host host(config);
  clock.go();
  Seen seen;
  host.on_update([&](const tickwire::Tick& tick) { take_tick(seen, options, clock, tick.index); });
  url.send(bench::listen_on_loopback(host, options.scheme));
  serve(options, host, seen);
  if (loader) loader->end();
  if (seen.late_us.size() < 10) throw std::runtime_error("There were too few ticks to measure.");
  report(options, seen);
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = read_options(argc, argv);
  return bench::run_program(static_cast<unsigned>(std::ceil(options.seconds)) + 30,
                            [&] { run(options); });
}
