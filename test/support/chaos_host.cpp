// SPDX-License-Identifier: MIT
#include "test/support/chaos_host.hpp"

#include <algorithm>
#include <charconv>
#include <tickwire/codec.hpp>

#include "test/support/host_pair.hpp"

namespace tickwire::test {
namespace {

// What a byte of credit can cost at most: a message of 33 bytes of credit may come in a packet of
// its own, whose block has half a kilobyte.
constexpr std::size_t kMemoryPerCredit = 32;

std::size_t memory_bound(const HostConfig& config, std::size_t connections) {
  const Limits& limits = config.limits;
  const std::size_t each =
      3 * limits.max_send_queue_bytes +
      kMemoryPerCredit * (limits.receive_window_bytes + limits.max_unreliable_queue.bytes) +
      2 * limits.max_reassembly_bytes;
  return (connections + 1) * each;
}

bool is_expected_refusal(ErrorCode code) {
  return code == ErrorCode::send_queue_full || code == ErrorCode::message_too_large ||
         code == ErrorCode::no_such_channel || code == ErrorCode::invalid_argument;
}

std::optional<SendNumber> number_in(std::string_view text) {
  SendNumber number = 0;
  const auto end = text.find(':');
  if (end == std::string_view::npos) return std::nullopt;
  const auto parsed = std::from_chars(text.data(), text.data() + end, number);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + end) return std::nullopt;
  return number;
}

}  // namespace

std::string ChaosHost::text_of(SendNumber number, std::size_t bytes) {
  std::string text = std::to_string(number) + ":";
  if (bytes > text.size()) text += pattern(bytes - text.size(), number);
  return text;
}

ChaosHost::ChaosHost(HostConfig config, std::string name) : name_(std::move(name)) {
  config.memory = &memory;
  config.log.level = LogLevel::off;
  config_ = config;
  host = std::make_unique<Host>(std::move(config));
}

void ChaosHost::expect(bool holds, const std::string& promise) {
  if (!holds && breach.empty()) breach = name_ + ": " + promise;
}

std::size_t ChaosHost::poll() {
  std::size_t count = 0;
  while (auto event = host->poll()) {
    ++count;
    take(*std::move(event));
  }
  ++passes;
  expect(count <= config_.max_events_per_pass, "a pass hands out no more than it may");
  return count;
}

Course& ChaosHost::course(Connection connection) {
  Course& found = courses[connection.id()];
  if (found.connection == Connection()) {
    found.connection = connection;
    found.name = connection.name();
  }
  return found;
}

void ChaosHost::take(Event event) {
  log.add(event);
  if (event.connection == Connection()) return;
  Course& concerned = course(event.connection);
  switch (event.type) {
    case EventType::connected:
      concerned.connected = true;
      concerned.name = event.connection.name();
      return;
    case EventType::object_received:
    case EventType::data_received:
      return hear(std::move(event), concerned);
    case EventType::data_sent:
      expect(concerned.ids.contains(event.message_id), "a receipt is for what was sent");
      expect(concerned.receipts.emplace(event.message_id, event.receipt).second,
             "a message has one receipt");
      return;
    case EventType::interrupted:
      concerned.interrupted = true;
      return;
    case EventType::resumed:
      concerned.interrupted = false;
      return;
    case EventType::disconnected:
    case EventType::error:
      expect(event.error.code != ErrorCode::protocol_violation,
             "nobody misbehaves: " + event.error.message());
      concerned.over = true;
      concerned.over_in_pass = passes;
      return;
    default:
      return;
  }
}

