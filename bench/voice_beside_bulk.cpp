// SPDX-License-Identifier: MIT
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <string>
#include <tickwire/tickwire.hpp>
#include <vector>

#include "support/options.hpp"
#include "support/process.hpp"
#include "support/report.hpp"
#include "support/tickwire_host.hpp"
#include "support/tickwire_voice.hpp"

/// How late small messages come that are sent 50 times a second, alone or while large ones go out
/// on a channel of lower priority of the same connection.
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using tickwire::EventType;

constexpr std::uint8_t kBulkChannel = 0;

struct Options {
  std::string workload = "voice_beside_bulk";
  std::string peer = "tickwire";
  std::string scheme = "tcp";
  std::size_t bulk_bytes = 100'000'000;  ///< of one message; 0: none
  double seconds = 5;
};

Options read_options(int argc, char** argv) {
  Options options;
  CLI::App app("Measures how late small messages come, and prints it as lines of JSON.");
  bench::add_names(app, options.workload, options.peer);
  app.add_option("--scheme", options.scheme, "what they go over: tcp, tls, enet");
  app.add_option("--bulk", options.bulk_bytes, "bytes of a large message; 0: none")
      ->check(CLI::Range(std::size_t{0}, std::size_t{1} << 31));
  app.add_option("--seconds", options.seconds, "how long")->check(CLI::Range(1.0, 600.0));
  bench::read_or_exit(app, argc, argv);
  return options;
}

tickwire::HostConfig config_for(const Options& options, const bench::TlsFiles* files) {
  tickwire::HostConfig config = bench::host_config(files);
  bench::add_voice_channel(config);
  auto& limits = config.limits;
  limits.max_message_bytes = std::max<std::size_t>(options.bulk_bytes, 1024);
  limits.max_send_queue_bytes = 2 * limits.max_message_bytes + 65536;
  limits.max_reassembly_bytes = limits.max_message_bytes + 65536;
  limits.max_host_reassembly_bytes = 2 * limits.max_reassembly_bytes;
  return config;
}

/// Talks until it is ended, and keeps one large message on its way.
void talk(const Options& options, const bench::TlsFiles* files, const std::string& url) {
  tickwire::Host host(config_for(options, files));
  const auto dialled = host.connect(url);
  if (!dialled) bench::throw_error(dialled.error());
  const auto connection = host.wait_connected(*dialled, 5s);
  if (!connection) bench::throw_error(connection.error());

  bench::Voice voice(*connection);
  tickwire::MessageId under_way = 0;
  while (true) {
    voice.speak(host);
    if (under_way == 0 && options.bulk_bytes > 0) {
      const auto sent = connection->send_bytes(std::vector<std::byte>(options.bulk_bytes),
                                               {.channel = kBulkChannel});
      if (!sent) bench::throw_error(sent.error());
      under_way = *sent;
    }
    for (auto event = host.wait_for(voice.until_next()); event; event = host.poll()) {
      bench::expect_life(*event);
      if (event->type == EventType::data_sent && event->message_id == under_way) under_way = 0;
    }
  }
}

/// Latencies, and bytes of large messages.
struct Heard {
  std::vector<double> late_ms;
  std::size_t bulk_bytes = 0;
};

Heard listen(const Options& options, tickwire::Host& host) {
  Heard heard;
  std::optional<Clock::time_point> end;
  while (!end || Clock::now() < *end) {
    for (auto event = host.wait_for(100ms); event; event = host.poll()) {
      bench::expect_life(*event);
      if (event->type == EventType::connected) {
        end = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                 std::chrono::duration<double>(options.seconds));
      }
      if (event->type != EventType::data_received) continue;
      if (event->channel == kBulkChannel) {
        heard.bulk_bytes += event->bytes().size();
      } else {
        heard.late_ms.push_back(bench::late_ms(*event));
      }
    }
  }
  return heard;
}

void report(const Options& options, std::string_view metric, double value, std::string_view unit,
            std::string_view better) {
  bench::Figure figure({.workload = options.workload,
                        .peer = options.peer,
                        .metric = metric,
                        .value = value,
                        .unit = unit,
                        .better = better});
  figure.add("transport", options.scheme)
      .add("encryption", bench::encryption_of(options.scheme))
      .add("voice_bytes", bench::kVoiceBytes)
      .add("bulk_bytes", options.bulk_bytes)
      .add_two_processes();
  figure.print();
}

void run(const Options& options) {
  std::optional<bench::TlsFiles> made;
  if (bench::is_encrypted(options.scheme)) made.emplace();
  const bench::TlsFiles* const files = made ? &*made : nullptr;
  const bench::TextPipe url;
  bench::Child talker([&] { talk(options, files, url.receive()); });

  tickwire::Host host(config_for(options, files));
  url.send(bench::listen_on_loopback(host, options.scheme));
  const Heard heard = listen(options, host);
  talker.end();
  const bench::Lateness late(heard.late_ms);
  report(options, "late_median", late.median_ms, "ms", "lower");
  report(options, "late_p99", late.p99_ms, "ms", "lower");
  report(options, "heard", static_cast<double>(heard.late_ms.size()) / (50 * options.seconds),
         "ratio", "higher");
  if (options.bulk_bytes == 0) return;
  report(options, "bulk", static_cast<double>(heard.bulk_bytes) / 1e6 / options.seconds, "MB/s",
         "higher");
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = read_options(argc, argv);
  return bench::run_program(static_cast<unsigned>(std::ceil(options.seconds)) + 30,
                            [&] { run(options); });
}
