// SPDX-License-Identifier: MIT
#include <chrono>
#include <cstdint>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

#include <tickwire/ticker.hpp>

#include "lib/base/ring_queue.hpp"
#include "support/report.hpp"
#include "test/instructions/work.hpp"

/// The small things that a message passes through, each on its own, by Google Benchmark. With
/// `--workload` it prints lines of JSON for scripts/bench, else it is a program of Google
/// Benchmark's with all of its options.
namespace {

/// In and out again, 64 at a time, through a queue that has grown.
void ring_queue(benchmark::State& state) {
  constexpr std::size_t kCount = 64;
  tickwire::detail::RingQueue<std::uint64_t> queue;
  for (auto _ : state) {
    for (std::uint64_t i = 0; i < kCount; ++i)
      queue.push_back(i);
    for (std::size_t i = 0; i < kCount; ++i)
      benchmark::DoNotOptimize(queue.take_front());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(kCount) * state.iterations());
}

/// A pass each millisecond at 120 Hz: mostly nothing is due.
void ticker(benchmark::State& state) {
  tickwire::TimePoint now{std::chrono::hours(1)};
  tickwire::Ticker ticker(120, now);
  for (auto _ : state) {
    now += std::chrono::milliseconds(1);
    while (const auto tick = ticker.next(now))
      benchmark::DoNotOptimize(tick->index);
  }
  state.SetItemsProcessed(state.iterations());
}

/// What test/instructions counts instructions of.
void work(benchmark::State& state, const char* name) {
  constexpr std::size_t kMessages = 1000;
  const auto work = tickwire::test::make_work(name);
  for (auto _ : state)
    work->run(kMessages);
  state.SetItemsProcessed(static_cast<std::int64_t>(kMessages) * state.iterations());
}

/// Settings of a run for scripts/bench. Nothing else is read then.
struct Options {
  std::string workload;
  double seconds = 1;
};

Options read_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; ++i) {
    if (argv[i] == std::string_view("--workload")) options.workload = argv[i + 1];
    if (argv[i] == std::string_view("--seconds")) options.seconds = std::stod(argv[i + 1]);
  }
  return options;
}

/// Prints each benchmark as a figure: the processor's time for one item.
class FigureReporter final : public benchmark::BenchmarkReporter {
 public:
  explicit FigureReporter(std::string workload) : workload_(std::move(workload)) {}

  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      const bench::Figure figure({.workload = workload_,
                                  .peer = run.run_name.function_name,
                                  .metric = "processor time",
                                  .value = 1e9 / run.counters.at("items_per_second").value,
                                  .unit = "ns",
                                  .better = "lower"});
      figure.print();
    }
  }

 private:
  std::string workload_;
};

void run(int argc, char** argv) {
  const Options options = read_options(argc, argv);
  const std::vector<benchmark::internal::Benchmark*> all{
      benchmark::RegisterBenchmark("ring queue: push and take", ring_queue),
      benchmark::RegisterBenchmark("ticker: a look", ticker),
      benchmark::RegisterBenchmark("codec: encode and decode", work, "codec"),
      benchmark::RegisterBenchmark("sessions: a message", work, "session"),
      benchmark::RegisterBenchmark("hosts over memory: a message", work, "host"),
  };
  if (options.workload.empty()) {
    benchmark::Initialize(&argc, argv);
    if (!benchmark::ReportUnrecognizedArguments(argc, argv)) benchmark::RunSpecifiedBenchmarks();
    return;
  }
  for (auto* each : all)
    each->MinTime(options.seconds / static_cast<double>(all.size()));
  FigureReporter reporter(options.workload);
  benchmark::RunSpecifiedBenchmarks(&reporter);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(argc, argv);
  } catch (const std::exception& problem) {
    std::cerr << problem.what() << '\n';
    return 1;
  }
  return 0;
}