void ChaosHost::hear(Event event, Course& concerned) {
  std::string text;
  if (event.type == EventType::object_received) {
    auto read = event.as<std::string>();
    expect(read.has_value(), "what was sent as a text is one");
    if (read) text = *std::move(read);
  } else {
    const auto bytes = event.bytes();
    text.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  const auto number = number_in(text);
  expect(number && text == text_of(*number, text.size()), "what is heard is whole");
  if (!number) return;
  const Metadata metadata = event.metadata();
  expect(metadata == Metadata() || metadata == Metadata().set("number", std::to_string(*number)),
         "metadata comes with its message");
  concerned.heard.push_back({*number, event.channel});
  if (!sent.contains(*number)) {
    kept_ = std::move(event);
    kept_number_ = *number;
  }
}

void ChaosHost::connect(std::string_view url, ConnectOptions options) {
  const auto dialled = host->connect(url, options);
  if (!dialled) {
    expect(dialled.error().code == ErrorCode::too_many_connections, "a call can be made");
    return;
  }
  course(*dialled);
}

Delivery ChaosHost::resolved(const SendOptions& options) const {
  return options.delivery.value_or(
      config_.channels[options.channel % config_.channels.size()].delivery);
}

void ChaosHost::said(Connection by, MessageId id, SendNumber number, const Sent& how) {
  Course& speaker = course(by);
  speaker.said[{how.delivery, how.channel}].push_back(number);
  expect(speaker.ids.emplace(id, number).second, "an id is never used twice");
}

void ChaosHost::send(Connection to, SendNumber number, std::size_t bytes,
                     const SendOptions& options) {
  const bool was_open = to.is_open();
  const std::uint64_t queued_before = to.stats().queued_bytes;
  const std::string text = text_of(number, bytes);
  const auto result = number % 2 == 0
                          ? send_text(to, text, options)
                          : host->send_bytes(to, std::as_bytes(std::span(text)), options);
  if (!result) {
    const ErrorCode code = result.error().code;
    expect(was_open ? is_expected_refusal(code) : code == ErrorCode::not_connected,
           "a refusal says what is wrong: " + result.error().message());
    expect(to.stats().queued_bytes == queued_before, "a refused send changes nothing");
    return;
  }
  expect(was_open, "nothing is taken unless it is open");
  const Sent how{resolved(options), options.channel, options.replace_key.has_value()};
  sent[number] = how;
  said(to, *result, number, how);
}

std::map<std::uint64_t, std::uint64_t> ChaosHost::messages_sent() const {
  std::map<std::uint64_t, std::uint64_t> counts;
  for (const auto& [id, each] : courses)
    if (!each.over) counts[id] = each.connection.stats().messages_sent;
  return counts;
}

// Who took one message for many is only seen by the counters.
void ChaosHost::count_targets(std::span<const Connection> targets, const BroadcastResult& result,
                              SendNumber number, const Sent& how,
                              const std::map<std::uint64_t, std::uint64_t>& before) {
  std::size_t queued = 0;
  const auto after = messages_sent();
  for (const auto& [id, count] : after) {
    if (count == before.at(id)) continue;
    expect(count == before.at(id) + 1, "one message goes to each once");
    said(courses.at(id).connection, result.id, number, how);
    ++queued;
  }
  expect(queued == result.queued, "the result says how many took it");
  expect(result.queued + result.refused == targets.size(), "the result accounts for all");
  expect((result.id != 0) == (queued > 0), "what nobody took has no id");
  if (queued > 0) sent[number] = how;
}

void ChaosHost::broadcast(SendNumber number, std::size_t bytes, const BroadcastOptions& options) {
  std::vector<Connection> targets = host->connections();
  std::erase(targets, options.except);
  // Not told of to the program yet, but open.
  for (const Connection& each : targets)
    course(each);
  const auto before = messages_sent();
  const auto result = broadcast_text(*host, text_of(number, bytes), options);
  count_targets(
      targets, result, number,
      {resolved(options.send), options.send.channel, options.send.replace_key.has_value()}, before);
}

void ChaosHost::forward(std::span<const Connection> targets, const SendOptions& options) {
  if (!kept_) return;
  for (const Connection& each : targets)
    course(each);
  const auto before = messages_sent();
  const auto result = host->forward(*kept_, targets, options);
  count_targets(targets, result, kept_number_,
                {resolved(options), options.channel, options.replace_key.has_value()}, before);
  kept_.reset();
}

void ChaosHost::close(Connection connection, const CloseReason& reason) {
  const auto found = courses.find(connection.id());
  const bool is_over = found == courses.end() || found->second.over;
  const ErrorCode code = connection.close(reason);
  expect(!is_over || code == ErrorCode::not_connected, "what is over cannot be closed");
  expect(code == ErrorCode::none || code == ErrorCode::not_connected, "a close is no failure");
}

void ChaosHost::destroy() {
  kept_.reset();
  host.reset();
  expect(memory.bytes_out() == 0, "a host gives all of its memory back");
}

void ChaosHost::check_bounds(std::size_t probe) {
  std::size_t living = 0;
  for (auto& [id, each] : courses) {
    if (each.over) continue;
    ++living;
    expect(each.connection.stats().queued_bytes <= config_.limits.max_send_queue_bytes,
           "a send queue keeps its limit");
  }
  expect(memory.bytes_out() <= memory_bound(config_, living), "memory is bounded");
  if (courses.empty()) return;
  const Course& any =
      std::next(courses.begin(), static_cast<std::ptrdiff_t>(probe % courses.size()))->second;
  if (!any.over) return;
  const auto answer = any.connection.send_bytes({});
  expect(!any.connection.is_open() && !answer && answer.error().code == ErrorCode::not_connected &&
             any.connection.close() == ErrorCode::not_connected,
         "what is over answers that it is not connected");
  if (passes < any.over_in_pass + 3) return;
  expect(any.connection.name().empty() && any.connection.address() == Address() &&
             any.connection.set_user_data(1) == ErrorCode::not_connected &&
             any.connection.stats().packets_sent == 0,
         "a stale handle names nothing");
}

std::vector<Connection> ChaosHost::known() const {
  std::vector<Connection> all;
  for (const auto& [id, each] : courses)
    all.push_back(each.connection);
  return all;
}

bool ChaosHost::is_settled() const {
  return std::all_of(courses.begin(), courses.end(),
                     [](const auto& each) { return each.second.is_settled(); });
}

bool ChaosHost::is_over() const {
  return std::all_of(courses.begin(), courses.end(),
                     [](const auto& each) { return each.second.over; });
}

}  // namespace tickwire::test
