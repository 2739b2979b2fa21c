// SPDX-License-Identifier: MIT
#include "test/support/host_chaos.hpp"

#include <algorithm>
#include <chrono>
#include <set>

#include "test/support/local_tls.hpp"

namespace tickwire::test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMaxMessageBytes = 60'000;
constexpr std::uint8_t kChannels = 4;

bool contains(const std::vector<SendNumber>& all, SendNumber number) {
  return std::find(all.begin(), all.end(), number) != all.end();
}

}  // namespace

HostChaos::HostChaos(const Scheme& scheme, std::uint64_t seed)
    : scheme_(scheme),
      dice_(seed),
      resumes_(!dice_.one_in(3)),
      redials_(dice_.one_in(2)),
      network_(std::make_shared<MemoryNetwork>(seed)) {
  random_network();
  for (std::size_t i = 0; i < ends_.size(); ++i) {
    ends_[i].host = std::make_unique<ChaosHost>(random_config(), i == 0 ? "left" : "right");
    const auto bound = ends_[i].host->host->listen(scheme_.listen_url(static_cast<int>(i)));
    if (!bound) {
      breach_ = bound.error().message();
      return;
    }
    ends_[i].url = bound->to_string();
  }
}

HostConfig HostChaos::random_config() {
  HostConfig config = local_config();
  config.application = "chaos/1";
  config.clock = &clock_;
  config.memory_network = network_;
  config.tick_rate_hz = std::nullopt;
  config.event_capacity = dice_.one_in(2) ? dice_.between(1, 8) : 4096;
  config.max_events_per_pass = dice_.one_in(3) ? dice_.between(5, 30) : 4096;
  config.channels.resize(kChannels);
  for (ChannelConfig& channel : config.channels) {
    channel.delivery = static_cast<Delivery>(dice_.below(3));
    channel.priority = static_cast<std::uint8_t>(dice_.below(3));
    channel.weight = static_cast<std::uint16_t>(dice_.between(1, 4));
  }
  Limits& limits = config.limits;
  limits.max_connections = dice_.one_in(3) ? 6 : 32;
  limits.max_message_bytes = kMaxMessageBytes;
  limits.max_send_queue_bytes = dice_.one_in(2) ? kMaxMessageBytes + 64 : 1'000'000;
  limits.receive_window_bytes = dice_.one_in(2) ? 128 * 1024 : 512 * 1024;
  limits.max_reassembly_bytes = dice_.one_in(2) ? kMaxMessageBytes + 64 : 500'000;
  limits.max_host_reassembly_bytes = limits.max_reassembly_bytes * (dice_.one_in(2) ? 1 : 2);
  limits.max_unreliable_queue.bytes = dice_.one_in(2) ? 4000 : 64 * 1024;
  config.timeouts.connect = 1s;
  config.timeouts.handshake = 1s;
  config.timeouts.idle = 2s;
  config.timeouts.keep_alive = 250ms;
  config.timeouts.linger = 500ms;
  if (resumes_ && !dice_.one_in(8)) config.timeouts.resume_window = Duration(1ms) * 2500;
  config.resume_over = ResumeOver::any;
  return config;
}

