// SPDX-License-Identifier: MIT
#include "test/soak/run.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <string_view>

#include <tickwire/host.hpp>
#include <tickwire/testing.hpp>

#include "test/soak/path.hpp"
#include "test/soak/talker.hpp"

namespace tickwire::soak {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kStep = milliseconds(1);
constexpr Duration kReadingInterval = milliseconds(250);
constexpr Duration kEchoInterval = seconds(1);  // of a session that measures its round trip
constexpr Duration kConnectTime = seconds(60);  // of one call
constexpr Duration kCallingTime = std::chrono::minutes(10);  // of all
constexpr Duration kSettleTime = std::chrono::minutes(20);
constexpr std::uint64_t kManyTries = 900;
constexpr double kLossTolerance = 0.03;
constexpr double kRttTolerance = 0.10;
constexpr double kRttSlackMs = 3 * std::chrono::duration<double, std::milli>(kStep).count();

double to_ms(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

// One host with all that it says and hears.
struct End {
  End(std::string_view given, HostConfig config, Traffic traffic, std::uint64_t seed)
      : name(given), host(std::move(config)), talker(traffic, seed) {}

  void poll(std::vector<std::string>& failures) {
    while (const auto event = host.poll()) {
      switch (event->type) {
        case EventType::connected:
          connection = event->connection;
          break;
        case EventType::data_received:
          talker.hear(*event);
          break;
        case EventType::disconnected:
          failures.push_back(name + ": " + event->error.message());
          break;
        case EventType::error:
          if (event->connection == Connection()) {
            failures.push_back(name + ": " + event->error.message());
          } else {
            refusal = event->error.message();
          }
          break;
        default:
          break;
      }
    }
  }
  void read() {
    const ConnectionStats stats = connection.stats();
    ++readings;
    rtt_sum += stats.rtt;
    loss_sum += stats.packet_loss_ratio.value_or(0);
    measures_loss = stats.packet_loss_ratio.has_value();
  }

  std::string name;
  Host host;
  Talker talker;
  Connection connection;
  std::optional<std::string> refusal;  // why a call never came up
  int readings = 0;
  Duration rtt_sum{};
  double loss_sum = 0;
  bool measures_loss = false;
};

class Rehearsal {
 public:
  Rehearsal(const Cell& cell, const RunOptions& options)
      : cell_(cell),
        options_(options),
        path_(make_path(cell, options.seed)),
        client_("client", config(), cell.traffic, options.seed * 2),
        server_("server", config(), cell.traffic, options.seed * 2 + 1) {
    result_.name = cell.name;
  }

  CellResult run() {
    if (connect()) talk();
    if (result_.failures.empty()) settle();
    judge();
    return std::move(result_);
  }

 private:
  [[nodiscard]] HostConfig config() const {
    HostConfig config;
    config.application = "soak/1";
    config.tick_rate_hz = std::nullopt;
    config.events = EventMask::all().without(EventType::data_sent);
    config.channels = channels();
    // Calling over the worst of the networks takes a while; what is soaked is what comes then.
    config.timeouts.connect = config.timeouts.handshake = kConnectTime;
    config.clock = &clock_;
    path_->complete(config);
    return config;
  }

  void step() {
    path_->service(clock_.now());
    client_.poll(result_.failures);
    server_.poll(result_.failures);
    path_->service(clock_.now());
    clock_.advance(kStep);
    for (const End* each : {&client_, &server_}) {
      for (const std::string& fault : each->talker.faults())
        result_.failures.push_back(each->name + ": " + fault);
    }
  }

  bool connect() {
    const auto bound = server_.host.listen(path_->listen_url());
    if (!bound) return fail("listen: " + bound.error().message());
    const std::string url = path_->dial_url(*bound);
    const TimePoint end = clock_.now() + kCallingTime;
    for (;;) {
      const auto dialled = client_.host.connect(url);
      if (!dialled) return fail("connect: " + dialled.error().message());
      ++result_.calls;
      client_.refusal.reset();
      while (!client_.refusal) {
        if (client_.connection.is_open() && server_.connection.is_open()) return true;
        if (!result_.failures.empty()) return false;
        step();
      }
      if (clock_.now() >= end) return fail("no call came up: " + *client_.refusal);
    }
  }

  void talk() {
    const TimePoint start = clock_.now();
    TimePoint next_reading = start + options_.talk / 2;
    while (clock_.now() - start < options_.talk && result_.failures.empty()) {
      client_.talker.speak(client_.connection, clock_.now());
      server_.talker.speak(server_.connection, clock_.now());
      step();
      if (clock_.now() < next_reading) continue;
      next_reading += kReadingInterval;
      client_.read();
      server_.read();
    }
  }

  void settle() {
    const TimePoint start = clock_.now();
    while (!client_.talker.heard_all_of(server_.talker) ||
           !server_.talker.heard_all_of(client_.talker)) {
      if (!result_.failures.empty()) return;
      if (clock_.now() - start >= kSettleTime) {
        fail("reliable messages had not arrived " + std::to_string(kSettleTime / seconds(1)) +
             " s after the last word");
        return;
      }
      step();
    }
    result_.settled_after = clock_.now() - start;
  }

  void judge() {
    result_.path_rtt = path_rtt();
    measure(result_.ends[0], client_, server_);
    measure(result_.ends[1], server_, client_);
    if (!result_.failures.empty()) return;
    judge_loss();
    for (std::size_t i = 0; i < result_.ends.size(); ++i)
      judge_rtt(i == 0 ? client_.name : server_.name, result_.ends[i].rtt);
  }

  static void measure(EndFigures& figures, const End& end, const End& other) {
    for (const Stream stream : {Stream::reliable, Stream::bulk}) {
      figures.reliable_messages += end.talker.said(stream).messages;
      figures.reliable_bytes += end.talker.said(stream).bytes;
    }
    const DropCounters drops = end.connection.stats().drops;
    figures.unreliable_said = end.talker.said(Stream::unreliable).messages;
    figures.unreliable_left = end.talker.said(Stream::unreliable).messages -
                              drops.unreliable_queue_full - drops.unreliable_too_old;
    figures.unreliable_arrived = other.talker.heard(Stream::unreliable).messages;
    if (end.readings == 0) return;
    figures.rtt = end.rtt_sum / end.readings;
    if (end.measures_loss) figures.loss_ratio = end.loss_sum / end.readings;
  }

  void judge_loss() {
    const EndFigures& client = result_.ends[0];
    const EndFigures& server = result_.ends[1];
    if (!client.loss_ratio || !server.loss_ratio) return;
    judge_loss("client", *client.loss_ratio, lost_ratio(client), client.unreliable_left);
    judge_loss("server", *server.loss_ratio, lost_ratio(server), server.unreliable_left);
    // What a full queue drops is not set.
    if (cell_.conditions.bytes_per_second || cell_.conditions.stall != Duration::zero()) return;
    judge_loss("both", (*client.loss_ratio + *server.loss_ratio) / 2,
               cell_.conditions.loss_ratio + cell_.conditions.flip_ratio,
               client.unreliable_left + server.unreliable_left);
  }

  void judge_loss(const char* who, double reported, double wanted, std::uint64_t tries) {
    double tolerance = kLossTolerance;
    if (tries != 0 && tries < kManyTries) {
      tolerance += 2 * std::sqrt(wanted * (1 - wanted) / static_cast<double>(tries));
    }
    if (std::abs(reported - wanted) <= tolerance) return;
    char text[120];
    std::snprintf(text, sizeof text, "%s: a loss of %.1f %% is reported, it is %.1f %%", who,
                  reported * 100, wanted * 100);
    fail(text);
  }

  [[nodiscard]] Duration path_rtt() const {
    const Conditions& conditions = cell_.conditions;
    const auto late = static_cast<Duration::rep>(conditions.reorder_ratio *
                                                 static_cast<double>(kReorderDelay.count()));
    return 2 * conditions.delay + conditions.jitter + 2 * Duration(late);
  }

  // How far the mean of as many echoes as the readings stand for strays, as some of them are late.
  [[nodiscard]] double rtt_deviation_ms() const {
    const double late = 2 * cell_.conditions.reorder_ratio;
    const auto echoes = static_cast<double>(options_.talk / 2 / kEchoInterval);
    return to_ms(kReorderDelay) * std::sqrt(late * (1 - late) / std::max(echoes, 1.0));
  }

  void judge_rtt(const std::string& name, Duration reported) {
    const Conditions& conditions = cell_.conditions;
    const bool is_hidden = conditions.bytes_per_second && cell_.transport == Transport::tcp;
    if (is_hidden || conditions.stall != Duration::zero()) return;
    const Duration least = result_.path_rtt;
    const Duration most = least + (conditions.bytes_per_second ? 2 * kQueueTime : Duration::zero());
    const double by_chance_ms = 4 * rtt_deviation_ms();
    const auto slack_ms = [&](Duration of) {
      return std::max(kRttTolerance * to_ms(of), kRttSlackMs) + by_chance_ms;
    };
    if (to_ms(reported) >= to_ms(least) - slack_ms(least) &&
        to_ms(reported) <= to_ms(most) + slack_ms(most)) {
      return;
    }
    char text[120];
    std::snprintf(text, sizeof text, "%s: an rtt of %.1f ms is reported, it is %.1f to %.1f ms",
                  name.c_str(), to_ms(reported), to_ms(least), to_ms(most));
    fail(text);
  }

  bool fail(std::string what) {
    result_.failures.push_back(std::move(what));
    return false;
  }

  const Cell& cell_;
  RunOptions options_;
  CellResult result_;
  ManualClock clock_;
  std::unique_ptr<Path> path_;
  End client_;
  End server_;
};

}  // namespace

double lost_ratio(const EndFigures& end) {
  if (end.unreliable_left == 0) return 0;
  return 1 - static_cast<double>(end.unreliable_arrived) / static_cast<double>(end.unreliable_left);
}

CellResult run_cell(const Cell& cell, const RunOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  CellResult result = Rehearsal(cell, options).run();
  result.wall = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start);
  return result;
}

}  // namespace tickwire::soak
