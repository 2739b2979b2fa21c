// SPDX-License-Identifier: MIT
#include "ping.hpp"

#include <sched.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <system_error>

#include "frame.hpp"
#include "options.hpp"
#include "report.hpp"

namespace bench {
namespace {

constexpr double kWarmUpShare = 0.2;
constexpr double kMostTripsPerSecond = 2e6;
constexpr std::size_t kFewestTrips = 10;

std::string pinning_of(const PingOptions& options) {
  if (options.cpus.empty()) return "none";
  const std::string first = "cpu " + std::to_string(options.cpus[0]);
  if (options.cpus.size() == 1) return "both ends to " + first;
  return "one end to " + first + ", the other to cpu " + std::to_string(options.cpus[1]);
}

}  // namespace

PingOptions read_ping_options(int argc, char** argv, const PingOptions& defaults) {
  PingOptions options = defaults;
  CLI::App app(
      "Sends a message over loopback to a child process and waits until it is back, again and "
      "again, and prints how long that took as lines of JSON.");
  add_names(app, options.workload, options.peer);
  app.add_option("--scheme", options.scheme, "what it goes over: tcp, enet, ...");
  app.add_option("--payload", options.payload, "what Tickwire sends")
      ->check(CLI::IsMember({"bytes", "object"}));
  app.add_option("--delivery", options.delivery, "for those that have a choice")
      ->check(CLI::IsMember({"reliable", "unreliable"}));
  app.add_option("--wait", options.wait, "how both ends wait")
      ->check(CLI::IsMember({"block", "spin"}));
  app.add_option("--spin-by", options.spin_by, "how Tickwire spins: poll in a loop, or by config")
      ->check(CLI::IsMember({"poll", "config"}));
  app.add_option("--cpus", options.cpus, "a processor for both ends, or one for each (not pinned)")
      ->delimiter(',')
      ->expected(1, 2)
      ->check(CLI::Range(0, CPU_SETSIZE - 1));
  app.add_option("--bytes", options.message_bytes, "bytes of a message")
      ->check(CLI::Range(std::size_t{2 * Stamp::bytes}, std::size_t{1024}));
  app.add_option("--seconds", options.seconds, "how long")->check(CLI::Range(0.01, 600.0));
  read_or_exit(app, argc, argv);
  return options;
}

unsigned time_limit_seconds(const PingOptions& options) {
  return static_cast<unsigned>(std::ceil(options.seconds)) + 20;
}

void pin(const PingOptions& options, PingEnd end) {
  if (options.cpus.empty()) return;
  cpu_set_t wanted;
  CPU_ZERO(&wanted);
  CPU_SET(end == PingEnd::asks ? options.cpus.front() : options.cpus.back(), &wanted);
  if (sched_setaffinity(0, sizeof wanted, &wanted) != 0)
    throw std::system_error(errno, std::generic_category(), "sched_setaffinity");
}

RoundTrips::RoundTrips(const PingOptions& options) : options_(options) {
  nanoseconds_.reserve(static_cast<std::size_t>(options.seconds * kMostTripsPerSecond));
}

Stamp RoundTrips::next() {
  if (number_++ == 0) {
    const auto after = [now = Clock::now()](double seconds) {
      return now +
             std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
    };
    counts_from_ = after(options_.seconds * kWarmUpShare);
    end_ = after(options_.seconds);
    last_ = Clock::now();
  }
  return {number_, ~number_};
}

void RoundTrips::take(const Stamp& stamp) {
  // One trip begins when the one before has ended: the clock is read once for each.
  const auto now = Clock::now();
  if (stamp.near != number_ || stamp.far != ~number_)
    throw std::runtime_error("The answer to message " + std::to_string(number_) + " is another.");
  if (last_ >= counts_from_)
    nanoseconds_.push_back(
        static_cast<std::uint32_t>(std::chrono::nanoseconds(now - last_).count()));
  finished_ = now >= end_;
  last_ = now;
}

void RoundTrips::take(std::span<const std::byte> message) {
  if (message.size() != options_.message_bytes)
    throw std::runtime_error("An answer has a wrong length.");
  take(stamp_of(message));
}

void RoundTrips::report(std::string_view one_message) {
  if (nanoseconds_.size() < kFewestTrips) throw std::runtime_error("Too few trips to measure.");
  std::sort(nanoseconds_.begin(), nanoseconds_.end());
  const auto at = [&](double share) {
    return nanoseconds_[static_cast<std::size_t>(share *
                                                 static_cast<double>(nanoseconds_.size() - 1))];
  };
  print("round_trip_median", at(0.5), one_message);
  print("round_trip_p99", at(0.99), one_message);
}

void RoundTrips::print(std::string_view metric, double nanoseconds,
                       std::string_view one_message) const {
  Figure figure({.workload = options_.workload,
                 .peer = options_.peer,
                 .metric = metric,
                 .value = nanoseconds / 1e3,
                 .unit = "us",
                 .better = "lower"});
  figure.add("transport", options_.scheme)
      .add("encryption", "none")
      .add("message_bytes", options_.message_bytes)
      .add("messages", nanoseconds_.size())
      .add("seconds", options_.seconds)
      .add("ends", "two processes")
      .add("pinning", pinning_of(options_))
      .add("wait", options_.wait)
      .add("one_message", one_message);
  figure.print();
}

PingFrame::PingFrame(const PingOptions& options)
    : frame_bytes_(sizeof(FrameLength) + options.message_bytes), memory_(2 * frame_bytes_) {
  const auto length = static_cast<FrameLength>(options.message_bytes);
  std::memcpy(memory_.data(), &length, sizeof length);
}

std::span<std::byte> PingFrame::message() noexcept {
  return std::span(memory_).first(frame_bytes_).subspan(sizeof(FrameLength));
}

bool PingFrame::received(std::size_t bytes) {
  used_bytes_ += bytes;
  if (used_bytes_ < frame_bytes_) return false;
  FrameLength length = 0;
  std::memcpy(&length, memory_.data(), sizeof length);
  if (used_bytes_ != frame_bytes_ || length != message().size())
    throw std::runtime_error("A frame has a wrong length.");
  used_bytes_ = 0;
  return true;
}

}  // namespace bench
