// SPDX-License-Identifier: MIT
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <tickwire/tickwire.hpp>
#include <tickwire/transfer.hpp>
#include <vector>

#include "support/options.hpp"
#include "support/process.hpp"
#include "support/report.hpp"
#include "support/tickwire_host.hpp"
#include "support/tickwire_voice.hpp"
#include "support/transfer_files.hpp"
#include "support/usage.hpp"

/// How fast a file gets from one process to another and onto its disk by a transfer, and how late
/// small messages come meanwhile on the same connection.
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using tickwire::EventType;

struct Options {
  std::string workload = "transfer";
  std::string peer = "tickwire";
  std::string scheme = "tcp";
  std::string folder;
  std::size_t bytes = std::size_t{1} << 30;
  std::size_t chunk_bytes = tickwire::TransferOptions().chunk_bytes;
  std::size_t window_bytes = tickwire::TransferOptions().window_bytes;
  bool is_sent_twice = false;
  double voice_seconds = 0;  ///< talk so long, alone where there are no bytes
};

Options read_options(int argc, char** argv) {
  Options options;
  CLI::App app("Measures how fast a file is sent, and prints it as lines of JSON.");
  bench::add_names(app, options.workload, options.peer);
  app.add_option("--scheme", options.scheme, "what it goes over: tcp, tls, enet");
  app.add_option("--folder", options.folder, "where the files are (default: temporary files)");
  app.add_option("--bytes", options.bytes, "the file's size")->transform(CLI::AsSizeValue(false));
  app.add_option("--chunk", options.chunk_bytes)->transform(CLI::AsSizeValue(false));
  app.add_option("--window", options.window_bytes)->transform(CLI::AsSizeValue(false));
  app.add_flag("--again", options.is_sent_twice,
               "send it twice and measure the second time, when its checksum is known");
  app.add_option("--voice", options.voice_seconds,
                 "seconds of 50 small messages a second, with the file sent again and again");
  bench::read_or_exit(app, argc, argv);
  if (options.folder.empty()) options.folder = std::filesystem::temp_directory_path();
  return options;
}

tickwire::HostConfig config_for(const bench::TlsFiles* files) {
  tickwire::HostConfig config = bench::host_config(files);
  bench::add_voice_channel(config);
  return config;
}

tickwire::TransferOptions transfer_options(const Options& options) {
  tickwire::TransferOptions transfer;
  transfer.chunk_bytes = options.chunk_bytes;
  transfer.window_bytes = options.window_bytes;
  return transfer;
}

void expect_success(const tickwire::Event& event) {
  bench::expect_life(event);
  if (event.type == EventType::transfer_finished && event.error.code != tickwire::ErrorCode::none)
    bench::throw_error(event.error);
}

/// Sends the file until it is ended, and talks meanwhile.
void send(const Options& options, const bench::TlsFiles* files, const std::string& url,
          const std::string& path) {
  tickwire::Host host(config_for(files));
  tickwire::Transfers transfers(transfer_options(options));
  host.attach(transfers);
  const auto dialled = host.connect(url);
  if (!dialled) bench::throw_error(dialled.error());
  const auto connection = host.wait_connected(*dialled, 5s);
  if (!connection) bench::throw_error(connection.error());

  bench::Voice voice(*connection);
  bool is_offered = options.bytes == 0;
  while (true) {
    if (options.voice_seconds > 0) voice.speak(host);
    if (!is_offered) {
      const auto offered = transfers.offer_file(*connection, path);
      if (!offered) bench::throw_error(offered.error());
      is_offered = true;
    }
    const auto wait = options.voice_seconds > 0 ? voice.until_next() : tickwire::Duration(1s);
    for (auto event = host.wait_for(wait); event; event = host.poll()) {
      expect_success(*event);
      if (event->type == EventType::transfer_finished &&
          (options.is_sent_twice || options.voice_seconds > 0))
        is_offered = false;
    }
  }
}

/// What the receiving end saw.
struct Seen {
  std::vector<double> late_ms;
  std::size_t files = 0;
  double seconds = 0;  ///< from the first offer to the last file
};

Seen receive(const Options& options, tickwire::Host& host, const std::string& target) {
  tickwire::Transfers transfers(transfer_options(options));
  host.attach(transfers);
  Seen seen;
  Clock::time_point begin{};
  std::optional<Clock::time_point> end;
  bool is_first = options.is_sent_twice;
  while (options.voice_seconds > 0 ? !end || Clock::now() < *end : seen.files == 0) {
    for (auto event = host.wait_for(100ms); event; event = host.poll()) {
      expect_success(*event);
      if (event->type == EventType::connected) {
        end = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                 std::chrono::duration<double>(options.voice_seconds));
      } else if (event->type == EventType::transfer_offered) {
        if (seen.files == 0) begin = Clock::now();
        const auto accepted =
            transfers.accept(event->message_id, target, tickwire::WhenThere::replace);
        if (!accepted) bench::throw_error(accepted.error());
      } else if (event->type == EventType::transfer_finished && is_first) {
        is_first = false;
        std::filesystem::remove(target);
      } else if (event->type == EventType::transfer_finished) {
        ++seen.files;
        seen.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
      } else if (event->type == EventType::data_received) {
        seen.late_ms.push_back(bench::late_ms(*event));
      }
    }
  }
  return seen;
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
      .add("file_bytes", options.bytes)
      .add_two_processes();
  figure.print();
}

void run(const Options& options) {
  std::optional<bench::TlsFiles> made;
  if (bench::is_encrypted(options.scheme)) made.emplace();
  const bench::TlsFiles* const tls = made ? &*made : nullptr;
  const bench::TransferFiles files(options.folder, options.bytes);
  const double used_before = bench::processor_seconds();
  const bench::TextPipe url;
  bench::Child sender([&] { send(options, tls, url.receive(), files.source()); });

  tickwire::Host host(config_for(tls));
  url.send(bench::listen_on_loopback(host, options.scheme));
  const Seen seen = receive(options, host, files.target());
  sender.end();
  if (seen.files > 0) {
    const auto gigabytes = static_cast<double>(seen.files * options.bytes) / 1e9;
    report(options, "speed", gigabytes * 1e3 / seen.seconds, "MB/s", "higher");
    if (!options.is_sent_twice)
      report(options, "processor_time", (bench::processor_seconds() - used_before) / gigabytes,
             "s/GB", "lower");
  }
  if (options.voice_seconds == 0) return;
  const bench::Lateness late(seen.late_ms);
  report(options, "late_median", late.median_ms, "ms", "lower");
  report(options, "late_p99", late.p99_ms, "ms", "lower");
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = read_options(argc, argv);
  return bench::run_program(static_cast<unsigned>(options.voice_seconds) + 120,
                            [&] { run(options); });
}
