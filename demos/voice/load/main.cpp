// SPDX-License-Identifier: MIT
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstring>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>
#include <span>
#include <tickwire/codec.hpp>
#include <vector>

#include "demos/shared/program.hpp"
#include "demos/shared/seconds.hpp"
#include "demos/shared/standard_streams.hpp"
#include "protocol.hpp"
#include "tls_options.hpp"

/// Many talkers at once, in one process: how much of their speech arrives, and how late.
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// How late packets were: of a long run as many as there is sensible memory for, each with the same
// chance to be kept, and in any case the least and the most.
// Source: Vitter, "Random sampling with a reservoir", 1985, algorithm R.
class Delays {
 public:
  void add(double delay_us) {
    least_us_ = count_ == 0 ? delay_us : std::min(least_us_, delay_us);
    most_us_ = std::max(most_us_, delay_us);
    ++count_;
    if (kept_us_.size() < most_kept) return kept_us_.push_back(delay_us);
    const auto at = std::uniform_int_distribution<std::uint64_t>(0, count_ - 1)(random_);
    if (at < most_kept) kept_us_[static_cast<std::size_t>(at)] = delay_us;
  }

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }

  [[nodiscard]] nlohmann::json figures_ms() {
    std::sort(kept_us_.begin(), kept_us_.end());
    const auto at = [&](double part) {
      if (kept_us_.empty()) return 0.0;
      return kept_us_[static_cast<std::size_t>(part * static_cast<double>(kept_us_.size() - 1))] /
             1000.0;
    };
    return {{"min", least_us_ / 1000},
            {"median", at(0.5)},
            {"p99", at(0.99)},
            {"max", most_us_ / 1000}};
  }

 private:
  static constexpr std::size_t most_kept = 4'000'000;

  std::vector<double> kept_us_;
  std::uint64_t count_ = 0;
  double least_us_ = 0;
  double most_us_ = 0;
  std::mt19937_64 random_{1};
};

struct Options {
  std::string url;
  std::size_t clients = 128;
  std::size_t room_members = 8;
  double rate_hz = 50;
  std::size_t payload_bytes = 80;
  double seconds = 5;
  std::string json_file;
  tickwire::TlsConfig tls;
};

void read_options(CLI::App& app, Options& options) {
  app.add_option("--connect", options.url, "the relay, as in enet://127.0.0.1:7777")->required();
  app.add_option("--clients", options.clients, "talkers")->check(CLI::Range(2, 4000));
  app.add_option("--room", options.room_members, "members of each room")->check(CLI::Range(2, 64));
  app.add_option("--rate", options.rate_hz, "packets per second of each")->check(CLI::Range(1, 90));
  app.add_option("--bytes", options.payload_bytes, "bytes of speech in each packet")
      ->check(CLI::Range(8, 1000));
  app.add_option("--seconds", options.seconds, "how long")->check(demo::seconds(1, 600));
  app.add_option("--json", options.json_file, "a file for the figures");
  voice::add_client_tls_options(app, options.tls);
}

struct Talker {
  tickwire::Connection connection;
  std::uint16_t number = 0;
  std::size_t listeners = 0;
  Clock::time_point next_at;
};

class Load {
 public:
  explicit Load(const Options& options) : options_(options), host_(host_config(options)) {}

  /// Calls for everybody and waits until all are in their rooms.
  [[nodiscard]] bool join() {
    talkers_.resize(options_.clients);
    const demo::Deadline limit(30);
    std::size_t called = 0;
    while (joined_ < options_.clients && error_.empty() && !limit.is_over()) {
      if (demo::is_stopped()) error_ = "Stopped before all talkers were in.";
      // A few at a time, as people come in.
      for (int i = 0; i < 8 && called < options_.clients && called < joined_ + 32; ++i) {
        const auto connection = host_.connect(
            options_.url, {.name = "talker " + std::to_string(called), .user_data = called});
        if (!connection) {
          error_ = connection.error().message();
          break;
        }
        talkers_[called++].connection = *connection;
      }
      pump(5ms);
    }
    if (error_.empty() && joined_ < options_.clients) error_ = "Not all talkers got in in time.";
    return error_.empty();
  }

