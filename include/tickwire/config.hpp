// SPDX-License-Identifier: MIT
#pragma once

#include <any>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tickwire/address.hpp>
#include <tickwire/clock.hpp>
#include <tickwire/decode_limits.hpp>
#include <tickwire/error.hpp>
#include <tickwire/export.hpp>
#include <tickwire/tls.hpp>

namespace tickwire {

class Filter;
class AccessList;
class MemoryNetwork;

/// How a message travels.
enum class Delivery : std::uint8_t {
  reliable,    ///< every message, once, in order within its channel
  sequenced,   ///< may be lost; one older than the newest seen on its channel is dropped
  unreliable,  ///< may be lost, doubled or overtaken
};

/// What a program can be told; see `Event`. The numbers are bits of an `EventMask`.
enum class EventType : std::uint32_t {
  connected = 1u << 0,
  disconnected = 1u << 1,
  object_received = 1u << 2,
  data_received = 1u << 3,
  data_sent = 1u << 4,
  error = 1u << 5,
  writable = 1u << 6,     ///< after a send that a full queue refused: half of it is free again
  interrupted = 1u << 7,  ///< the transport is lost; see `Timeouts::resume_window`
  resumed = 1u << 8,      ///< there is another one, and nothing was lost
  logged_in = 1u << 9,    ///< see accounts.hpp
  transfer_offered = 1u << 10,
  transfer_progress = 1u << 11,
  transfer_finished = 1u << 12,
  custom = 1u << 13,  ///< raised by an extension of the program's own
  login_failed = 1u << 20,
};

/// A set of event types: `EventType::data_sent | EventType::object_received`.
class EventMask {
 public:
  constexpr EventMask() noexcept = default;
  constexpr EventMask(EventType type) noexcept : bits_(static_cast<std::uint32_t>(type)) {}

  [[nodiscard]] static constexpr EventMask all() noexcept { return EventMask(~0u); }
  [[nodiscard]] static constexpr EventMask none() noexcept { return EventMask(0u); }
  [[nodiscard]] constexpr bool contains(EventType type) const noexcept {
    return (bits_ & static_cast<std::uint32_t>(type)) != 0;
  }
  [[nodiscard]] constexpr EventMask without(EventMask other) const noexcept {
    return EventMask(bits_ & ~other.bits_);
  }
  friend constexpr EventMask operator|(EventMask a, EventMask b) noexcept {
    return EventMask(a.bits_ | b.bits_);
  }
  friend constexpr bool operator==(EventMask, EventMask) noexcept = default;

