// SPDX-License-Identifier: MIT
#include "relay.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
#include <random>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <utility>

#include "options.hpp"
#include "usage.hpp"

namespace bench {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kDrain = 500ms;
constexpr std::size_t kHeardForADelay = 8;  // a look at the clock costs as much as a packet does

std::vector<std::size_t> mixed(std::size_t count) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::mt19937 random(1);
  for (std::size_t i = count; i > 1; --i)
    std::swap(order[i - 1], order[random() % i]);
  return order;
}

/// What a packet begins with.
struct Head {
  std::int64_t sent_ns = 0;
  std::uint64_t talker = 0;
};

std::int64_t ns_of(Clock::time_point moment) {
  return std::chrono::nanoseconds(moment.time_since_epoch()).count();
}

std::optional<Head> head_of(Packet packet, const RelayOptions& options) {
  if (packet.size() != kVoiceBytes) return std::nullopt;
  Head head;
  std::memcpy(&head, packet.data(), sizeof head);
  if (head.talker >= options.clients) return std::nullopt;
  return head;
}

// Room for what all will hear, already paged in: to grow while they talk would be heard as a gap of
// ten milliseconds and more, whoever passes on.
std::vector<float> room_for_delays(const RelayOptions& options) {
  const auto talk = static_cast<double>(options.clients * options.packets_per_second);
  const auto most = talk * static_cast<double>(options.room - 1) * (options.seconds + 1);
  std::vector<float> delays(static_cast<std::size_t>(most) / kHeardForADelay);
  delays.clear();
  return delays;
}

Clock::duration duration_of(double seconds) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

}  // namespace

RelayOptions read_relay_options(int argc, char** argv, const char* peer) {
  RelayOptions options;
  options.peer = peer;
  CLI::App app("Measures a relay of voices, and prints it as lines of JSON.");
  add_names(app, options.workload, options.peer);
  app.add_option("--clients", options.clients, "how many")->check(CLI::Range(2, 1000));
  app.add_option("--room", options.room, "members of a room")->check(CLI::Range(2, 1000));
  app.add_option("--rate", options.packets_per_second, "packets of each client in a second")
      ->check(CLI::Range(1, 10'000));
  app.add_flag("--find-most", options.finds_most, "find the most that the relay can pass on");
  app.add_option("--seconds", options.seconds, "how long")->check(CLI::Range(0.5, 600.0));
  app.add_option("--tick-ms", options.tick_ms, "between two looks; 0: whenever something comes")
      ->check(CLI::Range(0.0, 100.0));
  app.callback([&] {
    if (options.clients % options.room != 0)
      throw CLI::ValidationError("--clients", "wants rooms that are full");
  });
  read_or_exit(app, argc, argv);
  return options;
}

std::optional<std::size_t> talker_of(Packet packet, const RelayOptions& options) {
  const auto head = head_of(packet, options);
  if (!head) return std::nullopt;
  return head->talker;
}

Talkers::Talkers(const RelayOptions& options)
    : options_(options),
      delays_ms_(room_for_delays(options)),
      begin_(Clock::now()),
      counted_from_(begin_ + duration_of(options.warm_up_seconds)),
      end_(counted_from_ + duration_of(options.seconds)),
      order_(mixed(options.clients)) {}

void Talkers::talk(const Send& send) {
  const auto now = Clock::now();
  const auto turn = Clock::duration(1s) / options_.packets_per_second / options_.clients;
  for (; begin_ + turns_ * turn <= std::min(now, end_); ++turns_) {
    const Head head{ns_of(now), order_[turns_ % order_.size()]};
    std::array<std::byte, kVoiceBytes> packet{};
    std::memcpy(packet.data(), &head, sizeof head);
    send(head.talker, packet);
    if (now >= counted_from_) ++said_;
    behind_ms_ = std::chrono::duration<double, std::milli>(now - begin_ - turns_ * turn).count();
  }
}

void Talkers::hear(std::size_t client, Packet packet) {
  const auto head = head_of(packet, options_);
  if (!head || head->talker == client || head->talker / options_.room != client / options_.room)
    throw std::runtime_error("A client heard what is not for it.");
  if (head->sent_ns < ns_of(counted_from_)) return;
  if (heard_++ % kHeardForADelay != 0) return;
  delays_ms_.push_back(static_cast<float>(ns_of(Clock::now()) - head->sent_ns) / 1e6f);
}

bool Talkers::is_over() const {
  return Clock::now() >= end_ + kDrain;
}

std::string Talkers::summary() {
  if (delays_ms_.size() < 100) throw std::runtime_error("Too little was heard to measure.");
  std::sort(delays_ms_.begin(), delays_ms_.end());
  const auto at = [&](double share) {
    return delays_ms_[static_cast<std::size_t>(share * static_cast<double>(delays_ms_.size() - 1))];
  };
  const auto wanted = static_cast<double>(said_ * (options_.room - 1));
  std::ostringstream text;
  const auto heard = static_cast<double>(heard_);
  text << heard / wanted << ' ' << heard / options_.seconds << ' ' << at(0.5) << ' ' << at(0.99)
       << ' ' << behind_ms_;
  return text.str();
}

void RelayMeter::look() {
  if (end_ || packets_ == 0) return;
  const auto now = Clock::now();
  if (!first_packet_) first_packet_ = now;
  const auto warm = *first_packet_ + duration_of(options_.warm_up_seconds);
  if (!begin_ && now >= warm) begin_ = moment();
  // A little less than the talk takes, so that its end is not in it.
  if (begin_ && now >= warm + duration_of(options_.seconds) - 50ms) end_ = moment();
}

void RelayMeter::finish() {
  if (begin_ && !end_) end_ = moment();
}

RelayMeter::Moment RelayMeter::moment() const {
  return {processor_seconds(), packets_};
}

double RelayMeter::ns_per_packet() const {
  if (!begin_ || !end_ || end_->packets == begin_->packets)
    throw std::runtime_error("Too little was forwarded to measure.");
  return (end_->processor_seconds - begin_->processor_seconds) * 1e9 /
         static_cast<double>(end_->packets - begin_->packets);
}

RelayTicks::RelayTicks(double tick_ms)
    : tick_(std::chrono::duration_cast<Clock::duration>(
          std::chrono::duration<double, std::milli>(tick_ms))) {}

bool RelayTicks::wait() {
  if (tick_ == Clock::duration::zero()) return false;
  next_ = std::max(next_ + tick_, Clock::now());
  std::this_thread::sleep_until(next_);
  return true;
}

}  // namespace bench