  void talk() {
    const auto period = std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double>(1 / options_.rate_hz));
    const auto start = Clock::now();
    for (std::size_t i = 0; i < talkers_.size(); ++i) {
      // Spread over the period, as independent talkers are.
      talkers_[i].next_at =
          start + period * static_cast<int>(i) / static_cast<int>(talkers_.size());
      talkers_[i].listeners = listeners_of(i);
    }
    const demo::Deadline end(options_.seconds);
    while (!end.is_over() && !demo::is_stopped() && error_.empty()) {
      const auto now = Clock::now();
      auto next = now + period;
      for (Talker& talker : talkers_) {
        while (talker.next_at <= now) {
          say(talker);
          talker.next_at += period;
        }
        next = std::min(next, talker.next_at);
      }
      host_.flush();
      pump(std::max<tickwire::Duration>(next - Clock::now(), 0ns));
    }
    const demo::Deadline rest(0.5);
    while (!rest.is_over())
      pump(20ms);
  }

  [[nodiscard]] const std::string& error() const noexcept { return error_; }

  [[nodiscard]] nlohmann::json figures() {
    return {{"clients", options_.clients},
            {"room", options_.room_members},
            {"payload_bytes", options_.payload_bytes},
            {"sent", sent_},
            {"expected", expected_},
            {"received", delays_.count()},
            {"delivered_ratio",
             expected_ > 0 ? static_cast<double>(delays_.count()) / static_cast<double>(expected_)
                           : 0.0},
            {"delay_ms", delays_.figures_ms()}};
  }

 private:
  static tickwire::HostConfig host_config(const Options& options) {
    tickwire::HostConfig config;
    config.application = voice::application;
    config.tick_rate_hz = std::nullopt;
    config.channels = voice::channels();
    config.limits.max_connections = options.clients;
    config.limits.max_message_bytes = voice::max_message_bytes;
    config.tls = options.tls;
    config.events = tickwire::EventMask::all().without(tickwire::EventType::data_sent);
    return config;
  }

  [[nodiscard]] std::string room_of(std::size_t talker) const {
    return "room " + std::to_string(talker / options_.room_members);
  }
  [[nodiscard]] std::size_t listeners_of(std::size_t talker) const {
    const std::size_t first = talker / options_.room_members * options_.room_members;
    return std::min(options_.room_members, options_.clients - first) - 1;
  }

  void say(Talker& talker) {
    speech_.talker = talker.number;
    ++speech_.sequence;
    speech_.opus.resize(options_.payload_bytes);
    const auto now = Clock::now().time_since_epoch().count();
    std::memcpy(speech_.opus.data(), &now, sizeof now);
    if (!talker.connection.send(speech_, {.channel = voice::speech_channel})) return;
    ++sent_;
    expected_ += talker.listeners;
  }

  void pump(tickwire::Duration timeout) {
    for (auto event = host_.wait_for(timeout); event; event = host_.poll())
      handle(*event);
  }

  void handle(const tickwire::Event& event) {
    if (event.type == tickwire::EventType::connected) {
      const auto index = *event.connection.user_data<std::size_t>();
      event.connection.send(voice::JoinRoom{room_of(index)}, {.channel = voice::room_channel});
    } else if (event.is<voice::Speech>()) {
      if (event.read(heard_) != tickwire::ErrorCode::none) return;
      Clock::rep then = 0;
      std::memcpy(&then, heard_.opus.data(), std::min(sizeof then, heard_.opus.size()));
      const auto delay = Clock::now().time_since_epoch() - Clock::duration(then);
      delays_.add(std::chrono::duration<double, std::micro>(delay).count());
    } else if (event.is<voice::RoomJoined>()) {
      if (const auto joined = event.as<voice::RoomJoined>()) {
        talkers_[*event.connection.user_data<std::size_t>()].number = joined->own_talker;
        ++joined_;
      }
    } else if (event.type == tickwire::EventType::error ||
               event.type == tickwire::EventType::disconnected) {
      error_ = event.error.message();
    }
  }

  const Options& options_;
  tickwire::Host host_;
  std::vector<Talker> talkers_;
  Delays delays_;
  voice::Speech speech_;
  voice::Speech heard_;
  std::size_t joined_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t expected_ = 0;
  std::string error_;
};

int run(const Options& options) {
  Load load(options);
  if (load.join()) load.talk();
  if (!load.error().empty()) return demo::fail(load.error());
  const nlohmann::json figures = load.figures();
  const auto& delay = figures["delay_ms"];
  std::cout << std::fixed << std::setprecision(3) << options.clients << " talkers in rooms of "
            << options.room_members << ": " << figures["sent"] << " packets said, "
            << figures["received"] << " of " << figures["expected"] << " heard\n"
            << "talker to listener, through the relay: min " << delay["min"].get<double>()
            << " ms, median " << delay["median"].get<double>() << " ms, 99th percentile "
            << delay["p99"].get<double>() << " ms, max " << delay["max"].get<double>() << " ms\n";
  if (!options.json_file.empty() && !demo::write_file(options.json_file, figures.dump(2) + "\n")) {
    return demo::fail("The file " + options.json_file + " cannot be written.");
  }
  if (figures["received"] == 0) return demo::fail("Nothing of what was said was heard.");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  demo::open_standard_streams();
  Options options;
  CLI::App app("Many talkers for a tickwire-voice-relay, and what becomes of their speech.",
               "tickwire-voice-load");
  read_options(app, options);
  CLI11_PARSE(app, argc, argv);
  if (const std::string reason = voice::address_objection(app, std::span(&options.url, 1));
      !reason.empty()) {
    return demo::fail(reason);
  }
  demo::catch_stop_signals();
  return demo::run_guarded([&] { return run(options); });
}
