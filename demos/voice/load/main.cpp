// SPDX-License-Identifier: MIT
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>
#include <tickwire/codec.hpp>
#include <vector>

#include "program.hpp"
#include "protocol.hpp"
#include "tls_options.hpp"

/// Many talkers at once, in one process: how much of their speech arrives, and how late.
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

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
  app.add_option("--seconds", options.seconds, "how long")->check(CLI::Range(1, 600));
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
  explicit Load(const Options& options) : options_(options), host_(host_config(options)) {
    const auto samples = static_cast<double>(options.clients * options.room_members) *
                         options.rate_hz * options.seconds;
    delays_us_.reserve(static_cast<std::size_t>(samples));
  }

  /// Calls for everybody and waits until all are in their rooms.
  [[nodiscard]] bool join() {
    talkers_.resize(options_.clients);
    const voice::Deadline limit(30);
    std::size_t called = 0;
    while (joined_ < options_.clients && error_.empty() && !limit.is_over()) {
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
    const voice::Deadline end(options_.seconds);
    while (!end.is_over() && !voice::is_stopped() && error_.empty()) {
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
    const voice::Deadline rest(0.5);
    while (!rest.is_over())
      pump(20ms);
  }

  [[nodiscard]] const std::string& error() const noexcept { return error_; }

  [[nodiscard]] nlohmann::json figures() {
    std::sort(delays_us_.begin(), delays_us_.end());
    const auto at = [&](double part) {
      if (delays_us_.empty()) return 0.0;
      return delays_us_[static_cast<std::size_t>(part *
                                                 static_cast<double>(delays_us_.size() - 1))] /
             1000.0;
    };
    return {{"clients", options_.clients},
            {"room", options_.room_members},
            {"payload_bytes", options_.payload_bytes},
            {"sent", sent_},
            {"expected", expected_},
            {"received", delays_us_.size()},
            {"delivered_ratio",
             expected_ > 0 ? static_cast<double>(delays_us_.size()) / static_cast<double>(expected_)
                           : 0.0},
            {"delay_ms", {{"min", at(0)}, {"median", at(0.5)}, {"p99", at(0.99)}, {"max", at(1)}}}};
  }

 private:
  static tickwire::HostConfig host_config(const Options& options) {
    tickwire::HostConfig config;
    config.application = voice::application;
    config.tick_rate_hz = std::nullopt;
    config.channels = voice::channels();
    config.limits.max_connections = options.clients;
    config.limits.max_message_bytes = 64 * 1024;
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
      delays_us_.push_back(std::chrono::duration<double, std::micro>(delay).count());
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
  std::vector<double> delays_us_;
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
  if (!load.error().empty()) return voice::fail(load.error());
  const nlohmann::json figures = load.figures();
  const auto& delay = figures["delay_ms"];
  std::cout << std::fixed << std::setprecision(3) << options.clients << " talkers in rooms of "
            << options.room_members << ": " << figures["sent"] << " packets said, "
            << figures["received"] << " of " << figures["expected"] << " heard\n"
            << "talker to listener, through the relay: min " << delay["min"].get<double>()
            << " ms, median " << delay["median"].get<double>() << " ms, 99th percentile "
            << delay["p99"].get<double>() << " ms, max " << delay["max"].get<double>() << " ms\n";
  if (!options.json_file.empty() && !voice::write_file(options.json_file, figures.dump(2) + "\n")) {
    return voice::fail("The file " + options.json_file + " cannot be written.");
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Many talkers for a tickwire-voice-relay, and what becomes of their speech.",
               "tickwire-voice-load");
  read_options(app, options);
  CLI11_PARSE(app, argc, argv);
  voice::catch_stop_signals();
  return voice::run_guarded([&] { return run(options); });
}
