// SPDX-License-Identifier: MIT
#include "test/support/host_pair.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include <tickwire/codec.hpp>

#include "test/support/local_tls.hpp"
#include "test/support/why.hpp"

namespace tickwire::test {
namespace {

const std::vector<Scheme>& all_schemes() {
  static const std::vector<Scheme> all = [] {
    std::vector<Scheme> schemes{
        {"memory", false, true, ErrorCode::connection_refused},
        {"enet", true, true, ErrorCode::connect_timed_out},
        {"tcp", true, false, ErrorCode::connection_refused},
    };
    if (local_tls() != nullptr) {
      schemes.push_back({"tls", true, false, ErrorCode::connection_refused});
    }
    return schemes;
  }();
  return all;
}

}  // namespace

std::string Scheme::listen_url(int number) const {
  return has_ports ? name + "://127.0.0.1:0" : name + "://place-" + std::to_string(number);
}

std::span<const Scheme> schemes() {
  return all_schemes();
}

const Scheme& memory_scheme() {
  return all_schemes().front();
}

HostConfig local_config() {
  HostConfig config;
  if (local_tls() != nullptr) config.tls = *local_tls();
  return config;
}

LoggedHost::LoggedHost(HostConfig config, EventLog::Keep keep) : log(keep) {
  if (!config.log.sink) {
    config.log.sink = [this](LogLevel, std::string_view line) { lines.emplace_back(line); };
  }
  host = std::make_unique<Host>(std::move(config));
}

void LoggedHost::poll() {
  while (const auto event = host->poll())
    log.add(*event);
}

HostPair::HostPair(const Scheme& chosen, PairOptions options)
    : scheme(chosen),
      network(std::make_shared<MemoryNetwork>(options.seed, options.network)),
      server(add(std::move(options.server), options.keep)),
      client(add(std::move(options.client), options.keep)) {
  auto bound = server->listen(scheme.listen_url());
  REQUIRE_MESSAGE(bound, test::why(bound));
  address = *bound;
}

HostConfig HostPair::complete(HostConfig config) {
  if (config.clock == nullptr) config.clock = &clock;
  if (!config.memory_network) config.memory_network = network;
  if (local_tls() != nullptr && config.tls == TlsConfig()) config.tls = *local_tls();
  if (config.application.empty()) config.application = "contract/1";
  return config;
}

LoggedHost& HostPair::add(HostConfig config, EventLog::Keep keep) {
  hosts.push_back(std::make_unique<LoggedHost>(complete(std::move(config)), keep));
  return *hosts.back();
}

LoggedHost& HostPair::add(HostConfig config) {
  return add(std::move(config), EventLog::Keep::everything);
}

void HostPair::step(Duration by) {
  for (const auto& each : hosts) {
    if (each->awake && each->host) each->poll();
  }
  clock.advance(by);
}

void HostPair::run(Duration time, Duration by) {
  for (const TimePoint end = clock.now() + time; clock.now() < end;)
    step(std::min(by, end - clock.now()));
}

bool HostPair::until(const std::function<bool()>& holds, Duration by, Duration max_time) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  const TimePoint end = clock.now() + max_time;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline || clock.now() > end) return false;
    step(by);
  }
  return true;
}

void HostPair::connect(const ConnectOptions& options) {
  caller = connect(client, options);
  callee = server.log.last(EventType::connected).connection;
}

Connection HostPair::connect(LoggedHost& from, const ConnectOptions& options) {
  const std::size_t before = server.log.count(EventType::connected);
  auto dialled = from->connect(address.to_string(), options);
  REQUIRE_MESSAGE(dialled, test::why(dialled));
  REQUIRE(until([&] {
    return from.log.count(EventType::connected, *dialled) == 1 &&
           server.log.count(EventType::connected) > before;
  }));
  return *dialled;
}

Result<MessageId> send_text(Connection connection, std::string_view text,
                            const SendOptions& options) {
  return connection.send(text, options);
}

Result<MessageId> send_text_and_wait(Host& host, Connection connection, std::string_view text,
                                     Duration timeout, const SendOptions& options) {
  return host.send_and_wait(connection, text, timeout, options);
}

BroadcastResult broadcast_text(Host& host, std::string_view text, const BroadcastOptions& options) {
  return host.broadcast(text, options);
}

BroadcastResult send_text_to(Host& host, std::span<const Connection> targets, std::string_view text,
                             const SendOptions& options) {
  return host.send_to(targets, text, options);
}

void raise(Host& host, EventType type, Connection connection) {
  Event raised;
  raised.type = type;
  raised.connection = connection;
  raised.error = {ErrorCode::unknown, 0, "an extension's own"};
  raised.is_last = true;  // it is not, whoever says so
  host.raise(std::move(raised));
}

SendOptions on_channel(std::uint8_t channel) {
  SendOptions options;
  options.channel = channel;
  return options;
}

SendOptions with(Delivery delivery, std::uint8_t channel) {
  SendOptions options;
  options.delivery = delivery;
  options.channel = channel;
  return options;
}

std::string pattern(std::size_t bytes, std::uint32_t seed) {
  std::string text(bytes, '\0');
  std::uint32_t state = seed * 2654435761u + 1;
  for (char& c : text) {
    state = state * 1664525u + 1013904223u;
    c = static_cast<char>(state >> 24);
  }
  return text;
}

}  // namespace tickwire::test