 private:
  constexpr explicit EventMask(std::uint32_t bits) noexcept : bits_(bits) {}
  std::uint32_t bits_ = 0;
};

[[nodiscard]] constexpr EventMask operator|(EventType a, EventType b) noexcept {
  return EventMask(a) | EventMask(b);
}

/// One channel: messages of one channel and one delivery keep their order among each other only.
struct ChannelConfig {
  Delivery delivery = Delivery::reliable;  ///< for sends that do not say
  std::uint8_t priority = 0;               ///< a higher one leaves first
  std::uint16_t weight = 1;                ///< share among channels of one priority; at least 1
};

/// How much unreliable traffic may wait in a connection before the oldest goes.
struct UnreliableQueueLimit {
  /// To be sent, and as much again to be taken by the program; at least 2,200.
  std::size_t bytes = 64 * 1024;
  Duration age = std::chrono::milliseconds(250);  ///< to be sent; above 0
};

/// What one host may use. Every one is enforced, and none is ever passed on trust from a peer.
struct Limits {
  /// Of both directions; 1 to 16,777,216. At one listener of `enet://` there is room for 4,063; who
  /// calls beyond hears `server_full`.
  std::size_t max_connections = 1024;
  /// 1 to 16,777,216. Nothing: as many as there is room for.
  std::optional<std::size_t> max_connections_per_address{};
  /// Encoded, object and metadata together, both directions; 1 byte to 4 GiB less 65.
  std::size_t max_message_bytes = 16 * 1024 * 1024;
  std::size_t max_unreliable_bytes = 1100;  ///< the same of the unreliable ones; at most 1,100
  /// Per connection; at least 64 above `max_message_bytes`. Ids of messages of which the other end
  /// has said nothing yet may take as much besides: 16 bytes, however many follow one another.
  std::size_t max_send_queue_bytes = 32 * 1024 * 1024;
  /// What may wait for the program, per connection; 128 KiB to 2 GiB less 1. A message counts its
  /// bytes and 32 more. The memory that holds it is up to four times as much, and a quarter of a
  /// MiB. As much again may wait on each channel where a large message waits for reassembly memory.
  std::size_t receive_window_bytes = 1024 * 1024;
  /// Per connection; at least 64 above `max_message_bytes`. A message that comes in slices counts
  /// its bytes and 32 more, 1,024 at least.
  std::size_t max_reassembly_bytes = 32 * 1024 * 1024;
  /// Of all connections; at least `max_reassembly_bytes`. While some wait for a part of it for
  /// three times `Timeouts::idle`, others that have begun a message and sent less than 64 KiB of it
  /// in that time are ended.
  std::size_t max_host_reassembly_bytes = 256 * 1024 * 1024;
  UnreliableQueueLimit max_unreliable_queue{};
  /// How often one address may come in, 0.000001 to 1,000,000; a second's worth, and four at least,
  /// may come at once. An IPv6 address counts by its first 64 bits. Nothing: any, since a school, a
  /// mobile network or a proxy has many callers behind one address.
  std::optional<double> max_connects_per_address_per_second{};
};

/// What `enet://` does about congestion on the way to a peer.
enum class ThrottleProfile : std::uint8_t {
  adaptive,  ///< for any network: what may be on its way follows the losses and delays that it sees
  lan,       ///< for a network of one's own: always 128 KiB, whatever is lost
};

/// How large a datagram of `enet://` may become.
enum class DatagramSize : std::uint8_t {
  probed,  ///< 4,092 bytes where a call finds that as many pass in one piece, else as below
  usual,   ///< 1,364 bytes, which pass the usual networks and tunnels
};

/// Settings of `enet://`.
struct EnetConfig {
  ThrottleProfile throttle = ThrottleProfile::adaptive;
  /// Both ends must have it probed: on one machine and between jumbo frames, it moves twice as
  /// much.
  DatagramSize datagrams = DatagramSize::probed;
  /// The system cuts up what goes to one peer into datagrams, where it can (Linux: UDP_SEGMENT):
  /// two to three times as many leave in the same time. Off for a network card or a virtual machine
  /// that gets it wrong.
  bool segmentation_offload = true;
};

/// Which links may carry a token that lets its holder take a connection over.
enum class ResumeOver : std::uint8_t {
  encrypted,  ///< `tls://`, and `memory://`, which leaves no process
  any,        ///< also `tcp://` and `enet://`, where whoever reads along can take connections over
};

/// How long to wait for what; each above 0 and at most 24 h.
struct Timeouts {
  Duration connect = std::chrono::seconds(5);    ///< from `connect` to `connected` or `error`
  Duration handshake = std::chrono::seconds(5);  ///< for an incoming connection to come up
  /// How long the other end's program may stand still. Nothing heard for so long and, on top, the
  /// time between two echoes without messages, and it is declared dead.
  Duration idle = std::chrono::seconds(10);
  /// Between echoes while there are messages, at most a third of `idle`. Without any, echoes are a
  /// quarter of `idle` apart, 10 s at most, or `keep_alive` where that is more.
  Duration keep_alive = std::chrono::seconds(1);
  Duration linger = std::chrono::seconds(2);  ///< for queued messages to leave after `close`
  /// How long a connection outlives its transport: it is `interrupted`, and `resumed` when the
  /// dialler comes back in time, with nothing lost. Both ends must set it, and
  /// `HostConfig::resume_over` must allow the transport. Nothing: not at all.
  std::optional<Duration> resume_window{};
};

enum class LogLevel : std::uint8_t { debug, info, warning, error, off };

/// Where a host's log lines go. An empty sink writes them to standard error.
///
/// Pre:    the sink does not call the host.
/// Errors: a line for which the sink throws goes to standard error, and the host goes on.
/// Thread: called on the host's thread.
struct LogConfig {
  LogLevel level = LogLevel::warning;
  std::function<void(LogLevel, std::string_view)> sink{};
};

struct ConnectionRequest;  // see connection.hpp

/// All settings of a host; every field has a value that works. The order is frozen.
struct HostConfig {
  /// Both ends must give the same; say name and version, as in "arena/1". At most 64 bytes.
  std::string application{};
  /// Nothing: no ticks. 0.000001 to 1,000,000.
  std::optional<double> tick_rate_hz = 60.0;
  /// Both ends must give the same where both give one. At most 64 bytes.
  std::string schema{};
  /// Events outside are not made. `connected`, `disconnected` and `error` always are.
  EventMask events = EventMask::all();
  /// Events that may wait in the host's ring, for one that an extension raises behind them;
  /// terminal events come on top. All others wait with their connections, within `limits`. What
  /// comes of the connection that `wait_connected` or `send_and_wait` waits for is kept here too:
  /// once so many wait, its unreliable messages are dropped (`unreliable_not_polled`); its reliable
  /// ones are bounded by `receive_window_bytes`. At least 1.
  std::size_t event_capacity = 4096;
  std::size_t max_events_per_pass = 4096;  ///< at least 1
  /// 1 to 64 of them. What only one end has configured cannot be used.
  std::vector<ChannelConfig> channels = std::vector<ChannelConfig>(8);
  Limits limits{};
  Timeouts timeouts{};
  /// For `tls://` and `raw+tls://`; see `ListenOptions` and `ConnectOptions` for others beside it.
  TlsConfig tls{};
  /// Nothing: the steady clock. Hosts with `enet://` in one process must share one.
  const Clock* clock = nullptr;
  /// Where packet memory comes from: thread-safe, and outlives the host and its events. Nothing:
  /// the default; where that is the free store, blocks of 8 MiB and more lie on large pages. A
  /// send that it has nothing for throws what it throws, or answers `encode_failed`, and changes
  /// nothing. A large message that arrives waits until there is memory; a connection whose packets
  /// have none ends with `out_of_resources`.
  std::pmr::memory_resource* memory = nullptr;
  /// What `memory://` addresses run over; see testing.hpp. Nothing: the process-wide one.
  std::shared_ptr<MemoryNetwork> memory_network{};
  LogConfig log{};
  /// Asked before an incoming connection comes up, not when it is resumed. An error turns the
  /// dialler away, who gets `refused_by_application` with the error's words, up to 200 bytes, and
  /// with its `system_code` where that is the program's own, 0x1000 to 0xffff. Must not call the
  /// host, but may use the request's connection.
  std::function<Result<void>(const ConnectionRequest&)> authenticate{};
  /// Ticks that one pass makes up for after a stall; the rest are skipped and counted. At least 1.
  std::uint32_t max_catch_up_ticks = 5;
  EnetConfig enet{};
  /// See `Timeouts::resume_window`.
  ResumeOver resume_over = ResumeOver::encrypted;
  /// What messages pass through on their way out; at most 4. See filter.hpp.
  std::vector<std::shared_ptr<Filter>> filters{};
  /// Whose calls are refused; asked before anything is spent on a caller. See access_list.hpp.
  std::shared_ptr<AccessList> access{};
  /// What `Event::as`, `Event::read`, `Event::metadata` and listeners make of received bytes at
  /// most: 1 KiB to just under 4 GiB, 1 to 4,096 levels.
  DecodeLimits decode{};
  /// How long the calls that wait look for something again and again before they sleep: 0 to 1 s.
  /// Takes a processor for it, and saves the 50 us or so that it takes to be woken.
  Duration spin = Duration::zero();
};

/// Settings of one `listen`.
struct ListenOptions {
  /// Connections that this address accepts at most. Nothing: the host's `max_connections`.
  std::optional<std::size_t> max_connections{};
  std::optional<TlsConfig> tls{};  ///< nothing: `HostConfig::tls`
};

/// When a dialler tries again: after a call that failed, and with a new handle after a connection
/// that was lost. Not after a goodbye of either end, nor after a refusal that would come again: by
/// the other program, for another application, schema, version or filter, or for a certificate. A
/// full server, a name that is not found and an answer that never comes are called again.
struct ReconnectPolicy {
  /// Attempts after the first, and after each loss. Nothing: for ever.
  std::optional<std::size_t> max_attempts = 10;
  /// Whether a first call that fails is made again as well. With false its `error` comes at once,
  /// as a person who waits for it wants to know; what comes up and is lost is called again all the
  /// same.
  bool retry_first_call = true;
  Duration first_delay = std::chrono::milliseconds(500);  ///< doubled for each further attempt
  Duration max_delay = std::chrono::seconds(30);
  /// Each delay is shortened by a random share of it, up to this one, so that a thousand diallers
  /// do not come back at once. 0 to 1.
  double jitter_ratio = 0.5;
};

/// Who logs in. The password is overwritten when this is destroyed.
struct TICKWIRE_API Login {
  std::string user{};
  std::string password{};

  ~Login();
};

/// Settings of one `connect`.
struct ConnectOptions {
  /// What this end calls itself; at most 64 bytes of UTF-8 without control characters, or such as
  /// turn the direction of text. The other end shows "?" for what is none of it.
  std::string name{};
  std::optional<Duration> timeout{};  ///< at most 24 h; nothing: `Timeouts::connect`
  std::any user_data{};
  std::optional<TlsConfig> tls{};              ///< nothing: `HostConfig::tls`
  std::optional<ReconnectPolicy> reconnect{};  ///< nothing: one attempt
  /// For an attached `Accounts` to log in with, on every handle that `reconnect` makes.
  std::optional<Login> login{};
  /// What the other end's `HostConfig::authenticate` is to see, such as what a login service has
  /// signed; with each call that `reconnect` makes, but not where a connection is resumed. At most
  /// 768 bytes, not for raw streams. Who reads along can use it too, where the way is not private.
  std::vector<std::byte> ticket{};
};

}  // namespace tickwire
