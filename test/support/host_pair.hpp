// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tickwire/host.hpp>
#include <tickwire/testing.hpp>

#include "test/support/event_log.hpp"

namespace tickwire::test {

/// A transport as a test battery sees it.
struct Scheme {
  std::string name;
  /// Addresses have a port; otherwise any name will do.
  bool has_ports = true;
  /// What `ConnectionStats::packet_loss_ratio` is about.
  bool loses_datagrams = false;
  /// What is said when nobody listens at the address.
  ErrorCode nobody_there = ErrorCode::connection_refused;

  /// Where the battery listens; every number is another place.
  [[nodiscard]] std::string listen_url(int number = 0) const;
};

/// Every transport that keeps the contract.
[[nodiscard]] std::span<const Scheme> schemes();
[[nodiscard]] const Scheme& memory_scheme();

/// A config with the certificates that `tls://` on this machine needs.
[[nodiscard]] HostConfig local_config();

/// A host with all that it tells.
class LoggedHost {
 public:
  explicit LoggedHost(HostConfig config, EventLog::Keep keep = EventLog::Keep::everything);

  /// One pass, with every event into the log.
  void poll();
  [[nodiscard]] Host* operator->() noexcept { return host.get(); }
  [[nodiscard]] Host& operator*() noexcept { return *host; }

  std::vector<std::string> lines;  ///< of the host's own log
  EventLog log;
  std::unique_ptr<Host> host;
  bool awake = true;  ///< false: `HostPair` leaves it alone
};

/// What the hosts of a pair are made of.
struct PairOptions {
  HostConfig server{};
  HostConfig client{};
  EventLog::Keep keep = EventLog::Keep::everything;
  NetworkConditions network{};  ///< for memory
  std::uint64_t seed = 1;
};

/// A server and a client of one transport under one clock that stands still between steps, so that
/// minutes pass at once and nothing depends on the machine's speed. Real sockets carry the packets
/// where the scheme has them.
///
/// The pair fills in clock, network, application name and log of every config that leaves them
/// open.
class HostPair {
 public:
  explicit HostPair(const Scheme& scheme, PairOptions options = {});

  /// A config for a host of this pair.
  [[nodiscard]] HostConfig complete(HostConfig config);
  /// Another host beside the two.
  LoggedHost& add(HostConfig config = {});

  /// One pass of every host that is awake, in order; then the clock moves on.
  void step(Duration by = std::chrono::milliseconds(1));
  void run(Duration time, Duration by = std::chrono::milliseconds(1));
  /// Steps until it holds, for at most half a minute of real time and `max_time` by the clock.
  [[nodiscard]] bool until(const std::function<bool()>& holds,
                           Duration by = std::chrono::milliseconds(1),
                           Duration max_time = std::chrono::minutes(5));

  /// Connects the client with the server; they are then `caller` and `callee`.
  void connect(const ConnectOptions& options = {});
  /// Connects any host with the server and returns the calling end.
  Connection connect(LoggedHost& from, const ConnectOptions& options = {});

  const Scheme& scheme;
  ManualClock clock;
  std::shared_ptr<MemoryNetwork> network;
  std::vector<std::unique_ptr<LoggedHost>> hosts;
  LoggedHost& server;
  LoggedHost& client;
  Address address;  ///< of the server
  Connection caller;
  Connection callee;

 private:
  LoggedHost& add(HostConfig config, EventLog::Keep keep);
};

/// Sends a string as an object, in one file that includes Cereal instead of in all.
Result<MessageId> send_text(Connection connection, std::string_view text,
                            const SendOptions& options = {});
Result<MessageId> send_text_and_wait(Host& host, Connection connection, std::string_view text,
                                     Duration timeout, const SendOptions& options = {});
BroadcastResult broadcast_text(Host& host, std::string_view text,
                               const BroadcastOptions& options = {});
BroadcastResult send_text_to(Host& host, std::span<const Connection> targets, std::string_view text,
                             const SendOptions& options = {});

/// Raises an event for a connection, as an extension might.
void raise(Host& host, EventType type, Connection connection);

[[nodiscard]] SendOptions on_channel(std::uint8_t channel);
[[nodiscard]] SendOptions with(Delivery delivery, std::uint8_t channel = 0);
/// Text of a length that shows where a byte is missing or out of place.
[[nodiscard]] std::string pattern(std::size_t bytes, std::uint32_t seed = 1);

/// Defines a test case that runs once for every scheme, as a subcase of its name.
#define TICKWIRE_CONTRACT_NAMED(function, sentence)             \
  static void function(const ::tickwire::test::Scheme& scheme); \
  TEST_CASE(sentence) {                                         \
    for (const auto& each : ::tickwire::test::schemes()) {      \
      SUBCASE(each.name.c_str()) {                              \
        function(each);                                         \
      }                                                         \
    }                                                           \
  }                                                             \
  static void function([[maybe_unused]] const ::tickwire::test::Scheme& scheme)
#define CONTRACT_CASE(sentence) TICKWIRE_CONTRACT_NAMED(DOCTEST_ANONYMOUS(contract_case_), sentence)

}  // namespace tickwire::test