void HostChaos::random_network() {
  NetworkConditions conditions;
  if (!dice_.one_in(3)) conditions.delay = Duration(1ms) * dice_.below(30);
  if (dice_.one_in(2)) conditions.jitter = Duration(1ms) * dice_.below(30);
  if (dice_.one_in(2)) conditions.loss_ratio = static_cast<double>(dice_.below(40)) / 100;
  if (dice_.one_in(2)) conditions.duplicate_ratio = static_cast<double>(dice_.below(40)) / 100;
  if (dice_.one_in(2)) conditions.reorder_ratio = static_cast<double>(dice_.below(40)) / 100;
  if (dice_.one_in(6)) conditions.bandwidth_bytes_per_second = dice_.between(50'000, 5'000'000);
  network_->set_conditions(conditions);
}

std::string HostChaos::run() {
  if (!breach_.empty()) return breach_;
  for (std::size_t i = dice_.between(1, 3); i > 0; --i)
    dial(ends_[0], ends_[1]);
  for (std::size_t i = dice_.between(0, 2); i > 0; --i)
    dial(ends_[1], ends_[0]);
  for (std::size_t acts = dice_.between(10, 90); acts > 0; --acts) {
    act();
    if (!dice_.one_in(3)) step(Duration(1ms) * dice_.below(20));
  }
  if (dice_.one_in(3)) {
    // One goes with everything in flight; the other has to find out.
    End& gone = ends_[dice_.below(2)];
    gone.host->destroy();
  } else {
    settle();
    compare();
  }
  end_all();
  for (const End& each : ends_)
    if (breach_.empty()) breach_ = each.host->breach;
  return breach_;
}

void HostChaos::act() {
  End& end = ends_[dice_.below(2)];
  End& other = ends_[&end == &ends_[0] ? 1 : 0];
  switch (dice_.below(50)) {
    case 0:
      return dial(end, other);
    case 1:
    case 2:
      return end.host->close(random_connection(end),
                             {static_cast<std::uint16_t>(0x1000 + dice_.below(9)), "over"});
    case 3:
    case 4:
      return network_->sever_all();
    case 5:
      return network_->drop_everything(Duration(1ms) *
                                       (dice_.one_in(4) ? dice_.below(4000) : dice_.below(300)));
    case 6:
      return random_network();
    case 7:
    case 8:
      end.asleep_for = dice_.between(1, 30);
      return;
    case 9:
      clock_.advance(Duration(1ms) * (dice_.one_in(4) ? dice_.below(4000) : dice_.below(400)));
      return;
    case 10:
      if (end.asleep_for == 0) end.host->host->flush();
      return;
    case 11:
    case 12:
    case 13:
    case 14:
      return say_to_many(end);
    default:
      for (std::size_t n = dice_.one_in(5) ? dice_.between(2, 40) : 1; n > 0; --n)
        say(end);
  }
}

void HostChaos::dial(End& from, End& to) {
  ConnectOptions options;
  options.name = "caller " + std::to_string(++names_);
  if (redials_) {
    options.reconnect = ReconnectPolicy{.max_attempts = 3, .first_delay = 20ms, .max_delay = 200ms};
  }
  from.host->connect(to.url, std::move(options));
}

Connection HostChaos::random_connection(End& end) {
  const auto all = end.host->known();
  return all.empty() ? Connection() : all[dice_.below(all.size())];
}

SendOptions HostChaos::random_options(SendNumber number) {
  SendOptions options;
  options.channel = static_cast<std::uint8_t>(dice_.one_in(60) ? 9 : dice_.below(kChannels));
  if (!dice_.one_in(4)) {
    options.delivery = dice_.one_in(3) ? static_cast<Delivery>(dice_.below(3)) : Delivery::reliable;
  }
  if (options.delivery && (*options.delivery != Delivery::reliable || dice_.one_in(60)) &&
      dice_.one_in(3)) {
    options.replace_key = dice_.below(3);
  }
  if (dice_.one_in(6)) options.metadata.set("number", std::to_string(number));
  return options;
}

std::size_t HostChaos::random_bytes(const SendOptions& options) {
  const bool is_small = options.delivery.value_or(Delivery::unreliable) != Delivery::reliable;
  if (is_small) return dice_.one_in(40) ? 2000 : dice_.between(8, 1050);
  switch (dice_.below(16)) {
    case 0:
      return dice_.between(8, kMaxMessageBytes - 100);
    case 1:
      return dice_.one_in(8) ? kMaxMessageBytes + 1 : 1150;
    default:
      return dice_.between(8, 600);
  }
}

void HostChaos::say(End& end) {
  const SendNumber number = ++last_number_;
  const SendOptions options = random_options(number);
  end.host->send(random_connection(end), number, random_bytes(options), options);
}

void HostChaos::say_to_many(End& end) {
  const SendNumber number = ++last_number_;
  BroadcastOptions options;
  options.send = random_options(number);
  if (dice_.one_in(2)) {
    options.except = dice_.one_in(2) ? random_connection(end) : Connection();
    return end.host->broadcast(number, random_bytes(options.send), options);
  }
  std::set<Connection> targets;
  for (std::size_t n = dice_.between(1, 4); n > 0; --n)
    targets.insert(random_connection(end));
  targets.erase(Connection());
  options.send.metadata = {};
  end.host->forward(std::vector<Connection>(targets.begin(), targets.end()), options.send);
}

std::size_t HostChaos::poll_awake() {
  std::size_t events = 0;
  for (End& each : ends_) {
    if (!each.host->lives()) continue;
    if (each.asleep_for > 0) {
      --each.asleep_for;
      continue;
    }
    events += each.host->poll();
    each.host->check_bounds(dice_.below(1000));
  }
  return events;
}

void HostChaos::step(Duration by) {
  poll_awake();
  clock_.advance(by);
}

// Good weather, until nothing more can come.
void HostChaos::settle() {
  network_->set_conditions({});
  for (End& each : ends_)
    each.asleep_for = 0;
  const auto is_settled = [&] { return chaos(0).is_settled() && chaos(1).is_settled(); };
  // A cable may be out for four seconds more; nobody knows yet of a call that is to be made again.
  const int at_least = scheme_.has_ports ? 150 : 250;
  int quiet = 0;
  for (int i = 0; i < 3000 && quiet < 3; ++i) {
    const bool is_quiet = poll_awake() == 0 && i >= at_least && is_settled();
    quiet = is_quiet ? quiet + 1 : 0;
    clock_.advance(scheme_.has_ports ? 10ms : 20ms);
  }
  for (ChaosHost* each : {&chaos(0), &chaos(1)})
    each->expect(each->is_settled(), "in good weather everything comes to rest");
}

void HostChaos::end_all() {
  for (End& each : ends_) {
    each.asleep_for = 0;
    if (each.host->lives() && dice_.one_in(2)) each.host->host->close("the end");
  }
  network_->set_conditions({});
  const bool both_live = chaos(0).lives() && chaos(1).lives();
  if (both_live && dice_.one_in(2)) chaos(dice_.below(2)).destroy();
  run_until_over();
  for (End& each : ends_)
    if (each.host->lives()) each.host->destroy();
}

void HostChaos::run_until_over() {
  const auto is_over = [&] {
    return std::all_of(ends_.begin(), ends_.end(),
                       [](const End& each) { return !each.host->lives() || each.host->is_over(); });
  };
  // Nobody closes them: not all have to end then.
  if (chaos(0).lives() && chaos(1).lives()) return;
  for (int i = 0; i < 800 && (i < 60 || !is_over()); ++i)
    step(20ms);
  for (End& each : ends_) {
    if (!each.host->lives()) continue;
    each.host->expect(each.host->is_over(), "what has lost its other end ends, too");
    for (const auto& [id, course] : each.host->courses)
      each.host->expect(course.receipts.size() == course.ids.size() || !course.over,
                        "what is over has told of every message");
  }
}

void HostChaos::compare() {
  compare(chaos(0), chaos(1));
  compare(chaos(1), chaos(0));
  check_acknowledged(chaos(0), chaos(1));
  check_acknowledged(chaos(1), chaos(0));
}

// What is wrong with `heard` as the other end of `said`; nothing when it fits.
std::string HostChaos::mismatch(const Course& said, const ChaosHost& from, const Course& heard) {
  std::map<std::uint8_t, std::size_t> next_reliable;
  std::map<std::uint8_t, std::size_t> next_sequenced;
  for (const Course::Heard& each : heard.heard) {
    const auto known = from.sent.find(each.number);
    if (known == from.sent.end()) return "a message that nobody sent";
    const auto line = said.said.find({known->second.delivery, each.channel});
    if (line == said.said.end()) return "a message of another connection or channel";
    const auto& numbers = line->second;
    const auto place = static_cast<std::size_t>(
        std::find(numbers.begin(), numbers.end(), each.number) - numbers.begin());
    if (place == numbers.size()) return "a message of another connection";
    if (known->second.delivery == Delivery::reliable && place != next_reliable[each.channel]++) {
      return "reliable messages out of order, twice or with a gap";
    }
    const bool has_keys = std::any_of(numbers.begin(), numbers.end(), [&](SendNumber number) {
      return from.sent.at(number).keyed;
    });
    if (known->second.delivery == Delivery::sequenced && !has_keys) {
      if (place < next_sequenced[each.channel]) return "a sequenced message that is too old";
      next_sequenced[each.channel] = place + 1;
    }
  }
  return {};
}

// What both ends that are still open have not brought over.
std::string HostChaos::loss(const Course& said, const Course& heard) {
  std::size_t reliable = 0;
  for (const auto& [line, numbers] : said.said)
    if (line.first == Delivery::reliable) reliable += numbers.size();
  std::size_t arrived = 0;
  for (const Course::Heard& each : heard.heard) {
    const auto line = said.said.find({Delivery::reliable, each.channel});
    if (line != said.said.end() && contains(line->second, each.number)) ++arrived;
  }
  return arrived == reliable ? std::string() : "a reliable message that never came";
}

void HostChaos::compare(ChaosHost& from, ChaosHost& to) {
  for (const auto& [to_id, heard] : to.courses) {
    if (!heard.connected) continue;
    // Calls that are made again have the same name.
    std::string wrong = "an end without another end";
    for (const auto& [from_id, said] : from.courses) {
      const bool opposite = said.connected && said.name == heard.name;
      if (!opposite || (!heard.over && said.over)) continue;
      wrong = mismatch(said, from, heard);
      if (wrong.empty() && !said.over && !heard.over) wrong = loss(said, heard);
      if (wrong.empty()) break;
    }
    // Whoever accepts may be gone before it has come up.
    const bool alone = heard.heard.empty() && heard.over;
    to.expect(wrong.empty() || alone, wrong + " (" + heard.name + ")");
  }
}

void HostChaos::check_acknowledged(ChaosHost& from, const ChaosHost& to) {
  std::map<std::string, std::set<SendNumber>> heard;
  for (const auto& [id, course] : to.courses)
    for (const Course::Heard& each : course.heard)
      heard[course.name].insert(each.number);
  for (const auto& [id, course] : from.courses) {
    for (const auto& [message, number] : course.ids) {
      const auto receipt = course.receipts.find(message);
      if (receipt == course.receipts.end()) continue;
      const bool arrived = heard[course.name].contains(number);
      from.expect(arrived || receipt->second != Receipt::acknowledged,
                  "what is acknowledged is handed out");
      from.expect(!course.over || !arrived || receipt->second != Receipt::dropped || redials_,
                  "what was dropped never arrives");
      const bool reliable = from.sent.at(number).delivery == Delivery::reliable;
      from.expect(reliable || receipt->second != Receipt::acknowledged,
                  "only what is reliable is acknowledged");
      from.expect(course.over || !reliable || receipt->second == Receipt::acknowledged,
                  "what is reliable is acknowledged while its connection lives");
    }
  }
}

HostChaos::Tally HostChaos::tally() const {
  Tally all;
  for (const End& each : ends_) {
    all.interrupted += each.host->log.count(EventType::interrupted);
    all.resumed += each.host->log.count(EventType::resumed);
    all.sent += each.host->sent.size();
    for (const auto& [id, course] : each.host->courses) {
      all.connected += course.connected ? 1 : 0;
      all.ended += course.over ? 1 : 0;
      all.heard += course.heard.size();
    }
  }
  return all;
}

}  // namespace tickwire::test
