// SPDX-License-Identifier: MIT
#include "stream.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "options.hpp"
#include "report.hpp"

namespace bench {
namespace {

constexpr std::size_t kLargeMessageBytes = 64 * 1024;

}  // namespace

StreamOptions read_stream_options(int argc, char** argv, const StreamOptions& defaults) {
  StreamOptions options = defaults;
  CLI::App app(
      "Streams messages one way over loopback, from a child process to its parent, and "
      "prints how many arrived as a line of JSON.");
  add_names(app, options.workload, options.peer);
  app.add_option("--scheme", options.scheme, "what it goes over: tcp, tls, ...");
  app.add_option("--payload", options.payload, "what Tickwire sends")
      ->check(CLI::IsMember({"bytes", "object", "buffer"}));
  app.add_option("--delivery", options.delivery, "how ENet sends")
      ->check(CLI::IsMember({"reliable", "unreliable"}));
  app.add_option("--datagrams", options.datagrams,
                 "how large ENet's datagrams are: as each does by itself, or as said")
      ->check(CLI::IsMember({"own", "usual", "large"}));
  app.add_flag("--one-by-one", options.one_by_one,
               "over ENet: Tickwire's datagrams leave one by one");
  app.add_option("--bytes", options.message_bytes, "bytes of a message")
      ->check(CLI::Range(std::size_t{2 * Stamp::bytes}, std::size_t{64} << 20));
  app.add_option("--batch", options.batch_bytes, "bytes that are gathered for a write")
      ->check(CLI::Range(std::size_t{1}, std::size_t{64} << 20));
  app.add_option("--write", options.write_bytes, "most bytes that Asio writes at a time")
      ->check(CLI::Range(std::size_t{1}, std::size_t{64} << 20));
  app.add_option("--seconds", options.seconds, "how long")->check(CLI::Range(0.01, 600.0));
  read_or_exit(app, argc, argv);
  return options;
}

unsigned time_limit_seconds(const StreamOptions& options) {
  return static_cast<unsigned>(std::ceil(options.seconds)) + 20;
}

void put_stamp(Stamp stamp, std::span<std::byte> message) {
  std::memcpy(message.data(), &stamp.near, Stamp::bytes);
  std::memcpy(message.data() + message.size() - Stamp::bytes, &stamp.far, Stamp::bytes);
}

Stamp stamp_of(std::span<const std::byte> message) {
  if (message.size() < 2 * Stamp::bytes) throw std::runtime_error("A message is cut short.");
  Stamp stamp;
  std::memcpy(&stamp.near, message.data(), Stamp::bytes);
  std::memcpy(&stamp.far, message.data() + message.size() - Stamp::bytes, Stamp::bytes);
  return stamp;
}

StreamSource::StreamSource(const StreamOptions& options)
    : messages_per_look_(std::max<std::size_t>(1, 64 * 1024 / options.message_bytes)),
      end_(Clock::now() + std::chrono::duration_cast<Clock::duration>(
                              std::chrono::duration<double>(options.seconds))) {}

Stamp StreamSource::next() {
  const std::uint64_t number = number_++;
  if (number_ % messages_per_look_ == 0) finished_ = Clock::now() >= end_;
  const std::uint64_t near = number * 2 + (finished_ ? 1 : 0);
  return {near, ~near};
}

void StreamSink::take(Stamp stamp) {
  if (count_ == 0) first_ = Clock::now();
  const std::uint64_t number = stamp.near / 2;
  const bool is_expected = loss_ == Loss::fails ? number == next_ : number >= next_;
  if (finished_ || !is_expected || stamp.far != ~stamp.near) {
    throw std::runtime_error("Message " + std::to_string(next_) +
                             " is not what was sent under that number.");
  }
  ++count_;
  next_ = number + 1;
  if (stamp.near % 2 == 0) return;
  finished_ = true;
  last_ = Clock::now();
}

void StreamSink::report(const StreamOptions& options, std::string_view encryption,
                        std::string_view one_message) const {
  const double seconds = std::chrono::duration<double>(last_ - first_).count();
  if (count_ < 2 || seconds <= 0) throw std::runtime_error("Too few messages to measure.");
  // The first message only starts the clock.
  const double per_second = static_cast<double>(count_ - 1) / seconds;
  const bool is_large = options.message_bytes >= kLargeMessageBytes;
  const auto print = [&](std::string_view metric, double value, std::string_view unit) {
    Figure figure({.workload = options.workload,
                   .peer = options.peer,
                   .metric = metric,
                   .value = value,
                   .unit = unit,
                   .better = "higher"});
    figure.add("transport", options.scheme)
        .add("encryption", encryption)
        .add("message_bytes", options.message_bytes)
        .add("messages", count_)
        .add("seconds", seconds)
        .add_two_processes()
        .add("one_message", one_message);
    figure.print();
  };
  if (is_large) {
    print("throughput", per_second * static_cast<double>(options.message_bytes) / 1e6, "MB/s");
  } else {
    print("throughput", per_second, "messages/s");
  }
  if (loss_ == Loss::counts)
    print("arrived", static_cast<double>(count_) / static_cast<double>(next_), "ratio");
}

}  // namespace bench
